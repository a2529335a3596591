//! GraphQL types that are made at run time from the JSON Schemas of service types.
//!
//! async-graphql registers the types of a schema from Rust types while the schema is built. A [`TypeCatalogue`] lists
//! the GraphQL types of the service types; [`with_catalogue`] makes it available to two Rust types while a schema is
//! built, and these register:
//!
//! * [`TypedParameters`], the interface `ServiceParameters` with one object for each service type;
//! * [`ServiceParametersInput`], the `@oneOf` input with one field for each.
//!
//! The catalogue is also data of the schema (`.data(catalogue)`), so that an operation on an older schema uses the
//! catalogue of that schema.

mod input;
mod output;
mod register;

use std::cell::RefCell;
use std::sync::Arc;

use service_types::typing::TypeCatalogue;

pub use input::ServiceParametersInput;
pub use output::TypedParameters;

thread_local! {
    static CURRENT: RefCell<Option<Arc<TypeCatalogue>>> = const { RefCell::new(None) };
}

/// Builds a schema with these service types. `build` must contain `Schema::build`, `.data(Arc::clone(catalogue))` and
/// `finish`.
pub fn with_catalogue<T>(catalogue: &Arc<TypeCatalogue>, build: impl FnOnce() -> T) -> T {
    /// Restores the previous catalogue, also after a panic.
    struct Restore(Option<Arc<TypeCatalogue>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(Arc::clone(catalogue))));
    build()
}

/// The catalogue of the schema that is being built; empty outside [`with_catalogue`].
fn current() -> Arc<TypeCatalogue> {
    CURRENT.with_borrow(|current| current.as_ref().map(Arc::clone)).unwrap_or_default()
}

#[cfg(test)]
mod tests;

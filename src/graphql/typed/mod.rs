//! Service types as GraphQL types, at run time.
//!
//! async-graphql knows the types of a schema when it is built, from Rust types. Ours come from JSON Schemas: a
//! [`TypeCatalogue`] says which GraphQL types they make, [`with_catalogue`] puts it in reach of the two hand-written
//! types while a schema is built, and these register what it lists:
//!
//! * [`TypedParameters`], the interface `ServiceParameters` with one object for each service type;
//! * [`ServiceParametersInput`], the `@oneOf` input with one field for each.
//!
//! The catalogue is also the schema's data (`.data(catalogue)`), so that an operation which began under an older
//! schema is answered by that schema's own catalogue.

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

/// Builds a schema with these service types: both `Schema::build` and `finish` belong inside `build`, and so does
/// `.data(Arc::clone(catalogue))`.
pub fn with_catalogue<T>(catalogue: &Arc<TypeCatalogue>, build: impl FnOnce() -> T) -> T {
    /// Restores what was there, also when building panics.
    struct Restore(Option<Arc<TypeCatalogue>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(Arc::clone(catalogue))));
    build()
}

/// The catalogue of the schema that is being built; an empty one outside [`with_catalogue`].
fn current() -> Arc<TypeCatalogue> {
    CURRENT.with_borrow(|current| current.as_ref().map(Arc::clone)).unwrap_or_default()
}

#[cfg(test)]
mod tests;

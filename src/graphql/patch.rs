//! Conversion of optional input fields.

use async_graphql::MaybeUndefined;

use platform::patch::Patch;

/// Converts an input field into a field of a partial update.
pub fn patch<T>(field: MaybeUndefined<T>) -> Patch<T> {
    match field {
        MaybeUndefined::Undefined => Patch::Undefined,
        MaybeUndefined::Null => Patch::Null,
        MaybeUndefined::Value(value) => Patch::Value(value),
    }
}

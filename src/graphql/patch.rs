//! The conversion of GraphQL's undefined, null and given fields to patches.

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

//! The conversion of GraphQL's undefined, null and given fields to patches.

use async_graphql::MaybeUndefined;

use platform::patch::Patch;

/// What a patch says of a field: left out, null, or a value.
pub fn patch<T>(field: MaybeUndefined<T>) -> Patch<T> {
    match field {
        MaybeUndefined::Undefined => Patch::LeftOut,
        MaybeUndefined::Null => Patch::Null,
        MaybeUndefined::Value(value) => Patch::Given(value),
    }
}

//! The conversion of GraphQL's undefined, null and given fields to patches.

use async_graphql::MaybeUndefined;

use crate::patch::Patch;

impl<T> From<MaybeUndefined<T>> for Patch<T> {
    fn from(field: MaybeUndefined<T>) -> Self {
        match field {
            MaybeUndefined::Undefined => Self::LeftOut,
            MaybeUndefined::Null => Self::Null,
            MaybeUndefined::Value(value) => Self::Given(value),
        }
    }
}

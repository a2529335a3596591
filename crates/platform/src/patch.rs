//! Fields of partial updates.

use crate::error::UserError;

/// A field of a partial update: absent, null or a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Patch<T> {
    /// The field is absent: its value stays.
    #[default]
    Undefined,
    /// The field is null: its value is cleared.
    Null,
    /// The field has a new value.
    Value(T),
}

impl<T> Patch<T> {
    /// Returns the new value of a field that cannot be null; `None` keeps the stored value.
    ///
    /// # Errors
    /// INVALID at `field` when it is null.
    pub fn stored(self, field: &str) -> Result<Option<T>, UserError> {
        match self {
            Self::Undefined => Ok(None),
            Self::Null => Err(UserError::invalid(field, "It cannot be null; leave it out to keep it.")),
            Self::Value(value) => Ok(Some(value)),
        }
    }

    /// Returns the new value of a field that can be null; `None` keeps the stored value.
    pub fn clearable(self) -> Option<Option<T>> {
        match self {
            Self::Undefined => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }

    /// Converts the value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Undefined => Patch::Undefined,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(convert(value)),
        }
    }
}

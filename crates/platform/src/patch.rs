//! What a patch says of one field: left out, null, or a value.

use crate::error::UserError;

/// One field of a patch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    LeftOut,
    /// Null: it is cleared, where it can be.
    Null,
    /// Its new value.
    Given(T),
}

impl<T> Patch<T> {
    /// The new value of a field that cannot be empty; `None` where it stays.
    ///
    /// # Errors
    /// INVALID at `field` for null.
    pub fn stored(self, field: &str) -> Result<Option<T>, UserError> {
        match self {
            Self::LeftOut => Ok(None),
            Self::Null => Err(UserError::invalid(field, "It cannot be null; leave it out to keep it.")),
            Self::Given(value) => Ok(Some(value)),
        }
    }

    /// The new value of a field that null clears; `None` where it stays.
    pub fn clearable(self) -> Option<Option<T>> {
        match self {
            Self::LeftOut => None,
            Self::Null => Some(None),
            Self::Given(value) => Some(Some(value)),
        }
    }

    /// The same with its value turned into another.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::LeftOut => Patch::LeftOut,
            Self::Null => Patch::Null,
            Self::Given(value) => Patch::Given(turn(value)),
        }
    }
}

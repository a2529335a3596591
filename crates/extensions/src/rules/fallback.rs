//! Fallbacks: the numbers that receive unanswered calls.

use numbering::number::Number;
use platform::error::{Error, UserError};
use platform::ids::{EventId, ExtensionId};
use platform::transaction::Tx;

use super::loops;
use crate::model::Extension;
use crate::queries;

/// The field of the fallback in every input.
pub(crate) const FIELD: &str = "fallbackNumber";

/// The fallback of an extension.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Fallback {
    #[default]
    None,
    /// An extension of the event, also after it is renumbered.
    Extension(ExtensionId),
    /// An E.164 number outside the event.
    Outside(Number),
}

impl Fallback {
    /// The fallback to a number; `holder` is the extension of the event that has this number.
    ///
    /// # Errors
    /// NOT_FOUND at `fallbackNumber` for a number of the event that is not in service.
    pub fn to(number: Number, holder: Option<ExtensionId>) -> Result<Self, UserError> {
        match holder {
            Some(id) => Ok(Self::Extension(id)),
            None if number.is_e164() => Ok(Self::Outside(number)),
            None => Err(not_in_service(FIELD, &number)),
        }
    }

    /// Finds the fallback to a number that a caller entered.
    ///
    /// # Errors
    /// At `fallbackNumber`: INVALID for an invalid number, NOT_FOUND for a number of the event that is not in service.
    pub(super) async fn find(tx: &mut Tx<'_>, event: EventId, wanted: &str) -> Result<Self, Error> {
        let number = Number::clean(wanted).map_err(|problem| problem.at([FIELD]))?;
        let holder = queries::holder_of_number(tx.conn, event, number.as_str()).await?;
        Ok(Self::to(number, holder)?)
    }

    /// Puts the fallback into the row of an extension.
    pub fn store(self, row: &mut Extension) {
        (row.fallback_extension_id, row.fallback_number) = match self {
            Self::None => (None, None),
            Self::Extension(id) => (Some(id), None),
            Self::Outside(number) => (None, Some(number.into_string())),
        };
    }
}

/// The error of a number that no extension of the event has.
pub fn not_in_service(field: &str, number: &Number) -> UserError {
    UserError::not_found(field, format!("{number} is not in service.")).rule("number.notInService").with_value(number)
}

/// Sets the fallback in the row; `None` clears it. The row is in the database under the lock of its event; the caller
/// saves it and records the change.
///
/// # Errors
/// Those of [`Fallback::find`], and GROUP_LOOP at `fallbackNumber`.
pub(super) async fn set_fallback(tx: &mut Tx<'_>, row: &mut Extension, wanted: Option<&str>) -> Result<(), Error> {
    let fallback = match wanted {
        None => Fallback::None,
        Some(wanted) => Fallback::find(tx, row.event_id, wanted).await?,
    };
    if let Fallback::Extension(target) = fallback
        && row.fallback_extension_id != Some(target)
    {
        loops::refuse(tx, row.id, target, FIELD).await?;
    }
    fallback.store(row);
    Ok(())
}

/// Sets the fallback in the row of a new extension, to which no other extension forwards calls yet.
///
/// # Errors
/// Those of [`Fallback::find`], and GROUP_LOOP at `fallbackNumber` for the extension's own number.
pub(super) async fn set_first_fallback(tx: &mut Tx<'_>, row: &mut Extension, wanted: &str) -> Result<(), Error> {
    if Number::clean(wanted).is_ok_and(|number| number.as_str() == row.number) {
        return Err(loops::closed(vec![row.number.clone(), row.number.clone()], FIELD).into());
    }
    Fallback::find(tx, row.event_id, wanted).await?.store(row);
    Ok(())
}

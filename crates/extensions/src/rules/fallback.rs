//! Fallbacks: the numbers that receive unanswered calls.

use numbering::number::Number;
use platform::error::{Error, UserError};
use platform::transaction::Tx;

use super::loops;
use crate::model::Extension;
use crate::queries;

/// The field of the fallback in every input.
const FIELD: &str = "fallbackNumber";

/// Sets the fallback in the row: the extension of the event that has this number now, also after it is renumbered, or an E.164
/// number. `None` clears it. The row is in the database under the lock of its event; the caller saves it and records the change.
///
/// # Errors
/// At `fallbackNumber`: INVALID for an invalid number, NOT_FOUND for a number of the event that is not in service, GROUP_LOOP.
pub async fn set_fallback(tx: &mut Tx<'_>, row: &mut Extension, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        (row.fallback_extension_id, row.fallback_number) = (None, None);
        return Ok(());
    };
    let number = Number::clean(wanted).map_err(|problem| problem.at([FIELD]))?;
    match queries::holder_of_number(tx.conn, row.event_id, number.as_str()).await? {
        Some(target) => {
            if row.fallback_extension_id != Some(target) {
                loops::refuse(tx, row.id, target, FIELD).await?;
            }
            (row.fallback_extension_id, row.fallback_number) = (Some(target), None);
        }
        None if number.is_e164() => {
            (row.fallback_extension_id, row.fallback_number) = (None, Some(number.into_string()));
        }
        None => {
            let problem = UserError::not_found(FIELD, format!("{number} is not in service."));
            return Err(problem.rule("number.notInService").with_value(number).into());
        }
    }
    Ok(())
}

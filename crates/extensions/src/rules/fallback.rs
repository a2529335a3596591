//! Where calls go when an extension does not answer.

use super::super::model::Extension;
use super::super::queries;
use super::loops;
use numbering::number::Number;
use platform::error::{Error, UserError};
use platform::transaction::Tx;

/// Where a fallback is given in every input.
const FIELD: &str = "fallbackNumber";

/// Sets the fallback in the row, which the caller saves and marks: an extension of the event by its number now, which it
/// follows wherever it is renumbered, or a number outside. `None` clears it. The row is in the database, under its event's lock.
///
/// # Errors
/// At `fallbackNumber`: INVALID for what is no number, NOT_FOUND for one of the event's that is not in service, GROUP_LOOP.
pub async fn set_fallback(tx: &mut Tx<'_>, row: &mut Extension, wanted: Option<&str>) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        (row.fallback_extension_id, row.fallback_number) = (None, None);
        return Ok(());
    };
    let number = Number::clean(wanted).map_err(|problem| problem.at([FIELD]))?;
    match queries::bearer_of_number(tx.conn, row.event_id, number.as_str()).await? {
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
            return Err(problem.rule("number.notInService").naming(number).into());
        }
    }
    Ok(())
}

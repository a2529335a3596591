//! Exchange of the numbers of two extensions.

use std::sync::Arc;

use numbers::NumberRow;
use platform::access::Caller;
use platform::error::{Error, InternalError, UserError};
use platform::ids::ExtensionId;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde::{Deserialize, Serialize};

use super::renumber::assign_number;
use super::{ChangeKind, check_phase, event_and_type_of, lock_rows};
use crate::actions;
use crate::model::Extension;
use crate::queries;

/// Two extensions whose numbers were exchanged.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Swapped {
    pub first: ExtensionId,
    pub second: ExtensionId,
}

/// Exchanges the numbers of two extensions of one event, of any service types and owners, in one revision of each feed. No
/// number is held. A bar stays with its number.
///
/// # Errors
/// INVALID or NOT_FOUND at `first` or `second`, EVENT_CLOSED; SCHEMA_VIOLATION and ALREADY_EXISTS for a parameter that is
/// derived from the number.
pub async fn swap(services: &Services, caller: &Arc<Caller>, first: &str, second: &str) -> Result<Swapped, Error> {
    let (first, second) = (first.to_owned(), second.to_owned());
    transact!(services, caller, actions::SWAP_NUMBERS, Mode::Commit, |tx| { swap_in(tx, &first, &second).await }).await
}

async fn swap_in(tx: &mut Tx<'_>, first: &str, second: &str) -> Result<Swapped, Error> {
    let (permit, rows) = lock_rows(tx, actions::SWAP_NUMBERS, &[("first", first), ("second", second)], &[]).await?;
    let Ok([mut first, mut second]) = <[Extension; 2]>::try_from(rows) else {
        return Err(InternalError::new("two ids without two rows").into());
    };
    if first.id == second.id {
        return Err(UserError::invalid("second", "These are one extension.").into());
    }
    if first.event_id != second.event_id {
        return Err(UserError::invalid("second", "These extensions are of different events.").into());
    }
    check_phase(&event_and_type_of(tx, &first).await?.0, &permit, ChangeKind::Assignment)?;
    let (left, right) = (number_of(tx, &first).await?, number_of(tx, &second).await?);
    for row in [&first, &second] {
        queries::park_number(tx.conn, &permit, row.id).await?;
    }
    for (row, number) in [(&mut first, right), (&mut second, left)] {
        let before = row.number.clone();
        assign_number(tx, &permit, row, number).await?;
        tx.audit(&permit, Some(row.id.global()), format!("{before} became {} in a swap", row.number)).await?;
    }
    Ok(Swapped { first: first.id, second: second.id })
}

async fn number_of(tx: &mut Tx<'_>, row: &Extension) -> Result<NumberRow, Error> {
    let number = numbers::assigned_number(tx.conn, row.event_id, &row.number).await?;
    Ok(number.ok_or_else(|| InternalError::new("an extension's number has no row"))?)
}

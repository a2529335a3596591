//! Exchanging the numbers of two extensions.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::model::Extension;
use super::super::queries;
use super::renumber::arrive;
use super::{Weight, check_phase, place_of, take};
use numbers::NumberRow;
use platform::access::Caller;
use platform::error::{Error, InternalError, UserError};
use platform::ids::ExtensionId;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// Two extensions that have exchanged their numbers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Swapped {
    pub first: ExtensionId,
    pub second: ExtensionId,
}

/// Exchanges the numbers of two extensions of one event, of whatever service types and owners, in one change of every feed; no
/// number is held. A bar stays with its number.
///
/// # Errors
/// INVALID or NOT_FOUND at `first` or `second`, EVENT_CLOSED; SCHEMA_VIOLATION and ALREADY_EXISTS where a parameter copies the
/// number and may not be what follows.
pub async fn swap(services: &Services, caller: &Arc<Caller>, first: &str, second: &str) -> Result<Swapped, Error> {
    let (first, second) = (first.to_owned(), second.to_owned());
    transact!(services, caller, actions::SWAP_NUMBERS, Mode::Commit, |tx| { swap_in(tx, &first, &second).await }).await
}

async fn swap_in(tx: &mut Tx<'_>, first: &str, second: &str) -> Result<Swapped, Error> {
    let (permit, rows) = take(tx, actions::SWAP_NUMBERS, &[("first", first), ("second", second)], &[]).await?;
    let Ok([mut first, mut second]) = <[Extension; 2]>::try_from(rows) else {
        return Err(InternalError::new("two ids without two rows").into());
    };
    if first.id == second.id {
        return Err(UserError::invalid("second", "These are one extension.").into());
    }
    if first.event_id != second.event_id {
        return Err(UserError::invalid("second", "These extensions are of different events.").into());
    }
    check_phase(&place_of(tx, &first).await?.0, &permit, Weight::Heavy)?;
    let (left, right) = (number_of(tx, &first).await?, number_of(tx, &second).await?);
    for row in [&first, &second] {
        queries::vacate(tx.conn, &permit, row.id).await?;
    }
    for (row, number) in [(&mut first, right), (&mut second, left)] {
        let before = row.number.clone();
        arrive(tx, &permit, row, number).await?;
        tx.audit(&permit, Some(row.id.global()), format!("{before} became {} in a swap", row.number)).await?;
    }
    Ok(Swapped { first: first.id, second: second.id })
}

async fn number_of(tx: &mut Tx<'_>, row: &Extension) -> Result<NumberRow, Error> {
    let number = numbers::assigned_number(tx.conn, row.event_id, &row.number).await?;
    Ok(number.ok_or_else(|| InternalError::new("an extension's number has no row"))?)
}

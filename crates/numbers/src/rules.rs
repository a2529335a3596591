//! Moving numbers through their life.

mod holds;
mod reservations;

pub use holds::release_hold;
pub use reservations::{ReserveNumber, lock, lock_world, of_plan, plan_of, release_reservation, reserve};

use platform::transact;
use crate::actions;
use super::model::{HistoryRow, NumberRow};
use super::queries;
use super::state::NumberState;
use platform::access::{Caller, Permit};
use platform::error::Error;
use platform::ids::{AccountId, EventId, ExtensionId, NumberHistoryId, NumberId};
use platform::locks;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// How long ageing lasts at most after the hold, in seconds: a day.
const LONGEST_AGEING_SECONDS: i64 = 24 * 3600;
/// How many numbers one transaction settles.
const BATCH: i64 = 200;

/// Where a number goes.
pub struct Move {
    pub to: NumberState,
    pub account: Option<AccountId>,
    pub until: Option<platform::clock::Timestamp>,
    pub extension: Option<ExtensionId>,
}

/// A number that has no row yet.
pub fn untouched(tx: &Tx<'_>, event: EventId, number: &str) -> NumberRow {
    untouched_on(tx, Some(event), number)
}

/// A number of a plan, the world's too, that has no row yet.
pub fn untouched_on(tx: &Tx<'_>, event: Option<EventId>, number: &str) -> NumberRow {
    NumberRow {
        id: NumberId::new(tx.rng(), tx.now),
        event_id: event,
        number: number.to_owned(),
        state: NumberState::Available,
        account_id: None,
        until: None,
        extension_id: None,
        version: 0,
    }
}

/// Moves a number, and appends the step to its history.
///
/// # Errors
/// When the database refuses.
pub async fn shift(tx: &mut Tx<'_>, permit: &Permit, mut row: NumberRow, step: Move) -> Result<NumberRow, Error> {
    let history = apply(tx, permit, &mut row, step);
    queries::save(tx.conn, permit, &row).await?;
    queries::append_history(tx.conn, permit, &history).await?;
    Ok(row)
}

/// Moves many numbers: those that were never touched are written together.
///
/// # Errors
/// When the database refuses.
pub async fn shift_all(tx: &mut Tx<'_>, permit: &Permit, steps: Vec<(NumberRow, Move)>) -> Result<(), Error> {
    let (mut fresh, mut histories) = (Vec::new(), Vec::with_capacity(steps.len()));
    for (mut row, step) in steps {
        let is_fresh = row.version == 0;
        histories.push(apply(tx, permit, &mut row, step));
        if is_fresh {
            fresh.push(row);
        } else {
            queries::save(tx.conn, permit, &row).await?;
        }
    }
    queries::insert_all(tx.conn, permit, &fresh).await?;
    Ok(queries::append_histories(tx.conn, permit, &histories).await?)
}

/// Puts the step into the row, and gives what its history says of it.
fn apply(tx: &Tx<'_>, permit: &Permit, row: &mut NumberRow, step: Move) -> HistoryRow {
    let from_state = row.state;
    let account_id = step.account.or(row.account_id);
    row.state = step.to;
    row.account_id = step.account;
    row.until = step.until;
    row.extension_id = step.extension;
    row.version += 1;
    HistoryRow {
        // The version is the counter: two steps of one transaction stay in their order.
        id: NumberHistoryId(tx.rng().uuid_in_order(tx.now, u16::try_from(row.version & 0x0fff).unwrap_or(0))),
        number_id: row.id,
        at: tx.now,
        from_state,
        to_state: step.to,
        account_id,
        actor: permit.actor().label(),
    }
}

/// Brings a number to the state that the clock and the consumers' acknowledgements have for it now.
///
/// # Errors
/// When the database refuses.
pub async fn settle(tx: &mut Tx<'_>, permit: &Permit, row: NumberRow) -> Result<NumberRow, Error> {
    let Some(until) = row.until else { return Ok(row) };
    let is_over = until <= tx.now;
    let free = Move { to: NumberState::Available, account: None, until: None, extension: None };
    match row.state {
        NumberState::Reserved if is_over => shift(tx, permit, row, free).await,
        NumberState::Held if is_over => {
            if queries::is_awaited(tx.conn, row.id, tx.now).await? {
                let until = Some(until.plus_seconds(LONGEST_AGEING_SECONDS));
                shift(tx, permit, row, Move { to: NumberState::Aging, account: None, until, extension: None }).await
            } else {
                queries::end_waits(tx.conn, permit, row.id).await?;
                shift(tx, permit, row, free).await
            }
        }
        NumberState::Aging if is_over || !queries::is_awaited(tx.conn, row.id, tx.now).await? => {
            queries::end_waits(tx.conn, permit, row.id).await?;
            shift(tx, permit, row, free).await
        }
        _ => Ok(row),
    }
}

/// Settles every number whose clock has run out; the background calls it every second.
///
/// # Errors
/// When the database refuses.
pub async fn settle_due(services: &Services) -> Result<(), Error> {
    let now = services.now();
    if queries::due(&mut *services.store.read().await?, now, 1).await?.is_empty() {
        return Ok(());
    }
    let caller = Caller::system("settle numbers");
    transact!(services, &caller, actions::SETTLE_NUMBERS, Mode::Commit, |tx| {
            let found = queries::due(tx.conn, tx.now, BATCH).await?;
            let events: Vec<_> = found.iter().filter_map(|row| row.event_id).collect();
            locks::events(tx.conn, &events).await?;
            let permit = tx.permit().await?;
            for before in found {
                if before.event_id.is_none() {
                    lock_world(tx, &before.number).await?;
                }
                // Whoever waited for a lock had read what may not be so any more: it may be in service by now.
                if let Some(row) = queries::find_on(tx.conn, before.event_id, &before.number).await? {
                    settle(tx, &permit, row).await?;
                }
            }
            Ok(())
        })
    .await
}

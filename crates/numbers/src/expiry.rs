//! The end of holds, reservations and ageing.

use numbering::NumberState;
use platform::access::{Caller, Permit};
use platform::error::Error;
use platform::locks;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use crate::model::NumberRow;
use crate::transitions::{Transition, transition};
use crate::{actions, queries};

/// The longest ageing after a hold, in seconds: a day.
pub(crate) const MAX_AGEING_SECONDS: i64 = 24 * 3600;
/// The most numbers that one transaction expires.
const BATCH: i64 = 200;

/// Changes a number to the state that follows from the time and the consumers' acknowledgements.
///
/// # Errors
/// A database error.
pub async fn apply_expiry(tx: &mut Tx<'_>, permit: &Permit, row: NumberRow) -> Result<NumberRow, Error> {
    let Some(until) = row.until else { return Ok(row) };
    let is_over = until <= tx.now;
    match row.state {
        NumberState::Reserved if is_over => transition(tx, permit, row, Transition::to_available()).await,
        NumberState::Held if is_over => {
            if queries::has_pending_acks(tx.conn, row.id, tx.now).await? {
                let until = until.plus_seconds(MAX_AGEING_SECONDS);
                transition(tx, permit, row, Transition::to_aging(until)).await
            } else {
                queries::clear_pending_acks(tx.conn, permit, row.id).await?;
                transition(tx, permit, row, Transition::to_available()).await
            }
        }
        NumberState::Aging if is_over || !queries::has_pending_acks(tx.conn, row.id, tx.now).await? => {
            queries::clear_pending_acks(tx.conn, permit, row.id).await?;
            transition(tx, permit, row, Transition::to_available()).await
        }
        _ => Ok(row),
    }
}

/// Applies the expiry of every number whose period has ended. A background task calls it every second.
///
/// # Errors
/// A database error.
pub async fn expire_due(services: &Services) -> Result<(), Error> {
    let now = services.now();
    if queries::due(&mut *services.store.read().await?, now, 1).await?.is_empty() {
        return Ok(());
    }
    let caller = Caller::system("settle numbers");
    transact!(services, &caller, actions::EXPIRE_NUMBERS, Mode::Commit, |tx| {
        let found = queries::due(tx.conn, tx.now, BATCH).await?;
        let events: Vec<_> = found.iter().filter_map(|row| row.event_id).collect();
        locks::events(tx.conn, &events).await?;
        let permit = tx.permit().await?;
        for before in found {
            if before.event_id.is_none() {
                locks::e164_number(tx.conn, &before.number).await?;
            }
            // Read again under the lock: another transaction may have put the number into service meanwhile.
            if let Some(row) = queries::number_on_plan(tx.conn, before.event_id, &before.number).await? {
                apply_expiry(tx, &permit, row).await?;
            }
        }
        Ok(())
    })
    .await
}

//! Taking a number out of service.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::super::model::Extension;
use super::super::queries;
use super::{Held, Weight, check_phase, check_version, hold, marks};
use events::Event;
use numbering::NumberState;
use numbers::{Transition, transition};
use platform::access::{Caller, Permit};
use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use platform::feed_log::{self, EntryChange, FeedRef};
use platform::ids::ExtensionId;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// An extension that is gone.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Deleted {
    pub extension: ExtensionId,
    /// Until when its number is held for its last owner.
    pub held_until: Timestamp,
}

/// Deletes an extension; its number is held for its last owner.
///
/// # Errors
/// NOT_FOUND at `id`, STALE_VERSION, EVENT_CLOSED.
pub async fn delete(
    services: &Services,
    caller: &Arc<Caller>,
    id: &str,
    expected: Option<i32>,
) -> Result<Deleted, Error> {
    let id = id.to_owned();
    transact!(services, caller, actions::DELETE_EXTENSION, Mode::Commit, |tx| {
        let Held { permit, row, event, .. } = hold(tx, actions::DELETE_EXTENSION, &id).await?;
        check_phase(&event, &permit, Weight::Heavy)?;
        check_version(&row, expected)?;
        let held_until = remove(tx, &permit, &row, &event).await?;
        tx.audit(&permit, Some(row.id.global()), format!("{} was deleted", row.number)).await?;
        Ok(Deleted { extension: row.id, held_until })
    })
    .await
}

/// Removes an extension under the event's lock: groups and fallbacks that showed it are told, its number is held.
///
/// # Errors
/// When the database refuses.
pub async fn remove(tx: &mut Tx<'_>, permit: &Permit, row: &Extension, event: &Event) -> Result<Timestamp, Error> {
    let showing = marks::shown_by(tx, row).await?;
    tx.changes.record(marks::feed(row), row.id, row.slot, EntryChange::Delete);
    queries::clear_fallbacks_to(tx.conn, permit, row.id, tx.now).await?;
    queries::delete(tx.conn, permit, row.id).await?;
    tx.notify(Notification::Directory(event.id));
    leave(tx, permit, row, event, showing).await
}

/// Keeps the number that an extension leaves for its owner, for as long as the event says, and remembers which feeds must have
/// forgotten it before somebody else gets it: its own and those in `showing`.
pub(super) async fn leave(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &Extension,
    event: &Event,
    showing: Vec<FeedRef>,
) -> Result<Timestamp, Error> {
    let number = numbers::assigned_number(tx.conn, event.id, &row.number).await?;
    let number = number.ok_or_else(|| InternalError::new("an extension's number has no row"))?;
    let held_until = tx.now.plus_seconds(i64::from(event.hold_seconds));
    let held =
        Transition { to: NumberState::Held, account: Some(row.owner_id), until: Some(held_until), extension: None };
    let number = transition(tx, permit, number, held).await?;
    let mut feeds = showing;
    feeds.push(marks::feed(row));
    feeds.sort_unstable();
    feeds.dedup();
    for reference in feeds {
        let rng = tx.rng_handle();
        let feed = feed_log::ensure_feed(tx.conn, reference, &*rng, tx.now).await?;
        // Under the event's lock the transaction's own revision is the next one.
        numbers::add_pending_ack(tx.conn, permit, number.id, feed.id, feed.head + 1).await?;
    }
    Ok(held_until)
}

//! Deletion of extensions.

use std::sync::Arc;

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
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::{ChangeKind, Locked, check_phase, check_version, feed_changes, lock_one};
use crate::actions;
use crate::model::Extension;
use crate::queries;

/// A deleted extension.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Deleted {
    pub extension: ExtensionId,
    /// The end of the hold of its number.
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
        let Locked { permit, row, event, .. } = lock_one(tx, actions::DELETE_EXTENSION, &id).await?;
        check_phase(&event, &permit, ChangeKind::Assignment)?;
        check_version(&row, expected)?;
        let held_until = remove(tx, &permit, &row, &event).await?;
        tx.audit(&permit, Some(row.id.global()), format!("{} was deleted", row.number)).await?;
        Ok(Deleted { extension: row.id, held_until })
    })
    .await
}

/// Removes an extension, records changes for its dependents and holds its number. Returns the end of the hold. The caller
/// holds the lock of the event.
///
/// # Errors
/// A database error.
pub async fn remove(tx: &mut Tx<'_>, permit: &Permit, row: &Extension, event: &Event) -> Result<Timestamp, Error> {
    let dependent_feeds = feed_changes::touch_dependents(tx, row).await?;
    tx.changes.record(feed_changes::feed_of(row), row.id, row.slot, EntryChange::Delete);
    queries::clear_fallbacks_to(tx.conn, permit, row.id, tx.now).await?;
    queries::delete(tx.conn, permit, row.id).await?;
    tx.notify(Notification::Directory(event.id));
    release_number(tx, permit, row, event, dependent_feeds).await
}

/// Holds the number of an extension for its owner, for the hold period of the event, and stores the acknowledgements that are
/// pending before another owner gets it: those of the extension's feed and of `dependent_feeds`. Returns the end of the hold.
pub(super) async fn release_number(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &Extension,
    event: &Event,
    dependent_feeds: Vec<FeedRef>,
) -> Result<Timestamp, Error> {
    let number = numbers::assigned_number(tx.conn, event.id, &row.number).await?;
    let number = number.ok_or_else(|| InternalError::new("an extension's number has no row"))?;
    let held_until = tx.now.plus_seconds(i64::from(event.hold_seconds));
    let held =
        Transition { to: NumberState::Held, account: Some(row.owner_id), until: Some(held_until), extension: None };
    let number = transition(tx, permit, number, held).await?;
    let mut feeds = dependent_feeds;
    feeds.push(feed_changes::feed_of(row));
    feeds.sort_unstable();
    feeds.dedup();
    for reference in feeds {
        let rng = tx.rng_handle();
        let feed = feed_log::ensure_feed(tx.conn, reference, &*rng, tx.now).await?;
        // Under the lock of the event, this transaction gets the next revision.
        numbers::add_pending_ack(tx.conn, permit, number.id, feed.id, feed.head + 1).await?;
    }
    Ok(held_until)
}

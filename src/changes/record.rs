//! From the marks of a transaction to one new revision of each feed.

use super::digest::Sum;
use super::model::{BorneKeys, ChangeSet, Entry, Feed, FeedRef, Keys, Mark, RevisionRow, TAG_BYTES, entry_version};
use super::queries;
use crate::clock::{Rng, Timestamp};
use crate::ids::{ExtensionId, FeedId};
use crate::problem::{Fault, Stop};
use crate::store::Conn;
use crate::store::types::{Id, JsonValue};

/// A feed that moved to a new revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    pub feed: FeedRef,
    pub id: FeedId,
    pub revision: i64,
}

/// Writes the marks: one revision of each feed, whose events the transaction has locked.
///
/// # Errors
/// When the database refuses.
pub async fn record(conn: &mut Conn, changes: ChangeSet, rng: &dyn Rng, now: Timestamp) -> Result<Vec<Recorded>, Stop> {
    let mut recorded = Vec::with_capacity(changes.feeds.len());
    for (reference, entries) in changes.feeds {
        let mut feed = ensure_feed(conn, reference, rng, now).await?;
        feed.head += 1;
        let revision = RevisionRow {
            feed_id: feed.id,
            revision: feed.head,
            tag: rng.bytes::<TAG_BYTES>().to_vec(),
            at: now,
            entries: i32::try_from(entries.len()).unwrap_or(i32::MAX),
        };
        queries::insert_revision(conn, &revision).await?;
        let mut sum =
            Sum::from_bytes(&feed.digest).ok_or_else(|| Fault::internal("a feed's digest is not 32 bytes"))?;
        for (extension, (slot, mark)) in entries {
            if mark == Mark::Touched && !is_present(conn, extension).await? {
                tracing::error!(extension.id = %extension.global(), "an extension that its feed does not show was marked as touched");
                continue;
            }
            let entry = Entry {
                extension_id: extension,
                feed_id: feed.id,
                revision: revision.revision,
                tag: revision.tag.clone(),
                slot,
                present: mark != Mark::Gone,
            };
            feed.entry_count += move_entry(conn, &entry, &mut sum).await?;
            record_keys(conn, &entry, mark, rng, now).await?;
        }
        feed.digest = sum.as_bytes().to_vec();
        queries::move_head(conn, &feed).await?;
        recorded.push(Recorded { feed: reference, id: feed.id, revision: feed.head });
    }
    Ok(recorded)
}

/// The feed's row, made with revision 0 when nothing was ever in it. Revision 0 has a tag too.
///
/// # Errors
/// When the database refuses.
pub async fn ensure_feed(conn: &mut Conn, reference: FeedRef, rng: &dyn Rng, now: Timestamp) -> Result<Feed, Stop> {
    if let Some(feed) = queries::feed_of(conn, reference).await? {
        return Ok(feed);
    }
    let feed = Feed {
        id: FeedId::new(rng, now),
        event_id: reference.event,
        service_type_id: reference.service_type,
        epoch: Id(rng.uuid(now)),
        head: 0,
        horizon: -1,
        digest: Sum::default().as_bytes().to_vec(),
        entry_count: 0,
    };
    queries::insert_feed(conn, &feed).await?;
    let made =
        queries::feed_of(conn, reference).await?.ok_or_else(|| Fault::internal("a feed vanished while it was made"))?;
    if made.id == feed.id {
        let tag = rng.bytes::<TAG_BYTES>().to_vec();
        queries::insert_revision(conn, &RevisionRow { feed_id: feed.id, revision: 0, tag, at: now, entries: 0 })
            .await?;
    }
    Ok(made)
}

/// Whether the feed shows the extension: what is gone does not come back by a touch.
async fn is_present(conn: &mut Conn, extension: ExtensionId) -> Result<bool, Stop> {
    Ok(queries::entry(conn, extension).await?.is_some_and(|entry| entry.present))
}

/// Moves the entry to its new revision, and tells by how much the number of present entries changes.
async fn move_entry(conn: &mut Conn, entry: &Entry, sum: &mut Sum) -> Result<i64, Stop> {
    let id = entry.extension_id.global();
    let before = queries::entry(conn, entry.extension_id).await?;
    let was_present = before.as_ref().is_some_and(|before| before.present);
    if entry.present {
        sum.add(&id, &entry_version(entry.revision, &entry.tag));
    }
    match before {
        None => queries::insert_entry(conn, entry).await?,
        Some(before) => {
            if before.present {
                sum.subtract(&id, &before.version());
            }
            queries::move_entry(conn, entry).await?;
        }
    }
    Ok(i64::from(entry.present) - i64::from(was_present))
}

async fn record_keys(conn: &mut Conn, entry: &Entry, mark: Mark, rng: &dyn Rng, now: Timestamp) -> Result<(), Stop> {
    match mark {
        Mark::Touched => {}
        Mark::Gone => queries::close_keys(conn, entry.extension_id, entry.revision).await?,
        Mark::Present(Keys { number, parameters }) => {
            let open = queries::open_keys(conn, entry.extension_id).await?;
            if open.as_ref().is_some_and(|open| open.number == number && open.parameters.0 == parameters) {
                return Ok(());
            }
            if open.is_some() {
                queries::close_keys(conn, entry.extension_id, entry.revision).await?;
            }
            let keys = BorneKeys {
                id: Id(rng.uuid(now)),
                extension_id: entry.extension_id,
                feed_id: entry.feed_id,
                number,
                parameters: JsonValue(parameters),
                from_revision: entry.revision,
                to_revision: None,
            };
            queries::insert_keys(conn, &keys).await?;
        }
    }
    Ok(())
}

//! Appending the changes of a transaction to the feed log.

use std::collections::HashMap;

use super::digest::FeedDigest;
use super::entity::Entity;
use super::model::{
    ChangeSet, Entry, EntryChange, EntryKeys, Feed, FeedChanges, FeedRef, KeyHistoryRow, RevisionRow, TAG_BYTES,
    entry_version,
};
use super::queries;
use crate::clock::{Rng, Timestamp};
use crate::error::{Error, InternalError};
use crate::ids::{EntityId, FeedId};
use crate::store::Conn;
use crate::store::types::{Id, JsonValue};

/// A new revision of a feed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppendedRevision {
    pub feed: FeedRef,
    pub id: FeedId,
    pub revision: i64,
}

/// Appends one revision to each feed of `changes`. The transaction must hold the locks of the feeds' events.
///
/// # Errors
/// A database error, or a stored digest that is not 32 bytes long.
pub async fn append(
    conn: &mut Conn,
    changes: ChangeSet,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<Vec<AppendedRevision>, Error> {
    let mut appended = Vec::with_capacity(changes.feeds.len());
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
        let mut digest = FeedDigest::from_bytes(&feed.digest)
            .ok_or_else(|| InternalError::new("a feed's digest is not 32 bytes"))?;
        feed.entry_count += write_entries(conn, &entries, &revision, &mut digest).await?;
        write_keys(conn, entries, &revision, rng, now).await?;
        feed.digest = digest.as_bytes().to_vec();
        queries::update_head(conn, &feed).await?;
        appended.push(AppendedRevision { feed: reference, id: feed.id, revision: feed.head });
    }
    Ok(appended)
}

/// The row of a feed. A feed without a row gets one with revision 0, which has a tag like every other.
///
/// # Errors
/// A database error.
pub async fn ensure_feed(conn: &mut Conn, reference: FeedRef, rng: &dyn Rng, now: Timestamp) -> Result<Feed, Error> {
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
        digest: FeedDigest::default().as_bytes().to_vec(),
        entry_count: 0,
    };
    queries::insert_feed(conn, &feed).await?;
    let stored = queries::feed_of(conn, reference)
        .await?
        .ok_or_else(|| InternalError::new("a feed vanished while it was created"))?;
    if stored.id == feed.id {
        let tag = rng.bytes::<TAG_BYTES>().to_vec();
        queries::insert_revision(conn, &RevisionRow { feed_id: feed.id, revision: 0, tag, at: now, entries: 0 })
            .await?;
    }
    Ok(stored)
}

/// Writes the changed entries at the new revision and updates the digest. Returns the difference of the number of
/// present entries.
async fn write_entries(
    conn: &mut Conn,
    changes: &FeedChanges,
    revision: &RevisionRow,
    digest: &mut FeedDigest,
) -> Result<i64, Error> {
    let ids: Vec<EntityId> = changes.keys().map(|entity| entity.id).collect();
    let stored = queries::entries(conn, &ids).await?;
    let stored: HashMap<EntityId, Entry> = stored.into_iter().map(|entry| (entry.entity_id, entry)).collect();
    let (mut inserted, mut updated, mut difference) = (Vec::new(), Vec::new(), 0);
    for (entity, pending) in changes {
        let before = stored.get(&entity.id);
        let was_present = before.is_some_and(|before| before.present);
        if pending.change == EntryChange::Touch && !was_present {
            // A touch must not bring a deleted entry back.
            tracing::error!(entity = %entity.global(), "an entity that is not present in its feed was touched");
            continue;
        }
        let entry = Entry {
            entity_id: entity.id,
            entity_kind: entity.kind.clone(),
            feed_id: revision.feed_id,
            revision: revision.revision,
            tag: revision.tag.clone(),
            slot: pending.slot,
            present: pending.change != EntryChange::Delete,
        };
        if let Some(before) = before.filter(|before| before.present) {
            digest.subtract(&entity.global(), &before.version());
        }
        if entry.present {
            digest.add(&entity.global(), &entry_version(entry.revision, &entry.tag));
        }
        difference += i64::from(entry.present) - i64::from(was_present);
        if before.is_some() { updated.push(entry) } else { inserted.push(entry) }
    }
    queries::insert_entries(conn, &inserted).await?;
    queries::update_entries(conn, &updated).await?;
    Ok(difference)
}

/// Updates the key history: closes the keys that were given up and inserts the new ones.
async fn write_keys(
    conn: &mut Conn,
    changes: FeedChanges,
    revision: &RevisionRow,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<(), Error> {
    let upserted: Vec<EntityId> = changes
        .iter()
        .filter(|(_, pending)| matches!(pending.change, EntryChange::Upsert(_)))
        .map(|(entity, _)| entity.id)
        .collect();
    let current = queries::current_keys(conn, &upserted).await?;
    let current: HashMap<EntityId, KeyHistoryRow> = current.into_iter().map(|keys| (keys.entity_id, keys)).collect();
    let (mut closed, mut inserted) = (Vec::new(), Vec::new());
    for (Entity { id: entity_id, .. }, pending) in changes {
        match pending.change {
            EntryChange::Touch => {}
            EntryChange::Delete => closed.push(entity_id),
            EntryChange::Upsert(EntryKeys { number, parameters }) => {
                let parameters = JsonValue(parameters);
                if let Some(current) = current.get(&entity_id) {
                    if current.number == number && current.parameters == parameters {
                        continue;
                    }
                    closed.push(entity_id);
                }
                inserted.push(KeyHistoryRow {
                    id: Id(rng.uuid(now)),
                    entity_id,
                    feed_id: revision.feed_id,
                    number,
                    parameters,
                    from_revision: revision.revision,
                    to_revision: None,
                });
            }
        }
    }
    queries::close_keys(conn, &closed, revision.revision).await?;
    queries::insert_keys(conn, &inserted).await?;
    Ok(())
}

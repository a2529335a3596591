//! From the marks of a transaction to one new revision of each feed.

use std::collections::{BTreeMap, HashMap};

use super::digest::Sum;
use super::model::{
    BorneKeys, ChangeSet, Entry, EntryChange, Feed, FeedRef, Keys, RevisionRow, TAG_BYTES, entry_version,
};
use super::queries;
use crate::clock::{Rng, Timestamp};
use crate::error::{Error, InternalError};
use crate::ids::{ExtensionId, FeedId};
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
pub async fn record(
    conn: &mut Conn,
    changes: ChangeSet,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<Vec<Recorded>, Error> {
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
            Sum::from_bytes(&feed.digest).ok_or_else(|| InternalError::new("a feed's digest is not 32 bytes"))?;
        feed.entry_count += move_entries(conn, &entries, &revision, &mut sum).await?;
        record_keys(conn, entries, &revision, rng, now).await?;
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
        digest: Sum::default().as_bytes().to_vec(),
        entry_count: 0,
    };
    queries::insert_feed(conn, &feed).await?;
    let made = queries::feed_of(conn, reference)
        .await?
        .ok_or_else(|| InternalError::new("a feed vanished while it was made"))?;
    if made.id == feed.id {
        let tag = rng.bytes::<TAG_BYTES>().to_vec();
        queries::insert_revision(conn, &RevisionRow { feed_id: feed.id, revision: 0, tag, at: now, entries: 0 })
            .await?;
    }
    Ok(made)
}

type Marks = BTreeMap<ExtensionId, (i32, EntryChange)>;

/// Moves the marked entries to the new revision, and tells by how much the number of present entries changes.
async fn move_entries(conn: &mut Conn, marks: &Marks, revision: &RevisionRow, sum: &mut Sum) -> Result<i64, Error> {
    let ids: Vec<ExtensionId> = marks.keys().copied().collect();
    let known = queries::entries(conn, &ids).await?;
    let known: HashMap<ExtensionId, Entry> = known.into_iter().map(|entry| (entry.extension_id, entry)).collect();
    let (mut fresh, mut moved, mut change) = (Vec::new(), Vec::new(), 0);
    for (&extension, (slot, mark)) in marks {
        let before = known.get(&extension);
        let was_present = before.is_some_and(|before| before.present);
        if *mark == EntryChange::Touch && !was_present {
            // What is gone does not come back by a touch.
            tracing::error!(extension.id = %extension.global(), "an extension that its feed does not show was marked as touched");
            continue;
        }
        let entry = Entry {
            extension_id: extension,
            feed_id: revision.feed_id,
            revision: revision.revision,
            tag: revision.tag.clone(),
            slot: *slot,
            present: *mark != EntryChange::Delete,
        };
        if let Some(before) = before.filter(|before| before.present) {
            sum.subtract(&extension.global(), &before.version());
        }
        if entry.present {
            sum.add(&extension.global(), &entry_version(entry.revision, &entry.tag));
        }
        change += i64::from(entry.present) - i64::from(was_present);
        if before.is_some() { moved.push(entry) } else { fresh.push(entry) }
    }
    queries::insert_entries(conn, &fresh).await?;
    queries::move_entries(conn, &moved).await?;
    Ok(change)
}

/// Ends the keys that are borne no more, and begins those that are new.
async fn record_keys(
    conn: &mut Conn,
    marks: Marks,
    revision: &RevisionRow,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<(), Error> {
    let is_present =
        |(id, (_, mark)): (&ExtensionId, &(i32, EntryChange))| matches!(mark, EntryChange::Upsert(_)).then_some(*id);
    let present: Vec<ExtensionId> = marks.iter().filter_map(is_present).collect();
    let open = queries::open_keys(conn, &present).await?;
    let open: HashMap<ExtensionId, BorneKeys> = open.into_iter().map(|keys| (keys.extension_id, keys)).collect();
    let (mut ended, mut begun) = (Vec::new(), Vec::new());
    for (extension_id, (_, mark)) in marks {
        match mark {
            EntryChange::Touch => {}
            EntryChange::Delete => ended.push(extension_id),
            EntryChange::Upsert(Keys { number, parameters }) => {
                let parameters = JsonValue(parameters);
                if let Some(open) = open.get(&extension_id) {
                    if open.number == number && open.parameters == parameters {
                        continue;
                    }
                    ended.push(extension_id);
                }
                begun.push(BorneKeys {
                    id: Id(rng.uuid(now)),
                    extension_id,
                    feed_id: revision.feed_id,
                    number,
                    parameters,
                    from_revision: revision.revision,
                    to_revision: None,
                });
            }
        }
    }
    queries::close_keys(conn, &ended, revision.revision).await?;
    queries::insert_keys(conn, &begun).await?;
    Ok(())
}

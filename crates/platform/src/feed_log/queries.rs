//! Queries for appending to the feed log.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::model::{Entry, Feed, FeedRef, KeyHistoryRow, Revision, RevisionRow};
use crate::ids::{EntityId, EventId, FeedId, ServiceTypeId};
use crate::insert_rows;
use crate::query;
use crate::store::schema::{feed_entries, feed_keys, feed_revisions, feeds};
use crate::store::{CHUNK, Conn};

/// The feed of an event and a service type; `None` before its first use.
pub async fn feed_of(conn: &mut Conn, feed: FeedRef) -> QueryResult<Option<Feed>> {
    query!(conn, |c| feeds::table
        .filter(feeds::event_id.eq(feed.event))
        .filter(feeds::service_type_id.eq(feed.service_type))
        .select(Feed::as_select())
        .get_result(c)
        .await
        .optional())
}

/// A feed by its id.
pub async fn feed_by_id(conn: &mut Conn, id: FeedId) -> QueryResult<Option<Feed>> {
    query!(conn, |c| feeds::table.find(id).select(Feed::as_select()).get_result(c).await.optional())
}

/// All feeds of an event.
pub async fn feeds_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<Feed>> {
    query!(conn, |c| feeds::table
        .filter(feeds::event_id.eq(event))
        .order(feeds::id)
        .select(Feed::as_select())
        .load(c)
        .await)
}

/// All feeds of a service type.
pub async fn feeds_of_service_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<Feed>> {
    query!(conn, |c| feeds::table
        .filter(feeds::service_type_id.eq(service_type))
        .order(feeds::id)
        .select(Feed::as_select())
        .load(c)
        .await)
}

/// Inserts a feed, unless a concurrent transaction has inserted it.
pub(super) async fn insert_feed(conn: &mut Conn, feed: &Feed) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(feeds::table)
        .values(feed)
        .on_conflict((feeds::event_id, feeds::service_type_id))
        .do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Updates head, digest and entry count of a feed.
pub(super) async fn update_head(conn: &mut Conn, feed: &Feed) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feeds::table.find(feed.id))
        .set((feeds::head.eq(feed.head), feeds::digest.eq(&feed.digest), feeds::entry_count.eq(feed.entry_count)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Inserts a revision.
pub(super) async fn insert_revision(conn: &mut Conn, revision: &RevisionRow) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(feed_revisions::table).values(revision).execute(c).await)?;
    Ok(())
}

/// The entry of an entity, present or deleted.
async fn entry(conn: &mut Conn, entity: EntityId) -> QueryResult<Option<Entry>> {
    query!(conn, |c| feed_entries::table.find(entity).select(Entry::as_select()).get_result(c).await.optional())
}

/// The entries of these entities, present or deleted, in no particular order.
pub(super) async fn entries(conn: &mut Conn, ids: &[EntityId]) -> QueryResult<Vec<Entry>> {
    let mut found = Vec::with_capacity(ids.len());
    if !conn.prefers_batch(ids.len()) {
        for id in ids {
            found.extend(entry(conn, *id).await?);
        }
        return Ok(found);
    }
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<Entry> = query!(&mut *conn, |c| feed_entries::table
            .filter(feed_entries::entity_id.eq_any(chunk))
            .select(Entry::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Inserts entries.
pub(super) async fn insert_entries(conn: &mut Conn, entries: &[Entry]) -> QueryResult<()> {
    insert_rows!(conn, entries, |rows| diesel::insert_into(feed_entries::table).values(rows));
    Ok(())
}

/// Updates existing entries; all have the same revision and tag.
pub(super) async fn update_entries(conn: &mut Conn, entries: &[Entry]) -> QueryResult<()> {
    if !conn.prefers_batch(entries.len()) {
        for entry in entries {
            update_entry(conn, entry).await?;
        }
        return Ok(());
    }
    for present in [true, false] {
        let updated: Vec<&Entry> = entries.iter().filter(|entry| entry.present == present).collect();
        for chunk in updated.chunks(CHUNK) {
            let ids: Vec<EntityId> = chunk.iter().map(|entry| entry.entity_id).collect();
            let values = (
                feed_entries::revision.eq(chunk[0].revision),
                feed_entries::tag.eq(&chunk[0].tag),
                feed_entries::present.eq(present),
            );
            query!(&mut *conn, |c| diesel::update(feed_entries::table)
                .filter(feed_entries::entity_id.eq_any(&ids))
                .set(values)
                .execute(c)
                .await)?;
        }
    }
    Ok(())
}

async fn update_entry(conn: &mut Conn, entry: &Entry) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_entries::table.find(entry.entity_id))
        .set((
            feed_entries::revision.eq(entry.revision),
            feed_entries::tag.eq(&entry.tag),
            feed_entries::present.eq(entry.present),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The current keys of these entities.
pub(super) async fn current_keys(conn: &mut Conn, ids: &[EntityId]) -> QueryResult<Vec<KeyHistoryRow>> {
    let mut found = Vec::with_capacity(ids.len());
    if !conn.prefers_batch(ids.len()) {
        for id in ids {
            found.extend(current_keys_of(conn, *id).await?);
        }
        return Ok(found);
    }
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<KeyHistoryRow> = query!(&mut *conn, |c| feed_keys::table
            .filter(feed_keys::entity_id.eq_any(chunk))
            .filter(feed_keys::to_revision.is_null())
            .select(KeyHistoryRow::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

async fn current_keys_of(conn: &mut Conn, entity: EntityId) -> QueryResult<Option<KeyHistoryRow>> {
    query!(conn, |c| feed_keys::table
        .filter(feed_keys::entity_id.eq(entity))
        .filter(feed_keys::to_revision.is_null())
        .select(KeyHistoryRow::as_select())
        .get_result(c)
        .await
        .optional())
}

/// Closes the current keys of these entities at a revision.
pub(super) async fn close_keys(conn: &mut Conn, ids: &[EntityId], at: Revision) -> QueryResult<()> {
    if !conn.prefers_batch(ids.len()) {
        for id in ids {
            close_keys_of(conn, *id, at).await?;
        }
        return Ok(());
    }
    for chunk in ids.chunks(CHUNK) {
        query!(&mut *conn, |c| diesel::update(feed_keys::table)
            .filter(feed_keys::entity_id.eq_any(chunk))
            .filter(feed_keys::to_revision.is_null())
            .set(feed_keys::to_revision.eq(Some(at)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

async fn close_keys_of(conn: &mut Conn, entity: EntityId, at: Revision) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_keys::table)
        .filter(feed_keys::entity_id.eq(entity))
        .filter(feed_keys::to_revision.is_null())
        .set(feed_keys::to_revision.eq(Some(at)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Inserts current keys.
pub(super) async fn insert_keys(conn: &mut Conn, keys: &[KeyHistoryRow]) -> QueryResult<()> {
    insert_rows!(conn, keys, |rows| diesel::insert_into(feed_keys::table).values(rows));
    Ok(())
}

//! Queries for reading the feed log.

use diesel::prelude::Queryable;
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use platform::feed_log::{Entry, Feed, KeyHistoryRow, Revision, Tag};
use platform::ids::{EntityId, FeedId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{events, feed_entries, feed_errors, feed_keys, feed_revisions, feeds, service_types};

/// The largest number of ids in one statement.
pub const CHUNK: usize = 500;

/// The tag of a revision; `None` when the revision is pruned.
pub async fn tag(conn: &mut Conn, feed: FeedId, revision: Revision) -> QueryResult<Option<Tag>> {
    query!(conn, |c| feed_revisions::table
        .find((feed, revision))
        .select(feed_revisions::tag)
        .get_result(c)
        .await
        .optional())
}

/// The tag of a feed's head.
///
/// # Errors
/// A database error, or a head without a tag of 8 bytes.
pub async fn head_tag(conn: &mut Conn, feed: &Feed) -> Result<[u8; 8], Error> {
    let tag = tag(conn, feed.id, feed.head).await?.and_then(|tag| tag.try_into().ok());
    Ok(tag.ok_or_else(|| InternalError::new("a feed's head has no tag"))?)
}

/// Whether a revision after `position` has more entries than a page of changes may hold: 5,000.
pub async fn has_bulk_after(conn: &mut Conn, feed: FeedId, position: Revision) -> QueryResult<bool> {
    // The bound is a literal: the planner uses the partial index only when the expressions are equal.
    let found: Option<Revision> = query!(conn, |c| feed_revisions::table
        .filter(feed_revisions::feed_id.eq(feed))
        .filter(feed_revisions::revision.gt(position))
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("entries > 5000"))
        .select(feed_revisions::revision)
        .first(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// The time of the oldest revision after `position` that is not pruned.
pub async fn first_after(conn: &mut Conn, feed: FeedId, position: Revision) -> QueryResult<Option<Timestamp>> {
    query!(conn, |c| feed_revisions::table
        .filter(feed_revisions::feed_id.eq(feed))
        .filter(feed_revisions::revision.gt(position))
        .order(feed_revisions::revision)
        .select(feed_revisions::at)
        .first(c)
        .await
        .optional())
}

/// Present entries after an id, ordered by id.
pub async fn present_after(conn: &mut Conn, feed: FeedId, after: Uuid, limit: i64) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::present)
        .filter(feed_entries::entity_id.gt(EntityId(after)))
        .order(feed_entries::entity_id)
        .limit(limit)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// Entries after a revision, ordered by revision and id.
pub async fn entries_after(conn: &mut Conn, feed: FeedId, position: Revision, limit: i64) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.gt(position))
        .order((feed_entries::revision, feed_entries::entity_id))
        .limit(limit)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// The entries of one revision after an id.
pub async fn rest_of_revision(
    conn: &mut Conn,
    feed: FeedId,
    revision: Revision,
    after: EntityId,
) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.eq(revision))
        .filter(feed_entries::entity_id.gt(after))
        .order(feed_entries::entity_id)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// The number of entries after a revision.
pub async fn count_after(conn: &mut Conn, feed: FeedId, position: Revision) -> QueryResult<i64> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.gt(position))
        .count()
        .get_result(c)
        .await)
}

/// The entries of these entities, present or deleted, in no particular order.
pub async fn entries_of(conn: &mut Conn, feed: FeedId, entities: &[EntityId]) -> QueryResult<Vec<Entry>> {
    let mut found = Vec::with_capacity(entities.len());
    for ids in entities.chunks(CHUNK) {
        let rows: Vec<Entry> = query!(conn, |c| feed_entries::table
            .filter(feed_entries::entity_id.eq_any(ids))
            .filter(feed_entries::feed_id.eq(feed))
            .select(Entry::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The entry of an entity, present or deleted.
pub async fn entry_of(conn: &mut Conn, entity: EntityId) -> QueryResult<Option<Entry>> {
    query!(conn, |c| feed_entries::table.find(entity).select(Entry::as_select()).get_result(c).await.optional())
}

/// The current keys of these entities and those given up after `base`, oldest first.
pub async fn keys_since(conn: &mut Conn, entities: &[EntityId], base: Revision) -> QueryResult<Vec<KeyHistoryRow>> {
    let mut found = Vec::new();
    for ids in entities.chunks(CHUNK) {
        let rows: Vec<KeyHistoryRow> = query!(conn, |c| feed_keys::table
            .filter(feed_keys::entity_id.eq_any(ids))
            .filter(feed_keys::to_revision.gt(base).or(feed_keys::to_revision.is_null()))
            .order((feed_keys::entity_id, feed_keys::from_revision))
            .select(KeyHistoryRow::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// All feeds' ids.
pub async fn feed_ids(conn: &mut Conn) -> QueryResult<Vec<FeedId>> {
    query!(conn, |c| feeds::table.order(feeds::id).select(feeds::id).load(c).await)
}

/// A feed with its size.
#[derive(Queryable)]
pub struct FeedSizeRow {
    pub id: FeedId,
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
    /// The number of present entries.
    pub entries: i64,
}

/// Every feed with its size, ordered by the slugs of event and service type.
pub async fn feed_sizes(conn: &mut Conn) -> QueryResult<Vec<FeedSizeRow>> {
    query!(conn, |c| feeds::table
        .inner_join(events::table.on(events::id.eq(feeds::event_id)))
        .inner_join(service_types::table.on(service_types::id.eq(feeds::service_type_id)))
        .order((events::slug, service_types::slug))
        .select((feeds::id, events::slug, service_types::slug, feeds::entry_count))
        .load(c)
        .await)
}

/// The newest revision at or before `at`.
pub async fn newest_until(conn: &mut Conn, feed: FeedId, at: Timestamp) -> QueryResult<Option<Revision>> {
    query!(conn, |c| feed_revisions::table
        .filter(feed_revisions::feed_id.eq(feed))
        .filter(feed_revisions::at.le(at))
        .order(feed_revisions::revision.desc())
        .select(feed_revisions::revision)
        .first(c)
        .await
        .optional())
}

/// Deletes tags, key history, tombstones and the errors of tombstones up to `horizon`, and stores the horizon in the
/// feed's row.
pub async fn prune_to(conn: &mut Conn, feed: FeedId, horizon: Revision) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feeds::table.find(feed)).set(feeds::horizon.eq(horizon)).execute(c).await)?;
    query!(conn, |c| diesel::delete(feed_revisions::table)
        .filter(feed_revisions::feed_id.eq(feed))
        .filter(feed_revisions::revision.le(horizon))
        .execute(c)
        .await)?;
    query!(conn, |c| diesel::delete(feed_keys::table)
        .filter(feed_keys::feed_id.eq(feed))
        .filter(feed_keys::to_revision.le(horizon))
        .execute(c)
        .await)?;
    let deleted: Vec<EntityId> = query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.le(horizon))
        .filter(diesel::dsl::not(feed_entries::present))
        .select(feed_entries::entity_id)
        .load(c)
        .await)?;
    for ids in deleted.chunks(CHUNK) {
        query!(conn, |c| diesel::delete(feed_errors::table)
            .filter(feed_errors::entity_id.eq_any(ids))
            .execute(c)
            .await)?;
        query!(conn, |c| diesel::delete(feed_entries::table)
            .filter(feed_entries::entity_id.eq_any(ids))
            .execute(c)
            .await)?;
    }
    Ok(())
}

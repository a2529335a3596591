//! Feeds in the database, as readers see them.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

use platform::clock::Timestamp;
use platform::feed_log::{BorneKeys, Entry, Revision, Tag};
use platform::ids::{ExtensionId, FeedId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{events, feed_entries, feed_errors, feed_keys, feed_revisions, feeds, service_types};
use platform::store::types::Id;

/// How many ids one statement names at most.
pub const CHUNK: usize = 500;

/// The tag of a revision that is not pruned.
pub async fn tag(conn: &mut Conn, feed: FeedId, revision: Revision) -> QueryResult<Option<Tag>> {
    query!(conn, |c| feed_revisions::table
        .find((feed, revision))
        .select(feed_revisions::tag)
        .get_result(c)
        .await
        .optional())
}

/// Whether a revision after `position` holds more entries than are told as changes: 5,000.
pub async fn bulk_after(conn: &mut Conn, feed: FeedId, position: Revision) -> QueryResult<bool> {
    // The bound stands in the statement as it stands in the partial index.
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

/// The instant of the oldest revision after `position` that is still known.
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

/// Entries that are present, by id, behind `after`.
pub async fn present_after(conn: &mut Conn, feed: FeedId, after: Uuid, limit: i64) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::present)
        .filter(feed_entries::extension_id.gt(ExtensionId(after)))
        .order(feed_entries::extension_id)
        .limit(limit)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// Entries behind a revision, in the order in which they are told.
pub async fn entries_after(conn: &mut Conn, feed: FeedId, position: Revision, limit: i64) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.gt(position))
        .order((feed_entries::revision, feed_entries::extension_id))
        .limit(limit)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// The rest of one revision.
pub async fn rest_of_revision(
    conn: &mut Conn,
    feed: FeedId,
    revision: Revision,
    after: ExtensionId,
) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.eq(revision))
        .filter(feed_entries::extension_id.gt(after))
        .order(feed_entries::extension_id)
        .select(Entry::as_select())
        .load(c)
        .await)
}

/// How many entries stand behind a revision.
pub async fn count_after(conn: &mut Conn, feed: FeedId, position: Revision) -> QueryResult<i64> {
    query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.gt(position))
        .count()
        .get_result(c)
        .await)
}

/// The entries of these extensions, present or gone.
pub async fn entries_of(conn: &mut Conn, feed: FeedId, extensions: &[ExtensionId]) -> QueryResult<Vec<Entry>> {
    let mut found = Vec::with_capacity(extensions.len());
    for ids in extensions.chunks(CHUNK) {
        let some: Vec<Entry> = query!(conn, |c| feed_entries::table
            .filter(feed_entries::extension_id.eq_any(ids))
            .filter(feed_entries::feed_id.eq(feed))
            .select(Entry::as_select())
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// An extension's entry in its feed.
pub async fn entry_of(conn: &mut Conn, extension: ExtensionId) -> QueryResult<Option<Entry>> {
    query!(conn, |c| feed_entries::table.find(extension).select(Entry::as_select()).get_result(c).await.optional())
}

/// The keys that these extensions bear, or have borne after `base`, oldest first.
pub async fn keys_since(conn: &mut Conn, extensions: &[ExtensionId], base: Revision) -> QueryResult<Vec<BorneKeys>> {
    let mut found = Vec::new();
    for ids in extensions.chunks(CHUNK) {
        let some: Vec<BorneKeys> = query!(conn, |c| feed_keys::table
            .filter(feed_keys::extension_id.eq_any(ids))
            .filter(feed_keys::to_revision.gt(base).or(feed_keys::to_revision.is_null()))
            .order((feed_keys::extension_id, feed_keys::from_revision))
            .select(BorneKeys::as_select())
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// All feeds' ids.
pub async fn feed_ids(conn: &mut Conn) -> QueryResult<Vec<FeedId>> {
    query!(conn, |c| feeds::table.order(feeds::id).select(feeds::id).load(c).await)
}

/// Every feed with the slugs of its event and its service type, and how many entries are present in it.
pub async fn sizes(conn: &mut Conn) -> QueryResult<Vec<(FeedId, String, String, i64)>> {
    query!(conn, |c| feeds::table
        .inner_join(events::table.on(events::id.eq(feeds::event_id)))
        .inner_join(service_types::table.on(service_types::id.eq(feeds::service_type_id)))
        .order((events::slug, service_types::slug))
        .select((feeds::id, events::slug, service_types::slug, feeds::entry_count))
        .load(c)
        .await)
}

/// The newest revision that was made at or before `at`.
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

/// Forgets tags, key history, tombstones and their errors up to `horizon`, and says so in the feed's row.
pub async fn prune_until(conn: &mut Conn, feed: FeedId, horizon: Revision) -> QueryResult<()> {
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
    let gone: Vec<ExtensionId> = query!(conn, |c| feed_entries::table
        .filter(feed_entries::feed_id.eq(feed))
        .filter(feed_entries::revision.le(horizon))
        .filter(diesel::dsl::not(feed_entries::present))
        .select(feed_entries::extension_id)
        .load(c)
        .await)?;
    for ids in gone.chunks(CHUNK) {
        let rows: Vec<Id> = ids.iter().map(|id| Id(id.0)).collect();
        query!(conn, |c| diesel::delete(feed_errors::table)
            .filter(feed_errors::extension_id.eq_any(&rows))
            .execute(c)
            .await)?;
        query!(conn, |c| diesel::delete(feed_entries::table)
            .filter(feed_entries::extension_id.eq_any(ids))
            .execute(c)
            .await)?;
    }
    Ok(())
}

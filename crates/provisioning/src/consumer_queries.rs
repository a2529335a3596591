//! Queries for consumers and their errors.

use diesel::prelude::Queryable;
use diesel::upsert::excluded;
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::cursor::Cursor;
use super::model::{Consumer, ConsumerStatuses, FeedError};
use super::queries::CHUNK;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::feed_log::{FeedRef, Revision};
use platform::ids::{ApiKeyId, ConsumerId, EntityId, EventId, FeedId};
use platform::query;
use platform::store::schema::{
    api_key_events, api_key_service_types, api_keys, feed_consumers, feed_errors, feed_keys, feed_web_hooks, feeds,
};
use platform::store::{Conn, sought};

/// The validity of an API key to which a consumer shall be bound.
#[derive(Clone, Debug)]
pub struct ConsumerKey {
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Whether the key covers the event and the service type of the feed.
    pub covers_feed: bool,
}

/// The columns of an API key that [`consumer_key`] reads.
#[derive(Queryable)]
struct KeyColumns {
    all_events: bool,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl ConsumerKey {
    /// Whether it is neither revoked nor expired.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| expires > now)
    }
}

/// A consumer by its id.
pub async fn consumer(conn: &mut Conn, id: ConsumerId) -> QueryResult<Option<Consumer>> {
    query!(conn, |c| feed_consumers::table.find(id).select(Consumer::as_select()).get_result(c).await.optional())
}

/// The consumers of a feed, by name.
pub async fn of_feed(conn: &mut Conn, feed: FeedId) -> QueryResult<Vec<Consumer>> {
    query!(conn, |c| feed_consumers::table
        .filter(feed_consumers::feed_id.eq(feed))
        .order(feed_consumers::name)
        .select(Consumer::as_select())
        .load(c)
        .await)
}

/// Every consumer of every feed, by name.
pub async fn all(conn: &mut Conn) -> QueryResult<Vec<Consumer>> {
    query!(conn, |c| feed_consumers::table
        .order((feed_consumers::name, feed_consumers::id))
        .select(Consumer::as_select())
        .load(c)
        .await)
}

/// Stores the outcome of comparing a consumer's digest with the feed's.
pub async fn save_verification(
    conn: &mut Conn,
    _: &Permit,
    id: ConsumerId,
    position: Revision,
    agreed: bool,
    now: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_consumers::table.find(id))
        .set((
            feed_consumers::verified_position.eq(Some(position)),
            feed_consumers::verified_at.eq(Some(now)),
            feed_consumers::verified.eq(Some(agreed)),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The progress of the consumers of an event.
pub async fn statuses(conn: &mut Conn, event: EventId) -> QueryResult<ConsumerStatuses> {
    let consumers = query!(conn, |c| feed_consumers::table
        .inner_join(feeds::table.on(feeds::id.eq(feed_consumers::feed_id)))
        .filter(feeds::event_id.eq(event))
        .order(feed_consumers::id)
        .select((
            feed_consumers::id,
            feed_consumers::name,
            feed_consumers::paused,
            feed_consumers::acknowledged,
            feeds::head,
        ))
        .load(c)
        .await)?;
    let errors = query!(conn, |c| feed_errors::table
        .inner_join(feed_consumers::table.on(feed_consumers::id.eq(feed_errors::consumer_id)))
        .inner_join(feeds::table.on(feeds::id.eq(feed_consumers::feed_id)))
        .filter(feeds::event_id.eq(event))
        .order((feed_errors::consumer_id, feed_errors::entity_id))
        .select((feed_errors::consumer_id, feed_errors::entity_id, feed_errors::at))
        .load(c)
        .await)?;
    Ok(ConsumerStatuses { consumers, errors })
}

/// The number of errors of each consumer that has any.
pub async fn error_counts(conn: &mut Conn) -> QueryResult<Vec<(ConsumerId, i64)>> {
    query!(conn, |c| feed_errors::table
        .group_by(feed_errors::consumer_id)
        .select((feed_errors::consumer_id, diesel::dsl::count_star()))
        .load(c)
        .await)
}

/// The consumer of a feed with this name that is bound to the key.
pub async fn by_name_and_key(
    conn: &mut Conn,
    feed: FeedId,
    name: &str,
    key: ApiKeyId,
) -> QueryResult<Option<Consumer>> {
    query!(conn, |c| feed_consumers::table
        .filter(feed_consumers::feed_id.eq(feed))
        .filter(feed_consumers::name.eq(sought(name)))
        .filter(feed_consumers::api_key_id.eq(key))
        .select(Consumer::as_select())
        .get_result(c)
        .await
        .optional())
}

/// Whether a consumer of the feed other than `except` has this name.
pub async fn name_is_taken(conn: &mut Conn, feed: FeedId, name: &str, except: ConsumerId) -> QueryResult<bool> {
    let found: i64 = query!(conn, |c| feed_consumers::table
        .filter(feed_consumers::feed_id.eq(feed))
        .filter(feed_consumers::name.eq(sought(name)))
        .filter(feed_consumers::id.ne(except))
        .count()
        .get_result(c)
        .await)?;
    Ok(found > 0)
}

/// Inserts a consumer.
pub async fn insert(conn: &mut Conn, _: &Permit, consumer: &Consumer) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(feed_consumers::table).values(consumer).execute(c).await)?;
    Ok(())
}

/// Updates the name and the paused state of a consumer.
pub async fn update(conn: &mut Conn, _: &Permit, id: ConsumerId, name: &str, paused: bool) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_consumers::table.find(id))
        .set((feed_consumers::name.eq(sought(name)), feed_consumers::paused.eq(paused)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes a consumer with its errors and its web hook.
pub async fn delete(conn: &mut Conn, _: &Permit, id: ConsumerId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(feed_errors::table.filter(feed_errors::consumer_id.eq(id))).execute(c).await)?;
    query!(conn, |c| diesel::delete(feed_web_hooks::table.find(id)).execute(c).await)?;
    query!(conn, |c| diesel::delete(feed_consumers::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Stores the acknowledged position of a consumer; `text` is the text of `cursor`.
pub async fn acknowledge(
    conn: &mut Conn,
    _: &Permit,
    id: ConsumerId,
    (cursor, text): (&Cursor, &str),
    now: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_consumers::table.find(id))
        .set((
            feed_consumers::acknowledged.eq(Some(text)),
            feed_consumers::acknowledged_base.eq(Some(cursor.base)),
            feed_consumers::acknowledged_position.eq(Some(cursor.position)),
            feed_consumers::acknowledged_at.eq(Some(now)),
            feed_consumers::last_seen_at.eq(Some(now)),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Stores an error. It replaces an earlier one of the same consumer and entity.
pub async fn save_error(conn: &mut Conn, _: &Permit, error: &FeedError) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(feed_errors::table)
        .values(error)
        .on_conflict((feed_errors::consumer_id, feed_errors::entity_id))
        .do_update()
        .set((
            feed_errors::code.eq(excluded(feed_errors::code)),
            feed_errors::message.eq(excluded(feed_errors::message)),
            feed_errors::revision.eq(excluded(feed_errors::revision)),
            feed_errors::at.eq(excluded(feed_errors::at)),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes an error.
pub async fn delete_error(conn: &mut Conn, _: &Permit, consumer: ConsumerId, entity: EntityId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(feed_errors::table.find((consumer, entity))).execute(c).await)?;
    Ok(())
}

/// A consumer's errors, oldest first.
pub async fn errors_of(conn: &mut Conn, consumer: ConsumerId) -> QueryResult<Vec<FeedError>> {
    query!(conn, |c| feed_errors::table
        .filter(feed_errors::consumer_id.eq(consumer))
        .order((feed_errors::at, feed_errors::entity_id))
        .select(FeedError::as_select())
        .load(c)
        .await)
}

/// The errors of all consumers about one entity.
pub async fn errors_about(conn: &mut Conn, entity: EntityId) -> QueryResult<Vec<FeedError>> {
    query!(conn, |c| feed_errors::table
        .filter(feed_errors::entity_id.eq(entity))
        .select(FeedError::as_select())
        .load(c)
        .await)
}

/// The newest number of each of these entities, also of deleted ones: a later pair of an id replaces an earlier one.
pub async fn newest_numbers(conn: &mut Conn, entities: &[EntityId]) -> QueryResult<Vec<(EntityId, String)>> {
    let mut found = Vec::new();
    for ids in entities.chunks(CHUNK) {
        let rows: Vec<(EntityId, String)> = query!(conn, |c| feed_keys::table
            .filter(feed_keys::entity_id.eq_any(ids))
            .order(feed_keys::from_revision)
            .select((feed_keys::entity_id, feed_keys::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The last contact of each consumer of the feed that is bound to the key.
pub async fn last_seen(conn: &mut Conn, feed: FeedId, key: ApiKeyId) -> QueryResult<Vec<Option<Timestamp>>> {
    query!(conn, |c| feed_consumers::table
        .filter(feed_consumers::api_key_id.eq(key))
        .filter(feed_consumers::feed_id.eq(feed))
        .select(feed_consumers::last_seen_at)
        .load(c)
        .await)
}

/// Stores the last contact of the consumers of the feed that are bound to the key.
pub async fn save_contact(conn: &mut Conn, feed: FeedId, key: ApiKeyId, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_consumers::table)
        .filter(feed_consumers::api_key_id.eq(key))
        .filter(feed_consumers::feed_id.eq(feed))
        .set(feed_consumers::last_seen_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// The validity of an API key for a feed; `None` when the key does not exist.
pub async fn consumer_key(conn: &mut Conn, id: ApiKeyId, feed: FeedRef) -> QueryResult<Option<ConsumerKey>> {
    let row: Option<KeyColumns> = query!(conn, |c| api_keys::table
        .find(id)
        .select((api_keys::all_events, api_keys::expires_at, api_keys::revoked_at))
        .get_result(c)
        .await
        .optional())?;
    let Some(KeyColumns { all_events, expires_at, revoked_at }) = row else { return Ok(None) };
    let types: i64 = query!(conn, |c| api_key_service_types::table
        .filter(
            api_key_service_types::api_key_id.eq(id).and(api_key_service_types::service_type_id.eq(feed.service_type))
        )
        .count()
        .get_result(c)
        .await)?;
    let events: i64 = query!(conn, |c| api_key_events::table
        .filter(api_key_events::api_key_id.eq(id).and(api_key_events::event_id.eq(feed.event)))
        .count()
        .get_result(c)
        .await)?;
    let covers_feed = types > 0 && (all_events || events > 0);
    Ok(Some(ConsumerKey { expires_at, revoked_at, covers_feed }))
}

/// Those of these keys that are not revoked, with their expiry.
pub async fn keys_not_revoked(conn: &mut Conn, ids: &[ApiKeyId]) -> QueryResult<Vec<(ApiKeyId, Option<Timestamp>)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<(ApiKeyId, Option<Timestamp>)> = query!(&mut *conn, |c| api_keys::table
            .filter(api_keys::id.eq_any(ids))
            .filter(api_keys::revoked_at.is_null())
            .select((api_keys::id, api_keys::expires_at))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

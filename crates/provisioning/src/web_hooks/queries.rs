//! Queries for web hooks.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::WebHook;
use ::events::EventPhase;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::ids::ConsumerId;
use platform::query;
use platform::store::Conn;
use platform::store::schema::{events, feed_consumers, feed_web_hooks, feeds};

/// The lifetime of a claim, in seconds. After a crash of the claiming instance another one takes over when the claim
/// expires.
pub const CLAIM_SECONDS: i64 = 30;

/// The web hook of a consumer.
pub async fn of_consumer(conn: &mut Conn, consumer: ConsumerId) -> QueryResult<Option<WebHook>> {
    query!(conn, |c| feed_web_hooks::table.find(consumer).select(WebHook::as_select()).first(c).await.optional())
}

/// Every web hook.
pub async fn all(conn: &mut Conn) -> QueryResult<Vec<WebHook>> {
    query!(conn, |c| feed_web_hooks::table.select(WebHook::as_select()).load(c).await)
}

/// Stores a hook in place of an earlier one of the same consumer.
pub async fn save(conn: &mut Conn, _: &Permit, hook: &WebHook) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::delete(feed_web_hooks::table.find(hook.consumer_id)).execute(c).await)?;
    query!(conn, |c| diesel::insert_into(feed_web_hooks::table).values(hook).execute(c).await)?;
    Ok(())
}

/// Replaces the sealed secret of a hook if it still is `before`. Returns whether it was.
pub async fn reseal(
    conn: &mut Conn,
    _: &Permit,
    consumer: ConsumerId,
    before: &[u8],
    after: &[u8],
) -> QueryResult<bool> {
    let changed = query!(conn, |c| diesel::update(feed_web_hooks::table.find(consumer))
        .filter(feed_web_hooks::secret.eq(before))
        .set(feed_web_hooks::secret.eq(after))
        .execute(c)
        .await)?;
    Ok(changed > 0)
}

/// Deletes a hook. Returns whether there was one.
pub async fn delete(conn: &mut Conn, _: &Permit, consumer: ConsumerId) -> QueryResult<bool> {
    let deleted = query!(conn, |c| diesel::delete(feed_web_hooks::table.find(consumer)).execute(c).await)?;
    Ok(deleted > 0)
}

/// Clears the acknowledged position of a consumer, so that the next delivery is a reset.
pub async fn clear_position(conn: &mut Conn, _: &Permit, consumer: ConsumerId) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_consumers::table.find(consumer))
        .set((
            feed_consumers::acknowledged.eq(None::<String>),
            feed_consumers::acknowledged_base.eq(None::<i64>),
            feed_consumers::acknowledged_position.eq(None::<i64>),
            feed_consumers::acknowledged_at.eq(None::<Timestamp>),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The consumers with a due hook and a payload to deliver, oldest first.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<ConsumerId>> {
    let is_unclaimed = feed_web_hooks::claimed_until.is_null().or(feed_web_hooks::claimed_until.lt(now));
    let is_behind = feed_consumers::acknowledged_position
        .is_null()
        .or(feeds::head.nullable().gt(feed_consumers::acknowledged_position));
    // That an event was archived is delivered once. Opening it again gives its feed a new revision, which is delivered
    // too.
    let is_archived = events::phase.eq(EventPhase::Archived);
    let has_payload =
        is_archived.and(feed_web_hooks::closed.eq(false)).or(events::phase.ne(EventPhase::Archived).and(is_behind));
    query!(conn, |c| feed_web_hooks::table
        .inner_join(feed_consumers::table.on(feed_consumers::id.eq(feed_web_hooks::consumer_id)))
        .inner_join(feeds::table.on(feeds::id.eq(feed_consumers::feed_id)))
        .inner_join(events::table.on(events::id.eq(feeds::event_id)))
        .filter(feed_web_hooks::dead_at.is_null())
        .filter(feed_web_hooks::next_at.le(now))
        .filter(is_unclaimed)
        .filter(feed_consumers::paused.eq(false))
        .filter(has_payload)
        .order(feed_web_hooks::next_at)
        .limit(limit)
        .select(feed_web_hooks::consumer_id)
        .load(c)
        .await)
}

/// Claims a hook for this instance. Returns false when another instance has claimed it.
pub async fn claim(conn: &mut Conn, consumer: ConsumerId, now: Timestamp) -> QueryResult<bool> {
    let is_unclaimed = feed_web_hooks::claimed_until.is_null().or(feed_web_hooks::claimed_until.lt(now));
    let claimed = query!(conn, |c| diesel::update(feed_web_hooks::table.find(consumer))
        .filter(feed_web_hooks::dead_at.is_null())
        .filter(is_unclaimed)
        .set(feed_web_hooks::claimed_until.eq(Some(now.plus_seconds(CLAIM_SECONDS))))
        .execute(c)
        .await)?;
    Ok(claimed > 0)
}

/// Releases a hook after successful deliveries, or when there was nothing to deliver.
pub async fn release(
    conn: &mut Conn,
    consumer: ConsumerId,
    delivered_at: Option<Timestamp>,
    closed: bool,
    note: Option<&str>,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::update(feed_web_hooks::table.find(consumer))
        .set((
            feed_web_hooks::claimed_until.eq(None::<Timestamp>),
            feed_web_hooks::attempts.eq(0),
            feed_web_hooks::failing_since.eq(None::<Timestamp>),
            feed_web_hooks::last_error.eq(note),
            feed_web_hooks::closed.eq(closed),
        ))
        .execute(c)
        .await)?;
    if delivered_at.is_some() {
        query!(conn, |c| diesel::update(feed_web_hooks::table.find(consumer))
            .set(feed_web_hooks::delivered_at.eq(delivered_at))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Releases a hook after a failed delivery.
pub async fn save_failure(conn: &mut Conn, hook: &WebHook) -> QueryResult<()> {
    query!(conn, |c| diesel::update(feed_web_hooks::table.find(hook.consumer_id))
        .set((
            feed_web_hooks::claimed_until.eq(None::<Timestamp>),
            feed_web_hooks::attempts.eq(hook.attempts),
            feed_web_hooks::failing_since.eq(hook.failing_since),
            feed_web_hooks::next_at.eq(hook.next_at),
            feed_web_hooks::last_error.eq(hook.last_error.as_deref()),
            feed_web_hooks::dead_at.eq(hook.dead_at),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

//! Numbers in the database.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::free::Taken;
use super::model::{HistoryRow, NumberRow};
use super::number::Number;
use super::plan;
use super::state::NumberState;
use crate::access::Permit;
use crate::clock::Timestamp;
use crate::ids::{EventId, FeedId, NumberId};
use crate::problem::Fault;
use crate::restrictions::TargetKind;
use crate::store::schema::{api_keys, feed_consumers, number_history, number_waits, numbers, restrictions};
use crate::store::{CHUNK, Conn};
use crate::{insert_rows, query};

/// The row of an event's number, if it was ever touched.
pub async fn find(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<NumberRow>> {
    query!(conn, c => numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.eq(number))
        .select(NumberRow::as_select())
        .first(c)
        .await
        .optional())
}

/// The rows of these numbers of an event that were ever touched.
pub async fn find_all(conn: &mut Conn, event: EventId, wanted: &[&str]) -> QueryResult<Vec<NumberRow>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let rows: Vec<NumberRow> = query!(&mut *conn, c => numbers::table
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(chunk))
            .select(NumberRow::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// A number of the event that is somebody's, or kept, and that begins with `number`, or with which `number` begins.
pub async fn in_the_way(conn: &mut Conn, event: EventId, number: &Number) -> QueryResult<Option<String>> {
    let (after, before) = plan::continuations(number.as_str());
    let shorter = plan::proper_prefixes(number);
    query!(conn, c => numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.ne(NumberState::Available))
        .filter(numbers::number.gt(&after).and(numbers::number.lt(&before)).or(numbers::number.eq_any(&shorter)))
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

/// Writes a row, new or changed.
pub async fn save(conn: &mut Conn, _: &Permit, row: &NumberRow) -> QueryResult<()> {
    query!(conn, c => diesel::insert_into(numbers::table).values(row).on_conflict(numbers::id).do_update().set(row).execute(c).await)?;
    Ok(())
}

/// Writes rows of numbers that were never touched before.
pub async fn insert_all(conn: &mut Conn, _: &Permit, rows: &[NumberRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, values => diesel::insert_into(numbers::table).values(values));
    Ok(())
}

/// Appends steps of numbers' lives.
pub async fn append_histories(conn: &mut Conn, _: &Permit, rows: &[HistoryRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, values => diesel::insert_into(number_history::table).values(values));
    Ok(())
}

/// Appends a step of a number's life.
pub async fn append_history(conn: &mut Conn, _: &Permit, row: &HistoryRow) -> QueryResult<()> {
    query!(conn, c => diesel::insert_into(number_history::table).values(row).execute(c).await)?;
    Ok(())
}

/// The rows whose clock has run out.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<NumberRow>> {
    query!(conn, c => numbers::table
        .filter(numbers::until.is_not_null())
        .filter(numbers::until.le(now).or(numbers::state.eq(NumberState::Aging)))
        .order(numbers::until)
        .limit(limit)
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// Makes a freed number wait for a feed's revision.
pub async fn wait_for(conn: &mut Conn, _: &Permit, number: NumberId, feed: FeedId, revision: i64) -> QueryResult<()> {
    query!(conn, c => diesel::insert_into(number_waits::table)
        .values((number_waits::number_id.eq(number), number_waits::feed_id.eq(feed), number_waits::revision.eq(revision)))
        .on_conflict((number_waits::number_id, number_waits::feed_id))
        .do_update()
        .set(number_waits::revision.eq(revision))
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends the waits of a number.
pub async fn end_waits(conn: &mut Conn, _: &Permit, number: NumberId) -> QueryResult<()> {
    query!(conn, c => diesel::delete(number_waits::table.filter(number_waits::number_id.eq(number))).execute(c).await)?;
    Ok(())
}

/// Whether a consumer that counts has not yet acknowledged the number's removal.
pub async fn is_awaited(conn: &mut Conn, number: NumberId, now: Timestamp) -> QueryResult<bool> {
    let waiting: Option<FeedId> = query!(conn, c => number_waits::table
        .inner_join(feed_consumers::table.on(feed_consumers::feed_id.eq(number_waits::feed_id)))
        .inner_join(api_keys::table.on(api_keys::id.eq(feed_consumers::api_key_id)))
        .filter(number_waits::number_id.eq(number))
        .filter(feed_consumers::paused.eq(false))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(feed_consumers::created_revision.lt(number_waits::revision))
        .filter(feed_consumers::acknowledged_base.is_null().or(feed_consumers::acknowledged_base.lt(number_waits::revision.nullable())))
        .select(number_waits::feed_id)
        .first(c)
        .await
        .optional())?;
    Ok(waiting.is_some())
}

/// Asks the database which numbers of an event are taken: not available, or barred.
pub struct TakenNumbers<'c> {
    pub conn: &'c mut Conn,
    pub event: EventId,
}

impl Taken for TakenNumbers<'_> {
    async fn taken_between(&mut self, first: &Number, last: &Number) -> Result<Vec<Number>, Fault> {
        let (event, digits) = (self.event, first.as_str().len());
        let (first, last) = (first.as_str(), last.as_str());
        let rows: Vec<String> = query!(&mut *self.conn, c => numbers::table
            .left_join(restrictions::table.on(restrictions::target_id.eq(numbers::id).and(restrictions::target_kind.eq(TargetKind::Number))))
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.between(first, last))
            .filter(numbers::state.ne(NumberState::Available).or(restrictions::id.nullable().is_not_null()))
            .order(numbers::number)
            .select(numbers::number)
            .load(c)
            .await)?;
        rows.into_iter().filter(|number| number.len() == digits).map(Number::stored).collect()
    }

    async fn taken_among(&mut self, candidates: &[Number]) -> Result<Vec<Number>, Fault> {
        let event = self.event;
        let texts: Vec<&str> = candidates.iter().map(Number::as_str).collect();
        let rows: Vec<String> = query!(&mut *self.conn, c => numbers::table
            .left_join(restrictions::table.on(restrictions::target_id.eq(numbers::id).and(restrictions::target_kind.eq(TargetKind::Number))))
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(&texts))
            .filter(numbers::state.ne(NumberState::Available).or(restrictions::id.nullable().is_not_null()))
            .select(numbers::number)
            .load(c)
            .await)?;
        rows.into_iter().map(Number::stored).collect()
    }
}

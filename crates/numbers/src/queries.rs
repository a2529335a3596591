//! Queries over numbers, their history and their pending acknowledgements.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use numbering::NumberState;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::ids::{AccountId, EventId, FeedId, NumberHistoryId, NumberId};
use platform::store::schema::{api_keys, feed_consumers, number_history, number_waits, numbers};
use platform::store::{CHUNK, Conn, sought};
use platform::{insert_rows, query};

use crate::model::{AccountPlans, HistoryRow, NumberRow, NumberTransition};

/// The row of a number of an event, if it has one.
async fn number_of_event(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.eq(sought(number)))
        .select(NumberRow::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The rows of these numbers of an event; numbers without a row are left out.
pub async fn numbers_of_event(conn: &mut Conn, event: EventId, wanted: &[&str]) -> QueryResult<Vec<NumberRow>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let rows: Vec<NumberRow> = query!(&mut *conn, |c| numbers::table
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(chunk))
            .select(NumberRow::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The row of a number on the plan of an event, or without an event on that of E.164, if it has one.
pub async fn number_on_plan(conn: &mut Conn, event: Option<EventId>, number: &str) -> QueryResult<Option<NumberRow>> {
    let Some(event) = event else {
        return query!(conn, |c| numbers::table
            .filter(numbers::event_id.is_null())
            .filter(numbers::number.eq(sought(number)))
            .select(NumberRow::as_select())
            .get_result(c)
            .await
            .optional());
    };
    number_of_event(conn, event, number).await
}

/// The row of the number of an extension: on the plan of the extension's event, or on that of E.164 if it begins with
/// `+`.
pub async fn assigned_number(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<NumberRow>> {
    number_on_plan(conn, (!number.starts_with('+')).then_some(event), number).await
}

/// The number of a row's id.
pub async fn number_by_id(conn: &mut Conn, id: NumberId) -> QueryResult<Option<NumberRow>> {
    query!(conn, |c| numbers::table.find(id).select(NumberRow::as_select()).first(c).await.optional())
}

/// The filter of a list of numbers that have a row.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The event of the plan; `None`: the plan of E.164.
    pub event: Option<EventId>,
    /// The lowest number, inclusive, compared as text.
    pub from: Option<String>,
    /// The highest number, inclusive, compared as text.
    pub to: Option<String>,
    pub state: Option<NumberState>,
    /// The account that the numbers belong to.
    pub account: Option<AccountId>,
}

macro_rules! filtered {
    ($rows:expr, $filter:expr) => {{
        let mut rows = $rows.into_boxed();
        match $filter.event {
            Some(event) => rows = rows.filter(numbers::event_id.eq(event)),
            None => rows = rows.filter(numbers::event_id.is_null()),
        }
        if let Some(from) = &$filter.from {
            rows = rows.filter(numbers::number.ge(from));
        }
        if let Some(to) = &$filter.to {
            rows = rows.filter(numbers::number.le(to));
        }
        if let Some(state) = $filter.state {
            rows = rows.filter(numbers::state.eq(state));
        }
        if let Some(account) = $filter.account {
            rows = rows.filter(numbers::account_id.eq(account));
        }
        rows
    }};
}

/// A page of the numbers of a filter after the number `after`, ordered by number.
pub async fn list_numbers(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<&str>,
    limit: i64,
) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| {
        let mut rows = filtered!(numbers::table.select(NumberRow::as_select()), filter);
        if let Some(after) = after {
            rows = rows.filter(numbers::number.gt(after));
        }
        rows.order(numbers::number).limit(limit).load(c).await
    })
}

/// The total of the numbers of a filter.
pub async fn count_numbers(conn: &mut Conn, filter: &Filter) -> QueryResult<i64> {
    query!(conn, |c| filtered!(numbers::table.count(), filter).get_result(c).await)
}

/// The numbers of an account: in service, held or reserved.
pub async fn numbers_of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .order((numbers::event_id, numbers::number))
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// The numbering plans that a deletion of the account changes: those of its reservations, and the plan of E.164 for
/// each of its E.164 numbers that is reserved or in service.
pub async fn plans_of_account(conn: &mut Conn, account: AccountId) -> QueryResult<AccountPlans> {
    let events: Vec<Option<EventId>> = query!(&mut *conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .filter(numbers::event_id.is_not_null())
        .filter(numbers::state.eq(NumberState::Reserved))
        .select(numbers::event_id)
        .distinct()
        .load(c)
        .await)?;
    let e164_numbers: Vec<String> = query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .filter(numbers::event_id.is_null())
        .filter(numbers::state.eq_any([NumberState::Reserved, NumberState::InService]))
        .select(numbers::number)
        .load(c)
        .await)?;
    Ok(AccountPlans { events: events.into_iter().flatten().collect(), e164_numbers })
}

/// A page of the numbers that are held for an account at `now`, after the row `after`, ordered by number and row id.
pub async fn held_numbers(
    conn: &mut Conn,
    account: AccountId,
    now: Timestamp,
    after: Option<(&str, NumberId)>,
    limit: i64,
) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| {
        let mut rows = numbers::table
            .filter(numbers::account_id.eq(account))
            .filter(numbers::state.eq(NumberState::Held))
            .filter(numbers::until.gt(now))
            .into_boxed();
        if let Some((number, id)) = after {
            rows =
                rows.filter(numbers::number.gt(number).or(numbers::number.eq(sought(number)).and(numbers::id.gt(id))));
        }
        rows.order((numbers::number, numbers::id)).limit(limit).select(NumberRow::as_select()).load(c).await
    })
}

/// The numbers of an event that are held for an account at `now`, those that end first at the beginning.
pub async fn held_in_event(
    conn: &mut Conn,
    event: EventId,
    account: AccountId,
    now: Timestamp,
) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .filter(numbers::state.eq(NumberState::Held))
        .filter(numbers::event_id.eq(event))
        .filter(numbers::until.gt(now))
        .order((numbers::until, numbers::id))
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// The total of the numbers that are held for an account at `now`.
pub async fn count_held_numbers(conn: &mut Conn, account: AccountId, now: Timestamp) -> QueryResult<i64> {
    query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .filter(numbers::state.eq(NumberState::Held))
        .filter(numbers::until.gt(now))
        .count()
        .get_result(c)
        .await)
}

/// The transitions of numbers to or from an account, oldest first.
pub async fn history_of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<NumberTransition>> {
    query!(conn, |c| number_history::table
        .inner_join(numbers::table.on(numbers::id.eq(number_history::number_id)))
        .filter(number_history::account_id.eq(account))
        .order(number_history::id)
        .select((HistoryRow::as_select(), NumberRow::as_select()))
        .load(c)
        .await)
}

/// A page of the transitions of a number, oldest first.
pub async fn history_of_number(
    conn: &mut Conn,
    number: NumberId,
    after: Option<NumberHistoryId>,
    limit: i64,
) -> QueryResult<Vec<HistoryRow>> {
    query!(conn, |c| {
        let mut rows = number_history::table.filter(number_history::number_id.eq(number)).into_boxed();
        if let Some(after) = after {
            rows = rows.filter(number_history::id.gt(after));
        }
        rows.order(number_history::id).limit(limit).select(HistoryRow::as_select()).load(c).await
    })
}

/// Inserts or updates a row.
pub async fn save_number(conn: &mut Conn, _: &Permit, row: &NumberRow) -> QueryResult<()> {
    // Most rows are new, and PostgreSQL caches the plan of this statement but not that of one with DO UPDATE.
    let inserted = query!(conn, |c| diesel::insert_into(numbers::table)
        .values(row)
        .on_conflict(numbers::id)
        .do_nothing()
        .execute(c)
        .await)?;
    if inserted == 0 {
        query!(conn, |c| diesel::update(numbers::table.find(row.id)).set(row).execute(c).await)?;
    }
    Ok(())
}

/// Inserts rows of numbers that have none.
pub async fn insert_all(conn: &mut Conn, _: &Permit, rows: &[NumberRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, |values| diesel::insert_into(numbers::table).values(values));
    Ok(())
}

/// Appends entries to the history.
pub async fn append_histories(conn: &mut Conn, _: &Permit, rows: &[HistoryRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, |values| diesel::insert_into(number_history::table).values(values));
    Ok(())
}

/// Appends an entry to the history.
pub async fn append_history(conn: &mut Conn, _: &Permit, row: &HistoryRow) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(number_history::table).values(row).execute(c).await)?;
    Ok(())
}

/// The rows whose period has ended, and all that age, whose acknowledgements may be complete.
pub async fn due(conn: &mut Conn, now: Timestamp, limit: i64) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::until.is_not_null())
        .filter(numbers::until.le(now).or(numbers::state.eq(NumberState::Aging)))
        .order(numbers::until)
        .limit(limit)
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// Requires that the consumers of a feed acknowledge `revision` before the number is available.
pub async fn add_pending_ack(
    conn: &mut Conn,
    _: &Permit,
    number: NumberId,
    feed: FeedId,
    revision: i64,
) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(number_waits::table)
        .values((
            number_waits::number_id.eq(number),
            number_waits::feed_id.eq(feed),
            number_waits::revision.eq(revision)
        ))
        .on_conflict((number_waits::number_id, number_waits::feed_id))
        .do_update()
        .set(number_waits::revision.eq(revision))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes the pending acknowledgements of a number.
pub async fn clear_pending_acks(conn: &mut Conn, _: &Permit, number: NumberId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(number_waits::table.filter(number_waits::number_id.eq(number))).execute(c).await)?;
    Ok(())
}

/// Whether a consumer that is neither paused nor without a valid key has yet to acknowledge the removal of the number.
pub async fn has_pending_acks(conn: &mut Conn, number: NumberId, now: Timestamp) -> QueryResult<bool> {
    let pending: Option<FeedId> = query!(conn, |c| number_waits::table
        .inner_join(feed_consumers::table.on(feed_consumers::feed_id.eq(number_waits::feed_id)))
        .inner_join(api_keys::table.on(api_keys::id.eq(feed_consumers::api_key_id)))
        .filter(number_waits::number_id.eq(number))
        .filter(feed_consumers::paused.eq(false))
        .filter(api_keys::revoked_at.is_null())
        .filter(api_keys::expires_at.is_null().or(api_keys::expires_at.gt(now)))
        .filter(feed_consumers::created_revision.lt(number_waits::revision))
        .filter(
            feed_consumers::acknowledged_base
                .is_null()
                .or(feed_consumers::acknowledged_base.lt(number_waits::revision.nullable()))
        )
        .select(number_waits::feed_id)
        .first(c)
        .await
        .optional())?;
    Ok(pending.is_some())
}

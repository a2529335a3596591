//! Numbers in the database.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{HistoryRow, NumberRow};
use super::state::NumberState;
use ::restrictions::TargetKind;
use numbering::free::TakenNumberSource;
use numbering::number::Number;
use numbering::plan::{PrefixBounds, proper_prefixes};
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::error::InternalError;
use platform::ids::{AccountId, EventId, FeedId, NumberHistoryId, NumberId};
use platform::insert_rows;
use platform::query;
use platform::store::schema::{api_keys, feed_consumers, number_history, number_waits, numbers, restrictions};
use platform::store::{CHUNK, Conn, sought};

/// The row of an event's number, if it was ever touched.
pub async fn find(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.eq(sought(number)))
        .select(NumberRow::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The rows of these numbers of an event that were ever touched.
pub async fn find_all(conn: &mut Conn, event: EventId, wanted: &[&str]) -> QueryResult<Vec<NumberRow>> {
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

/// The row of a number on its plan, if it was ever touched; the world's numbers are those without an event.
pub async fn find_on(conn: &mut Conn, event: Option<EventId>, number: &str) -> QueryResult<Option<NumberRow>> {
    let Some(event) = event else {
        return query!(conn, |c| numbers::table
            .filter(numbers::event_id.is_null())
            .filter(numbers::number.eq(sought(number)))
            .select(NumberRow::as_select())
            .get_result(c)
            .await
            .optional());
    };
    find(conn, event, number).await
}

/// The row of the number that an extension of the event bears: on the event's plan, or the world's where it begins with `+`.
pub async fn find_borne(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<NumberRow>> {
    find_on(conn, (!number.starts_with('+')).then_some(event), number).await
}

/// A touched number by its row's id.
pub async fn by_id(conn: &mut Conn, id: NumberId) -> QueryResult<Option<NumberRow>> {
    query!(conn, |c| numbers::table.find(id).select(NumberRow::as_select()).first(c).await.optional())
}

/// Which touched numbers a list is of.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The plan: an event's, or the world's.
    pub event: Option<EventId>,
    /// The lowest and the highest number, as texts; both belong to the list.
    pub from: Option<String>,
    pub to: Option<String>,
    pub state: Option<NumberState>,
    /// Whose they are.
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

/// A page of touched numbers, behind `after`, by number.
pub async fn list(conn: &mut Conn, filter: &Filter, after: Option<&str>, limit: i64) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| {
        let mut rows = filtered!(numbers::table.select(NumberRow::as_select()), filter);
        if let Some(after) = after {
            rows = rows.filter(numbers::number.gt(after));
        }
        rows.order(numbers::number).limit(limit).load(c).await
    })
}

/// How many numbers the list has on all pages.
pub async fn count(conn: &mut Conn, filter: &Filter) -> QueryResult<i64> {
    query!(conn, |c| filtered!(numbers::table.count(), filter).get_result(c).await)
}

/// The touched numbers that are an account's: in service, held or reserved.
pub async fn of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .order((numbers::event_id, numbers::number))
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// A page of the numbers that are held for an account now, behind `after`, by number; one of several plans by its row's id.
pub async fn held_for(
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

/// How many numbers are held for an account now.
pub async fn count_held_for(conn: &mut Conn, account: AccountId, now: Timestamp) -> QueryResult<i64> {
    query!(conn, |c| numbers::table
        .filter(numbers::account_id.eq(account))
        .filter(numbers::state.eq(NumberState::Held))
        .filter(numbers::until.gt(now))
        .count()
        .get_result(c)
        .await)
}

/// The steps that numbers made as an account's, each with its number, oldest first.
pub async fn history_of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<(HistoryRow, NumberRow)>> {
    query!(conn, |c| number_history::table
        .inner_join(numbers::table.on(numbers::id.eq(number_history::number_id)))
        .filter(number_history::account_id.eq(account))
        .order(number_history::id)
        .select((HistoryRow::as_select(), NumberRow::as_select()))
        .load(c)
        .await)
}

/// A page of a number's history, oldest first.
pub async fn history(
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

/// Writes a row, new or changed.
pub async fn save(conn: &mut Conn, _: &Permit, row: &NumberRow) -> QueryResult<()> {
    // Most are new, and this statement is planned once where that with DO UPDATE would be planned each time.
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

/// Writes rows of numbers that were never touched before.
pub async fn insert_all(conn: &mut Conn, _: &Permit, rows: &[NumberRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, |values| diesel::insert_into(numbers::table).values(values));
    Ok(())
}

/// Appends steps of numbers' lives.
pub async fn append_histories(conn: &mut Conn, _: &Permit, rows: &[HistoryRow]) -> QueryResult<()> {
    insert_rows!(conn, rows, |values| diesel::insert_into(number_history::table).values(values));
    Ok(())
}

/// Appends a step of a number's life.
pub async fn append_history(conn: &mut Conn, _: &Permit, row: &HistoryRow) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(number_history::table).values(row).execute(c).await)?;
    Ok(())
}

/// The rows whose clock has run out.
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

/// Makes a freed number wait for a feed's revision.
pub async fn wait_for(conn: &mut Conn, _: &Permit, number: NumberId, feed: FeedId, revision: i64) -> QueryResult<()> {
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

/// Ends the waits of a number.
pub async fn end_waits(conn: &mut Conn, _: &Permit, number: NumberId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(number_waits::table.filter(number_waits::number_id.eq(number))).execute(c).await)?;
    Ok(())
}

/// Whether a consumer that counts has not yet acknowledged the number's removal.
pub async fn is_awaited(conn: &mut Conn, number: NumberId, now: Timestamp) -> QueryResult<bool> {
    let waiting: Option<FeedId> = query!(conn, |c| number_waits::table
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
    Ok(waiting.is_some())
}

/// A number of the event that is somebody's or kept, and with which `number` begins or that begins with `number`.
pub async fn in_the_way(conn: &mut Conn, event: EventId, number: &Number) -> QueryResult<Option<String>> {
    let shorter = proper_prefixes(number);
    let bounds = PrefixBounds::new(number.as_str());
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.ne(NumberState::Available))
        .filter(
            numbers::number
                .eq_any(&shorter)
                .or(numbers::number.gt(&bounds.lower).and(numbers::number.lt(&bounds.upper)))
        )
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

/// Asks the database which numbers of an event are taken: not available, or barred.
pub struct TakenNumbers<'c> {
    pub conn: &'c mut Conn,
    pub event: EventId,
}

impl TakenNumberSource for TakenNumbers<'_> {
    async fn taken_between(&mut self, first: &Number, last: &Number) -> Result<Vec<Number>, InternalError> {
        let (event, digits) = (self.event, first.as_str().len());
        let (first, last) = (first.as_str(), last.as_str());
        let rows: Vec<String> = query!(&mut *self.conn, |c| numbers::table
            .left_join(
                restrictions::table
                    .on(restrictions::target_id.eq(numbers::id).and(restrictions::target_kind.eq(TargetKind::Number)))
            )
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.between(first, last))
            .filter(numbers::state.ne(NumberState::Available).or(restrictions::id.nullable().is_not_null()))
            .order(numbers::number)
            .select(numbers::number)
            .load(c)
            .await)?;
        rows.into_iter().filter(|number| number.len() == digits).map(Number::stored).collect()
    }

    async fn taken_among(&mut self, candidates: &[Number]) -> Result<Vec<Number>, InternalError> {
        let event = self.event;
        let texts: Vec<&str> = candidates.iter().map(Number::as_str).collect();
        let rows: Vec<String> = query!(&mut *self.conn, |c| numbers::table
            .left_join(
                restrictions::table
                    .on(restrictions::target_id.eq(numbers::id).and(restrictions::target_kind.eq(TargetKind::Number)))
            )
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(&texts))
            .filter(numbers::state.ne(NumberState::Available).or(restrictions::id.nullable().is_not_null()))
            .select(numbers::number)
            .load(c)
            .await)?;
        rows.into_iter().map(Number::stored).collect()
    }
}

//! Queries over the numbers of a stretch of an event's plan: a range, a prefix, candidates of a search.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use ::restrictions::TargetKind;
use numbering::NumberState;
use numbering::free::TakenNumberSource;
use numbering::number::Number;
use numbering::plan::{NumberRange, PrefixBounds, proper_prefixes};
use platform::clock::Timestamp;
use platform::error::InternalError;
use platform::ids::EventId;
use platform::query;
use platform::store::Conn;
use platform::store::schema::{numbers, restrictions};

use crate::model::NumberRow;

diesel::define_sql_function! {
    /// The number of characters of a text.
    fn length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

/// The reservations of an event that have not ended at `now`, by number.
pub async fn active_reservations(conn: &mut Conn, event: EventId, now: Timestamp) -> QueryResult<Vec<NumberRow>> {
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.eq(NumberState::Reserved))
        .filter(numbers::until.is_null().or(numbers::until.gt(now)))
        .order(numbers::number)
        .select(NumberRow::as_select())
        .load(c)
        .await)
}

/// The first number of the event within the range that is not available.
pub async fn first_taken_in(conn: &mut Conn, event: EventId, range: &NumberRange) -> QueryResult<Option<String>> {
    let (first, last, digits) = bounds(range);
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.between(first.as_str(), last.as_str()))
        .filter(length(numbers::number).eq(digits))
        .filter(numbers::state.ne(NumberState::Available))
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

/// The total of the event's numbers within the range that are not available or barred.
pub async fn count_unavailable_in(conn: &mut Conn, event: EventId, range: &NumberRange) -> QueryResult<i64> {
    let (first, last, digits) = bounds(range);
    let barred =
        restrictions::table.filter(restrictions::target_kind.eq(TargetKind::Number)).select(restrictions::target_id);
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.between(first.as_str(), last.as_str()))
        .filter(length(numbers::number).eq(digits))
        .filter(numbers::state.ne(NumberState::Available).or(numbers::id.eq_any(barred)))
        .count()
        .get_result(c)
        .await)
}

/// The first and the last number of a range with their common length: numbers of other lengths lie between them as text.
fn bounds(range: &NumberRange) -> (Number, Number, i32) {
    (range.first(), range.last(), i32::try_from(range.digits()).unwrap_or(i32::MAX))
}

/// The first number of the event, in service or reserved, that begins with `prefix` or is a prefix of it.
pub async fn first_taken_under(conn: &mut Conn, event: EventId, prefix: &str) -> QueryResult<Option<String>> {
    let bounds = PrefixBounds::new(prefix);
    let shorter: Vec<&str> = (1..prefix.len()).filter_map(|length| prefix.get(..length)).collect();
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.eq_any([NumberState::InService, NumberState::Reserved]))
        .filter(
            numbers::number
                .ge(&bounds.lower)
                .and(numbers::number.lt(&bounds.upper))
                .or(numbers::number.eq_any(&shorter))
        )
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

/// A number of the event that is not available and that is a prefix of `number`, or the other way round.
pub async fn prefix_conflict(conn: &mut Conn, event: EventId, number: &Number) -> QueryResult<Option<String>> {
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

/// Finds taken numbers of an event in the database: not available, or barred.
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

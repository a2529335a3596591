//! Effects of changed events, ranges and permissions on rows of numbers and extensions.
//!
//! Those tables belong to domains above this one. Only this module names them here: a new event copies reservations,
//! ranges and reserved prefixes must not cover numbers in use, and a deleted permission is revoked from its extensions.

use diesel::prelude::{Queryable, Selectable};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use ::restrictions::TargetKind;
use numbering::NumberState;
use numbering::plan::PrefixBounds;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, NumberHistoryId, NumberId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{extension_permissions, extensions, number_history, numbers, restrictions};

diesel::define_sql_function! {
    /// The number of characters of a text.
    fn length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

/// An extension that has a call permission.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = extensions)]
pub struct PermissionHolder {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub slot: i32,
}

impl PermissionHolder {
    /// The feed that contains the extension.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// Lists the extensions that have a permission.
pub(super) async fn permission_holders(
    conn: &mut Conn,
    permission: CallPermissionId,
) -> QueryResult<Vec<PermissionHolder>> {
    query!(conn, |c| extensions::table
        .inner_join(extension_permissions::table.on(extension_permissions::extension_id.eq(extensions::id)))
        .filter(extension_permissions::permission_id.eq(permission))
        .order(extensions::id)
        .select(PermissionHolder::as_select())
        .load(c)
        .await)
}

/// Revokes a permission from all extensions and increments their versions.
pub(super) async fn revoke_permission(
    conn: &mut Conn,
    _: &Permit,
    permission: CallPermissionId,
    now: Timestamp,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::update(extensions::table)
        .filter(
            extensions::id.eq_any(
                extension_permissions::table
                    .filter(extension_permissions::permission_id.eq(permission))
                    .select(extension_permissions::extension_id)
            )
        )
        .set((extensions::version.eq(extensions::version + 1), extensions::updated_at.eq(now)))
        .execute(c)
        .await)?;
    query!(conn, |c| diesel::delete(extension_permissions::table)
        .filter(extension_permissions::permission_id.eq(permission))
        .execute(c)
        .await)?;
    Ok(())
}

/// A reserved number, with the account and the end of the reservation.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = numbers)]
pub struct Reservation {
    pub number: String,
    pub account_id: Option<AccountId>,
    /// `None` for a reservation without end.
    pub until: Option<Timestamp>,
}

/// Lists the reservations of an event that have not expired.
pub(super) async fn active_reservations(
    conn: &mut Conn,
    event: EventId,
    now: Timestamp,
) -> QueryResult<Vec<Reservation>> {
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.eq(NumberState::Reserved))
        .filter(numbers::until.is_null().or(numbers::until.gt(now)))
        .order(numbers::number)
        .select(Reservation::as_select())
        .load(c)
        .await)
}

/// The ids of the rows that a new reservation inserts.
#[derive(Clone, Copy, Debug)]
pub struct ReservationIds {
    pub number: NumberId,
    pub history: NumberHistoryId,
}

/// Inserts a reserved number into an event that has no row for it, with the first entry of its history.
pub(super) async fn insert_reservation(
    conn: &mut Conn,
    permit: &Permit,
    ids: ReservationIds,
    event: EventId,
    reservation: &Reservation,
    now: Timestamp,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::insert_into(numbers::table)
        .values((
            numbers::id.eq(ids.number),
            numbers::event_id.eq(Some(event)),
            numbers::number.eq(&reservation.number),
            numbers::state.eq(NumberState::Reserved),
            numbers::account_id.eq(reservation.account_id),
            numbers::until.eq(reservation.until),
            numbers::version.eq(1),
        ))
        .execute(c)
        .await)?;
    let actor = permit.actor().label();
    query!(conn, |c| diesel::insert_into(number_history::table)
        .values((
            number_history::id.eq(ids.history),
            number_history::number_id.eq(ids.number),
            number_history::at.eq(now),
            number_history::from_state.eq(NumberState::Available),
            number_history::to_state.eq(NumberState::Reserved),
            number_history::account_id.eq(reservation.account_id),
            number_history::actor.eq(&actor),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The first number of the event, from `first` to `last` of the same length, that is not available.
pub(super) async fn first_taken_between(
    conn: &mut Conn,
    event: EventId,
    first: &str,
    last: &str,
) -> QueryResult<Option<String>> {
    let digits = i32::try_from(first.len()).unwrap_or(i32::MAX);
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.between(first, last))
        .filter(length(numbers::number).eq(digits))
        .filter(numbers::state.ne(NumberState::Available))
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

/// Counts the numbers of the event, from `first` to `last` of the same length, that are not available or barred.
pub(super) async fn count_unavailable_between(
    conn: &mut Conn,
    event: EventId,
    first: &str,
    last: &str,
) -> QueryResult<i64> {
    let digits = i32::try_from(first.len()).unwrap_or(i32::MAX);
    let barred =
        restrictions::table.filter(restrictions::target_kind.eq(TargetKind::Number)).select(restrictions::target_id);
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::number.between(first, last))
        .filter(length(numbers::number).eq(digits))
        .filter(numbers::state.ne(NumberState::Available).or(numbers::id.eq_any(barred)))
        .count()
        .get_result(c)
        .await)
}

/// The first number of the event, in service or reserved, that begins with `prefix` or is a prefix of it.
pub(super) async fn first_taken_under(conn: &mut Conn, event: EventId, prefix: &str) -> QueryResult<Option<String>> {
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

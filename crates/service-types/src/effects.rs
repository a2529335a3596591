//! What a change of the configuration does to extensions and numbers that exist.
//!
//! Those rows belong to domains above this one, which must not be imported here. These narrow queries are the exception that
//! the tables know: a schema's change rewrites parameters, a permission that goes leaves its holders, a new event takes over
//! reservations, and a range or a reserved prefix may not lie across numbers that are somebody's.

use diesel::prelude::{Queryable, Selectable};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::sealed::UniqueValue;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, NumberHistoryId, NumberId, ServiceTypeId};
use numbering::plan::continuations;
use numbering::NumberState;
use platform::query;
use ::restrictions::TargetKind;
use platform::store::Conn;
use platform::store::schema::{
    accounts, extension_permissions, extension_unique_values, extensions, number_history, numbers, restrictions,
};
use platform::store::types::JsonValue;

diesel::define_sql_function! {
    /// How many characters a text has.
    fn length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

/// An extension as far as a change of its service type concerns it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = extensions)]
pub struct Affected {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub slot: i32,
    pub number: String,
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

impl Affected {
    /// The feed that shows it.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// What a change of the type makes of an extension's row.
#[derive(Clone, Debug)]
pub struct NewContent {
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

/// All extensions of a service type with their owners' usernames, oldest first.
pub(super) async fn extensions_of_type(
    conn: &mut Conn,
    service_type: ServiceTypeId,
) -> QueryResult<Vec<(Affected, String)>> {
    query!(conn, |c| extensions::table
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(extensions::service_type_id.eq(service_type))
        .order(extensions::id)
        .select((Affected::as_select(), accounts::username))
        .load(c)
        .await)
}

/// The events in which a service type has extensions.
pub(super) async fn events_of_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| extensions::table
        .filter(extensions::service_type_id.eq(service_type))
        .select(extensions::event_id)
        .distinct()
        .load(c)
        .await)
}

/// Writes an extension's new parameters; `changed_at` where they are a new version of it.
pub(super) async fn save_content(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    content: &NewContent,
    changed_at: Option<Timestamp>,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
        .set((
            extensions::parameters.eq(&content.parameters),
            extensions::secrets.eq(&content.secrets),
            extensions::status.eq(&content.status),
        ))
        .execute(c)
        .await)?;
    if let Some(now) = changed_at {
        query!(conn, |c| diesel::update(extensions::table.find(id))
            .set((extensions::version.eq(extensions::version + 1), extensions::updated_at.eq(now)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Gives up the unique values of all extensions of a service type.
pub(super) async fn release_unique_values(conn: &mut Conn, _: &Permit, service_type: ServiceTypeId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(extension_unique_values::table)
        .filter(
            extension_unique_values::extension_id
                .eq_any(extensions::table.filter(extensions::service_type_id.eq(service_type)).select(extensions::id))
        )
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes a unique value for an extension; whether nobody else has it.
pub(super) async fn claim_unique_value(
    conn: &mut Conn,
    _: &Permit,
    extension: ExtensionId,
    unique: &UniqueValue,
) -> QueryResult<bool> {
    let taken = query!(conn, |c| diesel::insert_into(extension_unique_values::table)
        .values((
            extension_unique_values::scope_id.eq(unique.scope),
            extension_unique_values::parameter.eq(&unique.parameter),
            extension_unique_values::value.eq(&unique.value),
            extension_unique_values::extension_id.eq(extension),
        ))
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(taken > 0)
}

/// The extensions that have a permission.
pub(super) async fn holders(conn: &mut Conn, permission: CallPermissionId) -> QueryResult<Vec<Affected>> {
    query!(conn, |c| extensions::table
        .inner_join(extension_permissions::table.on(extension_permissions::extension_id.eq(extensions::id)))
        .filter(extension_permissions::permission_id.eq(permission))
        .order(extensions::id)
        .select(Affected::as_select())
        .load(c)
        .await)
}

/// Takes a permission from all who have it.
pub(super) async fn take_permission(
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

/// A number that is kept for somebody.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = numbers)]
pub struct Reservation {
    pub number: String,
    pub account_id: Option<AccountId>,
    pub until: Option<Timestamp>,
}

/// The reservations of an event that are not over.
pub(super) async fn reservations(conn: &mut Conn, event: EventId, now: Timestamp) -> QueryResult<Vec<Reservation>> {
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.eq(NumberState::Reserved))
        .filter(numbers::until.is_null().or(numbers::until.gt(now)))
        .order(numbers::number)
        .select(Reservation::as_select())
        .load(c)
        .await)
}

/// Reserves an untouched number of an event, with the first step of its history.
pub(super) async fn reserve(
    conn: &mut Conn,
    permit: &Permit,
    (id, step): (NumberId, NumberHistoryId),
    event: EventId,
    reservation: &Reservation,
    now: Timestamp,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::insert_into(numbers::table)
        .values((
            numbers::id.eq(id),
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
            number_history::id.eq(step),
            number_history::number_id.eq(id),
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

/// A number of the event that is somebody's (not available) and lies between two numbers of the same length.
pub(super) async fn taken_between(
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

/// How many numbers between two of the same length nobody can register: somebody has them, or they are barred.
pub(super) async fn count_unavailable(conn: &mut Conn, event: EventId, first: &str, last: &str) -> QueryResult<i64> {
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

/// A number of the event that begins with `prefix`, or with which `prefix` begins, and that is in service or reserved.
pub(super) async fn promised_under(conn: &mut Conn, event: EventId, prefix: &str) -> QueryResult<Option<String>> {
    let (from, before) = continuations(prefix);
    let shorter: Vec<&str> = (1..prefix.len()).filter_map(|length| prefix.get(..length)).collect();
    query!(conn, |c| numbers::table
        .filter(numbers::event_id.eq(event))
        .filter(numbers::state.eq_any([NumberState::InService, NumberState::Reserved]))
        .filter(numbers::number.ge(&from).and(numbers::number.lt(&before)).or(numbers::number.eq_any(&shorter)))
        .order(numbers::number)
        .select(numbers::number)
        .first(c)
        .await
        .optional())
}

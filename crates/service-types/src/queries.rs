//! What an admin configures, in the database.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{CallPermission, Event, NumberRange, ServiceType};
use platform::access::Permit;
use platform::ids::{CallPermissionId, EventId, NumberRangeId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{
    call_permissions, doorbell, event_service_types, events, number_ranges, range_service_types, service_types,
};

/// An event by its slug.
pub async fn event_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Event>> {
    query!(conn, |c| events::table
        .filter(events::slug.eq(slug))
        .select(Event::as_select())
        .get_result(c)
        .await
        .optional())
}

/// An event by its id.
pub async fn event_by_id(conn: &mut Conn, id: EventId) -> QueryResult<Option<Event>> {
    query!(conn, |c| events::table.find(id).select(Event::as_select()).get_result(c).await.optional())
}

/// All events, oldest first.
pub async fn all_events(conn: &mut Conn) -> QueryResult<Vec<Event>> {
    query!(conn, |c| events::table.order(events::id).select(Event::as_select()).load(c).await)
}

/// A service type by its slug.
pub async fn service_type_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<ServiceType>> {
    query!(conn, |c| service_types::table
        .filter(service_types::slug.eq(slug))
        .select(ServiceType::as_select())
        .get_result(c)
        .await
        .optional())
}

/// A service type by its id.
pub async fn service_type_by_id(conn: &mut Conn, id: ServiceTypeId) -> QueryResult<Option<ServiceType>> {
    query!(conn, |c| service_types::table.find(id).select(ServiceType::as_select()).get_result(c).await.optional())
}

/// All service types by slug, retired ones too.
pub async fn all_service_types(conn: &mut Conn) -> QueryResult<Vec<ServiceType>> {
    query!(conn, |c| service_types::table.order(service_types::slug).select(ServiceType::as_select()).load(c).await)
}

/// What may be registered in an event, by slug.
pub async fn service_types_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<ServiceType>> {
    query!(conn, |c| service_types::table
        .inner_join(event_service_types::table.on(event_service_types::service_type_id.eq(service_types::id)))
        .filter(event_service_types::event_id.eq(event))
        .order(service_types::slug)
        .select(ServiceType::as_select())
        .load(c)
        .await)
}

/// Whether the service type may be registered in the event.
pub async fn event_offers(conn: &mut Conn, event: EventId, service_type: ServiceTypeId) -> QueryResult<bool> {
    let found: Option<EventId> = query!(conn, |c| event_service_types::table
        .find((event, service_type))
        .select(event_service_types::event_id)
        .get_result(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// The ranges of an event, by first number.
pub async fn ranges_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<NumberRange>> {
    query!(conn, |c| number_ranges::table
        .filter(number_ranges::event_id.eq(event))
        .order((number_ranges::first, number_ranges::id))
        .select(NumberRange::as_select())
        .load(c)
        .await)
}

/// A range by its id.
pub async fn range_by_id(conn: &mut Conn, id: NumberRangeId) -> QueryResult<Option<NumberRange>> {
    query!(conn, |c| number_ranges::table.find(id).select(NumberRange::as_select()).get_result(c).await.optional())
}

/// To which service types the ranges of an event are limited; a range without any is open to all.
pub async fn range_limits(conn: &mut Conn, event: EventId) -> QueryResult<Vec<(NumberRangeId, ServiceTypeId)>> {
    query!(conn, |c| range_service_types::table
        .inner_join(number_ranges::table.on(number_ranges::id.eq(range_service_types::range_id)))
        .filter(number_ranges::event_id.eq(event))
        .select((range_service_types::range_id, range_service_types::service_type_id))
        .load(c)
        .await)
}

/// All call permissions, by slug.
pub async fn all_permissions(conn: &mut Conn) -> QueryResult<Vec<CallPermission>> {
    query!(conn, |c| call_permissions::table
        .order(call_permissions::slug)
        .select(CallPermission::as_select())
        .load(c)
        .await)
}

/// The permissions with these slugs.
pub async fn permissions_by_slugs(conn: &mut Conn, slugs: &[String]) -> QueryResult<Vec<CallPermission>> {
    query!(conn, |c| call_permissions::table
        .filter(call_permissions::slug.eq_any(slugs))
        .select(CallPermission::as_select())
        .load(c)
        .await)
}

/// A permission by its id.
pub async fn permission_by_id(conn: &mut Conn, id: CallPermissionId) -> QueryResult<Option<CallPermission>> {
    query!(conn, |c| call_permissions::table
        .find(id)
        .select(CallPermission::as_select())
        .get_result(c)
        .await
        .optional())
}

pub(super) async fn insert_event(conn: &mut Conn, _: &Permit, event: &Event) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(events::table).values(event).execute(c).await)?;
    Ok(())
}

pub(super) async fn save_event(conn: &mut Conn, _: &Permit, event: &Event) -> QueryResult<()> {
    query!(conn, |c| diesel::update(events::table.find(event.id))
        .set((
            events::name.eq(&event.name),
            events::phase.eq(event.phase),
            events::starts_at.eq(event.starts_at),
            events::ends_at.eq(event.ends_at),
            events::time_zone.eq(&event.time_zone),
            events::hold_seconds.eq(event.hold_seconds),
            events::reserved_prefixes.eq(&event.reserved_prefixes),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces what may be registered in an event.
pub(super) async fn offer(conn: &mut Conn, _: &Permit, event: EventId, types: &[ServiceTypeId]) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(event_service_types::table.filter(event_service_types::event_id.eq(event)))
        .execute(c)
        .await)?;
    for service_type in types {
        query!(conn, |c| diesel::insert_into(event_service_types::table)
            .values((event_service_types::event_id.eq(event), event_service_types::service_type_id.eq(service_type)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

pub(super) async fn insert_range(conn: &mut Conn, _: &Permit, range: &NumberRange) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(number_ranges::table).values(range).execute(c).await)?;
    Ok(())
}

pub(super) async fn save_range(conn: &mut Conn, _: &Permit, range: &NumberRange) -> QueryResult<()> {
    query!(conn, |c| diesel::update(number_ranges::table.find(range.id))
        .set((number_ranges::label.eq(&range.label), number_ranges::privileged.eq(range.privileged)))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn delete_range(conn: &mut Conn, _: &Permit, id: NumberRangeId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(number_ranges::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Replaces the service types that a range is limited to.
pub(super) async fn limit_range(
    conn: &mut Conn,
    _: &Permit,
    range: NumberRangeId,
    types: &[ServiceTypeId],
) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(range_service_types::table.filter(range_service_types::range_id.eq(range)))
        .execute(c)
        .await)?;
    for service_type in types {
        query!(conn, |c| diesel::insert_into(range_service_types::table)
            .values((range_service_types::range_id.eq(range), range_service_types::service_type_id.eq(service_type)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

pub(super) async fn insert_service_type(conn: &mut Conn, _: &Permit, row: &ServiceType) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(service_types::table).values(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn save_service_type(conn: &mut Conn, _: &Permit, row: &ServiceType) -> QueryResult<()> {
    query!(conn, |c| diesel::update(service_types::table.find(row.id))
        .set((
            service_types::name.eq(&row.name),
            service_types::description.eq(&row.description),
            service_types::instructions.eq(&row.instructions),
            service_types::parameter_schema.eq(&row.parameter_schema),
            service_types::schema_version.eq(row.schema_version),
            service_types::privileged.eq(row.privileged),
            service_types::group_capable.eq(row.group_capable),
            service_types::quota.eq(row.quota),
            service_types::member_limit.eq(row.member_limit),
            service_types::retired.eq(row.retired),
            service_types::settings.eq(&row.settings),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn insert_permission(conn: &mut Conn, _: &Permit, row: &CallPermission) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(call_permissions::table).values(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn save_permission(conn: &mut Conn, _: &Permit, row: &CallPermission) -> QueryResult<()> {
    query!(conn, |c| diesel::update(call_permissions::table.find(row.id))
        .set((
            call_permissions::name.eq(&row.name),
            call_permissions::description.eq(&row.description),
            call_permissions::highlights_in_directory.eq(row.highlights_in_directory),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn delete_permission(conn: &mut Conn, _: &Permit, id: CallPermissionId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(call_permissions::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Counts the catalogue's revision up: instances compare it after a missed doorbell.
pub(super) async fn bump_catalogue(conn: &mut Conn) -> QueryResult<()> {
    query!(conn, |c| diesel::update(doorbell::table.find("catalogue"))
        .set(doorbell::revision.eq(doorbell::revision + 1))
        .execute(c)
        .await)?;
    Ok(())
}

/// The catalogue's revision.
pub async fn catalogue_revision(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| doorbell::table.find("catalogue").select(doorbell::revision).get_result(c).await)
}

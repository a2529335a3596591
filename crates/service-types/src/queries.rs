//! Queries of service types, of the events that offer them and of the ranges that are limited to them.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{RangeLimit, ServiceType};
use platform::access::Permit;
use platform::ids::{EventId, NumberRangeId, ServiceTypeId};
use platform::query;
use platform::store::schema::{event_service_types, number_ranges, range_service_types, service_types};
use platform::store::{Conn, sought};

/// A service type by its slug.
pub async fn service_type_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<ServiceType>> {
    query!(conn, |c| service_types::table
        .filter(service_types::slug.eq(sought(slug)))
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

/// The service types that an event offers, by slug.
pub async fn service_types_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<ServiceType>> {
    query!(conn, |c| service_types::table
        .inner_join(event_service_types::table.on(event_service_types::service_type_id.eq(service_types::id)))
        .filter(event_service_types::event_id.eq(event))
        .order(service_types::slug)
        .select(ServiceType::as_select())
        .load(c)
        .await)
}

/// Whether the event offers the service type.
pub async fn event_offers(conn: &mut Conn, event: EventId, service_type: ServiceTypeId) -> QueryResult<bool> {
    let found: Option<EventId> = query!(conn, |c| event_service_types::table
        .find((event, service_type))
        .select(event_service_types::event_id)
        .get_result(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// The service types that the ranges of an event are limited to; a range without a row is open to all.
pub async fn range_limits(conn: &mut Conn, event: EventId) -> QueryResult<Vec<RangeLimit>> {
    query!(conn, |c| range_service_types::table
        .inner_join(number_ranges::table.on(number_ranges::id.eq(range_service_types::range_id)))
        .filter(number_ranges::event_id.eq(event))
        .select(RangeLimit::as_select())
        .load(c)
        .await)
}

/// Replaces the service types that an event offers.
pub(super) async fn replace_offers(
    conn: &mut Conn,
    _: &Permit,
    event: EventId,
    types: &[ServiceTypeId],
) -> QueryResult<()> {
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

/// Replaces the service types that a range is limited to.
pub(super) async fn replace_range_limits(
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

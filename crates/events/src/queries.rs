//! Queries of events, number ranges and call permissions.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use platform::access::Permit;
use platform::ids::{CallPermissionId, EventId, NumberRangeId};
use platform::query;
use platform::store::schema::{call_permissions, events, number_ranges};
use platform::store::{Conn, sought};

use super::model::{CallPermission, Event, EventPhase, NumberRange};

/// An event by its slug.
pub async fn event_by_slug(conn: &mut Conn, slug: &str) -> QueryResult<Option<Event>> {
    query!(conn, |c| events::table
        .filter(events::slug.eq(sought(slug)))
        .select(Event::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The ids of the draft events.
pub async fn draft_events(conn: &mut Conn) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| events::table.filter(events::phase.eq(EventPhase::Draft)).select(events::id).load(c).await)
}

/// An event by its id.
pub async fn event_by_id(conn: &mut Conn, id: EventId) -> QueryResult<Option<Event>> {
    query!(conn, |c| events::table.find(id).select(Event::as_select()).get_result(c).await.optional())
}

/// All events, oldest first.
pub async fn all_events(conn: &mut Conn) -> QueryResult<Vec<Event>> {
    query!(conn, |c| events::table.order(events::id).select(Event::as_select()).load(c).await)
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

/// All call permissions, by slug.
pub async fn all_permissions(conn: &mut Conn) -> QueryResult<Vec<CallPermission>> {
    query!(conn, |c| call_permissions::table
        .order(call_permissions::slug)
        .select(CallPermission::as_select())
        .load(c)
        .await)
}

/// The call permissions with these slugs.
pub async fn permissions_by_slugs(conn: &mut Conn, slugs: &[String]) -> QueryResult<Vec<CallPermission>> {
    let slugs: Vec<_> = slugs.iter().map(|slug| sought(slug)).collect();
    query!(conn, |c| call_permissions::table
        .filter(call_permissions::slug.eq_any(&slugs))
        .select(CallPermission::as_select())
        .load(c)
        .await)
}

/// A call permission by its id.
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

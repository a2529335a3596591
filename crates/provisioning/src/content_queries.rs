//! What an extension shows in its feed, read in bulk from the tables of the domains that own it.
//!
//! Every function names the ids of a whole page; none is called once for each extension.

use diesel::prelude::{Queryable, Selectable};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::Place;
use super::queries::CHUNK;
use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use ::extensions::visibility::Visibility;
use platform::ids::{AccountId, EventId, ExtensionId, NumberId, ServiceTypeId};
use platform::query;
use service_types::{ServiceBehaviour};
use platform::store::Conn;
use platform::store::schema::{
    accounts, call_permissions, events, extension_permissions, extension_unique_values, extensions, group_members,
    numbers, service_types as types,
};
use platform::store::types::{Id, JsonText};

/// The phase in which an event's feeds are closed.
const ARCHIVED: &str = "ARCHIVED";
const ACTIVE: &str = "ACTIVE";

/// An extension's own row, as far as the feed shows it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = extensions)]
pub struct ExtensionRow {
    pub id: ExtensionId,
    pub owner_id: AccountId,
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub visibility: Visibility,
    pub parameters: JsonText,
    pub secrets: Option<Vec<u8>>,
    pub fallback_extension_id: Option<ExtensionId>,
    pub fallback_number: Option<String>,
    pub updated_at: Timestamp,
}

/// A member of a call group, with what is asked about it.
#[derive(Queryable)]
pub struct MemberRow {
    pub group: ExtensionId,
    pub extension: ExtensionId,
    pub owner: AccountId,
    pub number: String,
    pub delay_seconds: i32,
    pub paused: bool,
}

/// The ids of an event and a service type by their slugs, if both are there.
pub async fn ids_by_slug(
    conn: &mut Conn,
    event: &str,
    service_type: &str,
) -> QueryResult<Option<(EventId, ServiceTypeId)>> {
    let event: Option<EventId> = query!(conn, |c| events::table
        .filter(events::slug.eq(event))
        .select(events::id)
        .get_result(c)
        .await
        .optional())?;
    let Some(event) = event else { return Ok(None) };
    let service_type: Option<ServiceTypeId> = query!(conn, |c| types::table
        .filter(types::slug.eq(service_type))
        .select(types::id)
        .get_result(c)
        .await
        .optional())?;
    Ok(service_type.map(|service_type| (event, service_type)))
}

/// Whether the event is archived; `None` for one that is not there.
pub async fn is_archived(conn: &mut Conn, event: EventId) -> QueryResult<Option<bool>> {
    let phase: Option<String> =
        query!(conn, |c| events::table.find(event).select(events::phase).get_result(c).await.optional())?;
    Ok(phase.map(|phase| phase == ARCHIVED))
}

/// The event and the service type of a feed.
///
/// # Errors
/// When the database refuses, or either is not there.
pub async fn place(conn: &mut Conn, event: EventId, service_type: ServiceTypeId) -> Result<Place, Error> {
    let (event_slug, phase): (String, String) =
        query!(conn, |c| events::table.find(event).select((events::slug, events::phase)).get_result(c).await)?;
    let row = service_types::service_type_by_id(conn, service_type).await?;
    let row = row.ok_or_else(|| InternalError::new("a feed of a service type that is not there"))?;
    Ok(Place {
        event,
        event_slug,
        archived: phase == ARCHIVED,
        service_type,
        is_group: row.behaviour == ServiceBehaviour::CallGroup,
        schema: service_types::compiled(&row)?,
        schema_version: row.schema_version,
        service_type_slug: row.slug,
        service_type_name: row.name,
        settings: row.settings.0,
    })
}

/// The extensions with their owners' names, in no order.
pub async fn extensions_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionRow, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let some: Vec<(ExtensionRow, String)> = query!(conn, |c| extensions::table
            .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
            .filter(extensions::id.eq_any(ids))
            .select((ExtensionRow::as_select(), accounts::username))
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// The numbers of these extensions.
pub async fn numbers_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let some: Vec<(ExtensionId, String)> = query!(conn, |c| extensions::table
            .filter(extensions::id.eq_any(ids))
            .select((extensions::id, extensions::number))
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// The slugs of the extensions' call permissions, by slug.
pub async fn permissions_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    let mut found = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let some: Vec<(ExtensionId, String)> = query!(conn, |c| extension_permissions::table
            .inner_join(call_permissions::table.on(call_permissions::id.eq(extension_permissions::permission_id)))
            .filter(extension_permissions::extension_id.eq_any(ids))
            .order(call_permissions::slug)
            .select((extension_permissions::extension_id, call_permissions::slug))
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// The members of these groups who have accepted, in the order in which they ring.
pub async fn members_of(conn: &mut Conn, groups: &[ExtensionId]) -> QueryResult<Vec<MemberRow>> {
    let mut found = Vec::new();
    for ids in groups.chunks(CHUNK) {
        let some: Vec<MemberRow> = query!(conn, |c| group_members::table
            .inner_join(extensions::table.on(extensions::id.eq(group_members::member_id)))
            .filter(group_members::group_id.eq_any(ids))
            .filter(group_members::membership.eq(ACTIVE))
            .order((group_members::delay_seconds, extensions::number))
            .select((
                group_members::group_id,
                extensions::id,
                extensions::owner_id,
                extensions::number,
                group_members::delay_seconds,
                group_members::paused,
            ))
            .load(c)
            .await)?;
        found.extend(some);
    }
    Ok(found)
}

/// The rows of these numbers on the event's plan, and of those among them that are the world's.
pub async fn number_rows(conn: &mut Conn, event: EventId, of: &[&str]) -> QueryResult<Vec<(NumberId, String)>> {
    let (world, local): (Vec<&str>, Vec<&str>) = of.iter().partition(|number| number.starts_with('+'));
    let mut found = Vec::with_capacity(of.len());
    for some in local.chunks(CHUNK) {
        let rows: Vec<(NumberId, String)> = query!(conn, |c| numbers::table
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(some))
            .select((numbers::id, numbers::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    for some in world.chunks(CHUNK) {
        let rows: Vec<(NumberId, String)> = query!(conn, |c| numbers::table
            .filter(numbers::event_id.is_null())
            .filter(numbers::number.eq_any(some))
            .select((numbers::id, numbers::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The numbers of these rows, as far as they are on the event's plan or the world's.
pub async fn numbers_by_id(conn: &mut Conn, event: EventId, ids: &[NumberId]) -> QueryResult<Vec<(NumberId, String)>> {
    query!(conn, |c| numbers::table
        .filter(numbers::id.eq_any(ids))
        .filter(numbers::event_id.eq(event).or(numbers::event_id.is_null()))
        .select((numbers::id, numbers::number))
        .load(c)
        .await)
}

/// Who in the feed holds these numbers.
pub async fn holders_of_numbers(
    conn: &mut Conn,
    event: EventId,
    service_type: ServiceTypeId,
    of: &[&str],
) -> QueryResult<Vec<(String, ExtensionId)>> {
    let mut found = Vec::new();
    for some in of.chunks(CHUNK) {
        let rows: Vec<(String, ExtensionId)> = query!(conn, |c| extensions::table
            .filter(extensions::event_id.eq(event))
            .filter(extensions::number.eq_any(some))
            .filter(extensions::service_type_id.eq(service_type))
            .select((extensions::number, extensions::id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Who in the feed holds these values of unique parameters: parameter, value, holder.
pub async fn holders_of_values(
    conn: &mut Conn,
    event: EventId,
    service_type: ServiceTypeId,
    of: &[&str],
) -> QueryResult<Vec<(String, String, ExtensionId)>> {
    let scopes = [Id(event.0), Id(service_type.0)];
    let mut found = Vec::new();
    for some in of.chunks(CHUNK) {
        let rows: Vec<(String, String, ExtensionId)> = query!(conn, |c| extension_unique_values::table
            .inner_join(extensions::table.on(extensions::id.eq(extension_unique_values::extension_id)))
            .filter(extension_unique_values::scope_id.eq_any(&scopes))
            .filter(extension_unique_values::value.eq_any(some))
            .filter(extensions::event_id.eq(event).and(extensions::service_type_id.eq(service_type)))
            .select((extension_unique_values::parameter, extension_unique_values::value, extensions::id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

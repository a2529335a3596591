//! Extensions in the database.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::many;
use super::model::Extension;
use crate::access::{Permit, Scope};
use crate::changes::FeedRef;
use crate::ids::{AccountId, CallPermissionId, EventId, ExtensionId, ServiceTypeId};
use crate::query;
use crate::store::Conn;
use crate::store::schema::{
    directory_terms, events, extension_permissions, extension_unique_values, extensions, group_members,
};
use crate::store::types::Id;

/// The extension of an event's number, if it is in scope.
pub async fn by_number(conn: &mut Conn, scope: &Scope, event: EventId, number: &str) -> QueryResult<Option<Extension>> {
    let found: Option<Extension> = query!(conn, c => extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::number.eq(number))
        .select(Extension::as_select())
        .first(c)
        .await
        .optional())?;
    Ok(found.filter(|row| scope.covers(row.owner_id, row.event_id, row.service_type_id)))
}

/// The extension of this id, if it is in scope.
pub async fn by_id(conn: &mut Conn, scope: &Scope, id: ExtensionId) -> QueryResult<Option<Extension>> {
    let found: Option<Extension> =
        query!(conn, c => extensions::table.find(id).select(Extension::as_select()).first(c).await.optional())?;
    Ok(found.filter(|row| scope.covers(row.owner_id, row.event_id, row.service_type_id)))
}

/// Which extensions a list is of.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub event: Option<EventId>,
    pub owner: Option<AccountId>,
    pub service_type: Option<ServiceTypeId>,
    /// The beginning of the number.
    pub number_prefix: Option<String>,
}

macro_rules! filtered {
    ($rows:expr, $filter:expr) => {{
        let mut rows = $rows.into_boxed();
        if let Some(event) = $filter.event {
            rows = rows.filter(extensions::event_id.eq(event));
        }
        if let Some(owner) = $filter.owner {
            rows = rows.filter(extensions::owner_id.eq(owner));
        }
        if let Some(service_type) = $filter.service_type {
            rows = rows.filter(extensions::service_type_id.eq(service_type));
        }
        if let Some(prefix) = &$filter.number_prefix {
            rows = rows.filter(extensions::number.ge(prefix)).filter(extensions::number.lt(format!("{prefix}:")));
        }
        rows
    }};
}

/// A page of extensions by id.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<ExtensionId>,
    limit: i64,
) -> QueryResult<Vec<Extension>> {
    query!(conn, c => {
        let mut rows = filtered!(extensions::table.select(Extension::as_select()), filter);
        if let Some(after) = after {
            rows = rows.filter(extensions::id.gt(after));
        }
        rows.order(extensions::id).limit(limit).load(c).await
    })
}

/// How many extensions the list has on all pages.
pub async fn count(conn: &mut Conn, filter: &Filter) -> QueryResult<i64> {
    query!(conn, c => filtered!(extensions::table.count(), filter).get_result(c).await)
}

/// How many extensions of a type a user holds in an event.
pub async fn count_held(
    conn: &mut Conn,
    owner: AccountId,
    event: EventId,
    service_type: ServiceTypeId,
) -> QueryResult<i64> {
    query!(conn, c => extensions::table
        .filter(extensions::owner_id.eq(owner))
        .filter(extensions::event_id.eq(event))
        .filter(extensions::service_type_id.eq(service_type))
        .count()
        .get_result(c)
        .await)
}

/// Takes the next slots of an event, and gives the first of them.
pub async fn take_slots(conn: &mut Conn, _: &Permit, event: EventId, wanted: i32) -> QueryResult<i32> {
    let next: i32 = query!(conn, c => diesel::update(events::table.find(event))
        .set(events::next_slot.eq(events::next_slot + wanted))
        .returning(events::next_slot)
        .get_result(c)
        .await)?;
    Ok(next - wanted)
}

pub(super) async fn insert(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, c => diesel::insert_into(extensions::table).values(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn save(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, c => diesel::update(extensions::table.find(row.id)).set(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, _: &Permit, id: ExtensionId) -> QueryResult<()> {
    query!(conn, c => diesel::delete(group_members::table.filter(group_members::member_id.eq(id))).execute(c).await)?;
    query!(conn, c => diesel::delete(group_members::table.filter(group_members::group_id.eq(id))).execute(c).await)?;
    query!(conn, c => diesel::delete(extensions::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Replaces the words by which the directory finds the extension.
pub(super) async fn index(conn: &mut Conn, permit: &Permit, row: &Extension, is_new: bool) -> QueryResult<()> {
    if !is_new {
        query!(conn, c => diesel::delete(directory_terms::table.filter(directory_terms::extension_id.eq(row.id))).execute(c).await)?;
    }
    many::index_all(conn, permit, std::slice::from_ref(row)).await
}

/// Who bears a unique value in its scope.
pub(super) async fn bearer_of(
    conn: &mut Conn,
    scope: Id,
    parameter: &str,
    value: &str,
) -> QueryResult<Option<ExtensionId>> {
    query!(conn, c => extension_unique_values::table
        .find((scope, parameter, value))
        .select(extension_unique_values::extension_id)
        .first(c)
        .await
        .optional())
}

/// Replaces the unique values of an extension: (scope, parameter, value).
pub(super) async fn set_unique_values(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    values: &[(Id, String, String)],
) -> QueryResult<()> {
    query!(conn, c => diesel::delete(extension_unique_values::table.filter(extension_unique_values::extension_id.eq(id))).execute(c).await)?;
    for (scope, parameter, value) in values {
        query!(conn, c => diesel::insert_into(extension_unique_values::table)
            .values((
                extension_unique_values::scope_id.eq(scope),
                extension_unique_values::parameter.eq(parameter),
                extension_unique_values::value.eq(value),
                extension_unique_values::extension_id.eq(id),
            ))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// The permissions of an extension.
pub async fn permissions_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<CallPermissionId>> {
    query!(conn, c => extension_permissions::table
        .filter(extension_permissions::extension_id.eq(id))
        .select(extension_permissions::permission_id)
        .load(c)
        .await)
}

/// Replaces the permissions of an extension.
pub(super) async fn set_permissions(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    permissions: &[CallPermissionId],
) -> QueryResult<()> {
    query!(conn, c => diesel::delete(extension_permissions::table.filter(extension_permissions::extension_id.eq(id))).execute(c).await)?;
    for permission in permissions {
        query!(conn, c => diesel::insert_into(extension_permissions::table)
            .values((extension_permissions::extension_id.eq(id), extension_permissions::permission_id.eq(permission)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// An extension in its feed.
pub struct Shown {
    pub extension: ExtensionId,
    pub feed: FeedRef,
    pub slot: i32,
}

type ShownRow = (ExtensionId, EventId, ServiceTypeId, i32);

/// The groups that ring the extension, and the extensions whose fallback it is: their entries show it.
pub async fn shown_by(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<Shown>> {
    let groups: Vec<ShownRow> = query!(conn, c => extensions::table
        .inner_join(group_members::table.on(group_members::group_id.eq(extensions::id)))
        .filter(group_members::member_id.eq(id))
        .filter(group_members::membership.eq("ACTIVE"))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let fallbacks: Vec<ShownRow> = query!(conn, c => extensions::table
        .filter(extensions::fallback_extension_id.eq(id))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let shown =
        |(extension, event, service_type, slot)| Shown { extension, feed: FeedRef { event, service_type }, slot };
    Ok(groups.into_iter().chain(fallbacks).map(shown).collect())
}

/// Sets where calls go: an extension, or a number outside.
pub(super) async fn set_fallback(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    extension: Option<ExtensionId>,
    number: Option<&str>,
) -> QueryResult<()> {
    query!(conn, c => diesel::update(extensions::table.find(id))
        .set((extensions::fallback_extension_id.eq(extension), extensions::fallback_number.eq(number)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Clears the fallbacks that refer to the extension.
pub(super) async fn clear_fallbacks_to(conn: &mut Conn, _: &Permit, id: ExtensionId) -> QueryResult<()> {
    query!(conn, c => diesel::update(extensions::table.filter(extensions::fallback_extension_id.eq(id)))
        .set(extensions::fallback_extension_id.eq(None::<ExtensionId>))
        .execute(c)
        .await)?;
    Ok(())
}

/// The number of an extension, whoever owns it: for showing a fallback.
pub async fn number_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<String>> {
    query!(conn, c => extensions::table.find(id).select(extensions::number).first(c).await.optional())
}

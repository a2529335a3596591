//! Queries over extensions.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use platform::access::{Permit, Scope};
use platform::clock::Timestamp;
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::schema::{
    directory_terms, events, extension_permissions, extension_unique_values, extensions, group_members,
};
use platform::store::{Conn, sought};
use service_types::unique_values::UniqueValue;

use super::bulk_queries;
use super::model::Extension;

/// The membership of an extension whose owner has accepted the invitation.
const ACTIVE: &str = "ACTIVE";
/// The membership of an extension whose owner is invited.
const PENDING: &str = "PENDING";

/// The extension of an event's number, if it is in scope.
pub async fn by_number(conn: &mut Conn, scope: &Scope, event: EventId, number: &str) -> QueryResult<Option<Extension>> {
    let found: Option<Extension> = query!(conn, |c| extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::number.eq(sought(number)))
        .select(Extension::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(found.filter(|row| scope.covers(row.owner_id, row.event_id, row.service_type_id)))
}

/// The extension of a number of the event of this slug, if it is in scope.
pub async fn by_slug_and_number(
    conn: &mut Conn,
    scope: &Scope,
    event: &str,
    number: &str,
) -> QueryResult<Option<Extension>> {
    let found: Option<Extension> = query!(conn, |c| extensions::table
        .inner_join(events::table.on(events::id.eq(extensions::event_id)))
        .filter(events::slug.eq(sought(event)))
        .filter(extensions::number.eq(sought(number)))
        .select(Extension::as_select())
        .get_result(c)
        .await
        .optional())?;
    Ok(found.filter(|row| scope.covers(row.owner_id, row.event_id, row.service_type_id)))
}

/// The extension of this id, if it is in scope.
pub async fn by_id(conn: &mut Conn, scope: &Scope, id: ExtensionId) -> QueryResult<Option<Extension>> {
    let found: Option<Extension> =
        query!(conn, |c| extensions::table.find(id).select(Extension::as_select()).get_result(c).await.optional())?;
    Ok(found.filter(|row| scope.covers(row.owner_id, row.event_id, row.service_type_id)))
}

/// Every extension of an owner, by id.
pub async fn of_owner(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<Extension>> {
    query!(conn, |c| extensions::table
        .filter(extensions::owner_id.eq(owner))
        .order(extensions::id)
        .select(Extension::as_select())
        .load(c)
        .await)
}

/// The number of extensions that an account owns of a service type in an event.
pub async fn count_of_owner(
    conn: &mut Conn,
    owner: AccountId,
    event: EventId,
    service_type: ServiceTypeId,
) -> QueryResult<i64> {
    query!(conn, |c| extensions::table
        .filter(extensions::owner_id.eq(owner))
        .filter(extensions::event_id.eq(event))
        .filter(extensions::service_type_id.eq(service_type))
        .count()
        .get_result(c)
        .await)
}

/// Allocates the next slot of an event.
pub async fn next_slot(conn: &mut Conn, _: &Permit, event: EventId) -> QueryResult<i32> {
    let next: i32 = query!(conn, |c| diesel::update(events::table.find(event))
        .set(events::next_slot.eq(events::next_slot + 1))
        .returning(events::next_slot)
        .get_result(c)
        .await)?;
    Ok(next - 1)
}

/// Inserts an extension.
pub(super) async fn insert(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(extensions::table).values(row).execute(c).await)?;
    Ok(())
}

/// Updates an extension.
pub async fn save(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, |c| diesel::update(extensions::table.find(row.id)).set(row).execute(c).await)?;
    Ok(())
}

/// Deletes an extension with its memberships and members.
pub(super) async fn delete(conn: &mut Conn, _: &Permit, id: ExtensionId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(group_members::table.filter(group_members::member_id.eq(id))).execute(c).await)?;
    query!(conn, |c| diesel::delete(group_members::table.filter(group_members::group_id.eq(id))).execute(c).await)?;
    query!(conn, |c| diesel::delete(extensions::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Replaces the search terms of an extension in the directory.
pub async fn index(conn: &mut Conn, permit: &Permit, row: &Extension, is_new: bool) -> QueryResult<()> {
    if !is_new {
        query!(conn, |c| diesel::delete(directory_terms::table.filter(directory_terms::extension_id.eq(row.id)))
            .execute(c)
            .await)?;
    }
    bulk_queries::index_all(conn, permit, std::slice::from_ref(row)).await
}

/// The extension that has a unique value in its scope.
pub(super) async fn holder_of_value(conn: &mut Conn, value: &UniqueValue) -> QueryResult<Option<ExtensionId>> {
    query!(conn, |c| extension_unique_values::table
        .find((value.scope, &value.parameter, &value.value))
        .select(extension_unique_values::extension_id)
        .get_result(c)
        .await
        .optional())
}

/// Replaces the unique values of an extension. Returns the parameter whose value another extension has, if any; the caller
/// then rolls the transaction back. Values that are unique across events are decided by the insertion, since writers of
/// different events do not share a lock.
pub async fn set_unique_values(
    conn: &mut Conn,
    permit: &Permit,
    id: ExtensionId,
    values: &[UniqueValue],
) -> QueryResult<Option<String>> {
    query!(&mut *conn, |c| diesel::delete(
        extension_unique_values::table.filter(extension_unique_values::extension_id.eq(id))
    )
    .execute(c)
    .await)?;
    insert_unique_values(conn, permit, id, values).await
}

/// Inserts unique values of an extension. Returns the parameter whose value another extension has, if any.
pub(super) async fn insert_unique_values(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    values: &[UniqueValue],
) -> QueryResult<Option<String>> {
    for UniqueValue { scope, parameter, value } in values {
        let inserted = query!(conn, |c| diesel::insert_into(extension_unique_values::table)
            .values((
                extension_unique_values::scope_id.eq(scope),
                extension_unique_values::parameter.eq(parameter),
                extension_unique_values::value.eq(value),
                extension_unique_values::extension_id.eq(id),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await)?;
        if inserted == 0 {
            return Ok(Some(parameter.clone()));
        }
    }
    Ok(None)
}

/// Deletes the unique values of all extensions of a service type.
pub(super) async fn delete_unique_values_of_type(
    conn: &mut Conn,
    _: &Permit,
    service_type: ServiceTypeId,
) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(extension_unique_values::table)
        .filter(
            extension_unique_values::extension_id
                .eq_any(extensions::table.filter(extensions::service_type_id.eq(service_type)).select(extensions::id))
        )
        .execute(c)
        .await)?;
    Ok(())
}

/// The call permissions of an extension.
pub async fn permissions_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<CallPermissionId>> {
    query!(conn, |c| extension_permissions::table
        .filter(extension_permissions::extension_id.eq(id))
        .select(extension_permissions::permission_id)
        .load(c)
        .await)
}

/// Replaces the call permissions of an extension.
pub async fn set_permissions(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    permissions: &[CallPermissionId],
) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(extension_permissions::table.filter(extension_permissions::extension_id.eq(id)))
        .execute(c)
        .await)?;
    for permission in permissions {
        query!(conn, |c| diesel::insert_into(extension_permissions::table)
            .values((extension_permissions::extension_id.eq(id), extension_permissions::permission_id.eq(permission)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Revokes a call permission from all extensions and increments their versions.
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

/// Clears the fallbacks to the extension and increments the versions of the extensions that had them.
pub(super) async fn clear_fallbacks_to(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    now: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(extensions::table.filter(extensions::fallback_extension_id.eq(id)))
        .set((
            extensions::fallback_extension_id.eq(None::<ExtensionId>),
            extensions::version.eq(extensions::version + 1),
            extensions::updated_at.eq(now),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// The edges `(from, to)` along which these extensions forward calls: from a group to its members, and from any extension to
/// its fallback. Includes paused members, which may become active at any time, but no pending invitations.
pub(super) async fn call_edges(conn: &mut Conn, from: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, ExtensionId)>> {
    let members: Vec<(ExtensionId, ExtensionId)> = query!(conn, |c| group_members::table
        .filter(group_members::group_id.eq_any(from))
        .filter(group_members::membership.eq(ACTIVE))
        .order(group_members::id)
        .select((group_members::group_id, group_members::member_id))
        .load(c)
        .await)?;
    let fallbacks: Vec<(ExtensionId, Option<ExtensionId>)> = query!(conn, |c| extensions::table
        .filter(extensions::id.eq_any(from))
        .filter(extensions::fallback_extension_id.is_not_null())
        .order(extensions::id)
        .select((extensions::id, extensions::fallback_extension_id))
        .load(c)
        .await)?;
    let fallbacks = fallbacks.into_iter().filter_map(|(from, to)| Some((from, to?)));
    Ok(members.into_iter().chain(fallbacks).collect())
}

/// The numbers of these extensions, of any owner.
pub(super) async fn numbers_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    query!(conn, |c| extensions::table
        .filter(extensions::id.eq_any(ids))
        .select((extensions::id, extensions::number))
        .load(c)
        .await)
}

/// The extension that has a number in service, of any owner.
pub(super) async fn holder_of_number(
    conn: &mut Conn,
    event: EventId,
    number: &str,
) -> QueryResult<Option<ExtensionId>> {
    query!(conn, |c| extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::number.eq(sought(number)))
        .select(extensions::id)
        .get_result(c)
        .await
        .optional())
}

/// Removes number and unique values from an extension that gets others later in the transaction. The placeholder in the
/// `number` column is the extension's global id, which is unique and never a valid number.
pub(super) async fn park_number(conn: &mut Conn, permit: &Permit, id: ExtensionId) -> QueryResult<()> {
    let placeholder = id.global();
    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
        .set(extensions::number.eq(&placeholder))
        .execute(c)
        .await)?;
    set_unique_values(conn, permit, id, &[]).await.map(drop)
}

/// Resets the memberships of an extension to invitations, except in groups of its new owner.
pub(super) async fn reset_to_invited(
    conn: &mut Conn,
    _: &Permit,
    member: ExtensionId,
    owner: AccountId,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(group_members::table)
        .filter(group_members::member_id.eq(member))
        .filter(group_members::membership.eq(ACTIVE))
        .filter(
            group_members::group_id
                .eq_any(extensions::table.filter(extensions::owner_id.ne(owner)).select(extensions::id),)
        )
        .set(group_members::membership.eq(PENDING))
        .execute(c)
        .await)?;
    Ok(())
}

/// The number of an extension of any owner, to display a fallback.
pub async fn number_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<String>> {
    query!(conn, |c| extensions::table.find(id).select(extensions::number).get_result(c).await.optional())
}

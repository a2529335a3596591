//! Extensions in the database.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::many_queries;
use super::model::Extension;
use platform::access::{Permit, Scope};
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::schema::{
    directory_terms, events, extension_permissions, extension_unique_values, extensions, group_members,
};
use platform::store::types::Id;
use platform::store::{Conn, sought};

/// A membership whose member's owner has agreed, and one that waits for it.
const ACTIVE: &str = "ACTIVE";
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

/// How many extensions of a type a user holds in an event.
pub async fn count_held(
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

/// Takes the next slot of an event.
pub async fn take_slot(conn: &mut Conn, _: &Permit, event: EventId) -> QueryResult<i32> {
    let next: i32 = query!(conn, |c| diesel::update(events::table.find(event))
        .set(events::next_slot.eq(events::next_slot + 1))
        .returning(events::next_slot)
        .get_result(c)
        .await)?;
    Ok(next - 1)
}

pub(super) async fn insert(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(extensions::table).values(row).execute(c).await)?;
    Ok(())
}

pub async fn save(conn: &mut Conn, _: &Permit, row: &Extension) -> QueryResult<()> {
    query!(conn, |c| diesel::update(extensions::table.find(row.id)).set(row).execute(c).await)?;
    Ok(())
}

pub(super) async fn delete(conn: &mut Conn, _: &Permit, id: ExtensionId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(group_members::table.filter(group_members::member_id.eq(id))).execute(c).await)?;
    query!(conn, |c| diesel::delete(group_members::table.filter(group_members::group_id.eq(id))).execute(c).await)?;
    query!(conn, |c| diesel::delete(extensions::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Replaces the words by which the directory finds the extension.
pub async fn index(conn: &mut Conn, permit: &Permit, row: &Extension, is_new: bool) -> QueryResult<()> {
    if !is_new {
        query!(conn, |c| diesel::delete(directory_terms::table.filter(directory_terms::extension_id.eq(row.id)))
            .execute(c)
            .await)?;
    }
    many_queries::index_all(conn, permit, std::slice::from_ref(row)).await
}

/// Who bears a unique value in its scope.
pub(super) async fn bearer_of(
    conn: &mut Conn,
    scope: Id,
    parameter: &str,
    value: &str,
) -> QueryResult<Option<ExtensionId>> {
    query!(conn, |c| extension_unique_values::table
        .find((scope, parameter, value))
        .select(extension_unique_values::extension_id)
        .get_result(c)
        .await
        .optional())
}

/// Replaces the unique values of an extension: (scope, parameter, value). The answer is the parameter whose value another
/// extension has, if there is one; then the transaction is to be given up. A type's values are compared across events, which
/// do not wait for each other's locks: only the insertion knows.
pub async fn set_unique_values(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    values: &[(Id, String, String)],
) -> QueryResult<Option<String>> {
    query!(conn, |c| diesel::delete(
        extension_unique_values::table.filter(extension_unique_values::extension_id.eq(id))
    )
    .execute(c)
    .await)?;
    for (scope, parameter, value) in values {
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

/// The permissions of an extension.
pub async fn permissions_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<CallPermissionId>> {
    query!(conn, |c| extension_permissions::table
        .filter(extension_permissions::extension_id.eq(id))
        .select(extension_permissions::permission_id)
        .load(c)
        .await)
}

/// Replaces the permissions of an extension.
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

/// An extension in its feed.
pub struct Shown {
    pub extension: ExtensionId,
    pub feed: FeedRef,
    pub slot: i32,
}

type ShownRow = (ExtensionId, EventId, ServiceTypeId, i32);

/// The groups that ring the extension, and the extensions whose fallback it is: their entries show it.
pub async fn shown_by(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<Shown>> {
    let groups: Vec<ShownRow> = query!(conn, |c| extensions::table
        .inner_join(group_members::table.on(group_members::group_id.eq(extensions::id)))
        .filter(group_members::member_id.eq(id))
        .filter(group_members::membership.eq(ACTIVE))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let fallbacks: Vec<ShownRow> = query!(conn, |c| extensions::table
        .filter(extensions::fallback_extension_id.eq(id))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let shown =
        |(extension, event, service_type, slot)| Shown { extension, feed: FeedRef { event, service_type }, slot };
    Ok(groups.into_iter().chain(fallbacks).map(shown).collect())
}

/// Clears the fallbacks that refer to the extension: a new version of those that had one.
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

/// Where these extensions hand calls on, as `(from, to)`: a group to its members, any extension to its fallback. A paused
/// member counts, since it may go on any time; an invitation that waits does not.
pub(super) async fn hand_on(conn: &mut Conn, from: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, ExtensionId)>> {
    let rung: Vec<(ExtensionId, ExtensionId)> = query!(conn, |c| group_members::table
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
    Ok(rung.into_iter().chain(fallbacks).collect())
}

/// The numbers of these extensions, whoever owns them.
pub(super) async fn numbers_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    query!(conn, |c| extensions::table
        .filter(extensions::id.eq_any(ids))
        .select((extensions::id, extensions::number))
        .load(c)
        .await)
}

/// The extension that bears a number, whoever owns it.
pub(super) async fn bearer_of_number(
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

/// Takes number and unique values from an extension for a moment: within its transaction it gets others. What stands in the
/// column meanwhile is no number, and differs for every extension.
pub(super) async fn vacate(conn: &mut Conn, permit: &Permit, id: ExtensionId) -> QueryResult<()> {
    let nothing = id.global();
    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
        .set(extensions::number.eq(&nothing))
        .execute(c)
        .await)?;
    set_unique_values(conn, permit, id, &[]).await.map(drop)
}

/// Turns the memberships of an extension that has a new owner into invitations, except in groups of that owner.
pub(super) async fn ask_again(conn: &mut Conn, _: &Permit, member: ExtensionId, owner: AccountId) -> QueryResult<()> {
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

/// The number of an extension, whoever owns it: for showing a fallback.
pub async fn number_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<String>> {
    query!(conn, |c| extensions::table.find(id).select(extensions::number).get_result(c).await.optional())
}

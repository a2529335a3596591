//! Queries over the feed entries that depend on an extension, an account, a call permission or a service type.

use diesel::prelude::Queryable;
use diesel::{ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, CallPermissionId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{extension_permissions, extensions, group_members};

/// The membership of an extension whose owner has accepted the invitation.
const ACTIVE: &str = "ACTIVE";

/// The entry of an extension in its feed.
pub struct FeedSlot {
    pub extension: ExtensionId,
    pub feed: FeedRef,
    pub slot: i32,
}

#[derive(Queryable)]
struct FeedSlotRow {
    extension: ExtensionId,
    event: EventId,
    service_type: ServiceTypeId,
    slot: i32,
}

impl From<FeedSlotRow> for FeedSlot {
    fn from(row: FeedSlotRow) -> Self {
        let feed = FeedRef { event: row.event, service_type: row.service_type };
        Self { extension: row.extension, feed, slot: row.slot }
    }
}

/// The groups of which the extension is an active member, and the extensions that fall back to it.
pub async fn dependents_of(conn: &mut Conn, id: ExtensionId) -> QueryResult<Vec<FeedSlot>> {
    let groups: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .inner_join(group_members::table.on(group_members::group_id.eq(extensions::id)))
        .filter(group_members::member_id.eq(id))
        .filter(group_members::membership.eq(ACTIVE))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let fallbacks: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .filter(extensions::fallback_extension_id.eq(id))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    Ok(groups.into_iter().chain(fallbacks).map(FeedSlot::from).collect())
}

/// The account's extensions, the groups in which they are active members, and the extensions that fall back to them. The
/// caller holds the locks of the events.
pub async fn dependents_of_owner(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<FeedSlot>> {
    let own: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .filter(extensions::owner_id.eq(owner))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let members = diesel::alias!(extensions as members);
    let groups: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .inner_join(group_members::table.on(group_members::group_id.eq(extensions::id)))
        .inner_join(members.on(members.field(extensions::id).eq(group_members::member_id)))
        .filter(members.field(extensions::owner_id).eq(owner))
        .filter(group_members::membership.eq(ACTIVE))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .distinct()
        .load(c)
        .await)?;
    let targets = diesel::alias!(extensions as targets);
    let fallbacks: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .inner_join(targets.on(targets.field(extensions::id).nullable().eq(extensions::fallback_extension_id)))
        .filter(targets.field(extensions::owner_id).eq(owner))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    Ok(own.into_iter().chain(groups).chain(fallbacks).map(FeedSlot::from).collect())
}

#[derive(Queryable)]
struct FeedRow {
    event: EventId,
    service_type: ServiceTypeId,
}

/// The feeds that contain extensions of the account, each once.
pub async fn feeds_of_owner(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<FeedRef>> {
    let feeds: Vec<FeedRow> = query!(conn, |c| extensions::table
        .filter(extensions::owner_id.eq(owner))
        .select((extensions::event_id, extensions::service_type_id))
        .distinct()
        .load(c)
        .await)?;
    Ok(feeds.into_iter().map(|row| FeedRef { event: row.event, service_type: row.service_type }).collect())
}

/// The extensions that have a call permission, oldest first.
pub async fn holders_of_permission(conn: &mut Conn, permission: CallPermissionId) -> QueryResult<Vec<FeedSlot>> {
    let rows: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .inner_join(extension_permissions::table.on(extension_permissions::extension_id.eq(extensions::id)))
        .filter(extension_permissions::permission_id.eq(permission))
        .order(extensions::id)
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(FeedSlot::from).collect())
}

/// The extensions of a service type, oldest first.
pub async fn entries_of_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<FeedSlot>> {
    let rows: Vec<FeedSlotRow> = query!(conn, |c| extensions::table
        .filter(extensions::service_type_id.eq(service_type))
        .order(extensions::id)
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    Ok(rows.into_iter().map(FeedSlot::from).collect())
}

/// The events in which a service type has extensions, each once.
pub async fn events_of_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| extensions::table
        .filter(extensions::service_type_id.eq(service_type))
        .select(extensions::event_id)
        .distinct()
        .load(c)
        .await)
}

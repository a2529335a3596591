//! Queries for device links.

use diesel::prelude::Queryable;
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _,
    QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::DeviceLink;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::feed_log::{Entry, FeedRef};
use platform::ids::{AccountId, DeviceLinkId, EntityId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{device_links, extensions, feed_entries, templates};

/// A link with the name of its template.
#[derive(Clone, Debug, Queryable)]
pub struct DeviceLinkRow {
    pub link: DeviceLink,
    pub template_name: String,
}

/// A link with the feed of its extension.
#[derive(Debug)]
pub struct LinkTarget {
    pub link: DeviceLink,
    pub feed: FeedRef,
}

/// The links of an extension that belong to its present owner, oldest first.
pub async fn links_of(conn: &mut Conn, extension: ExtensionId, owner: AccountId) -> QueryResult<Vec<DeviceLinkRow>> {
    query!(conn, |c| device_links::table
        .inner_join(templates::table.on(templates::id.eq(device_links::template_id)))
        .filter(device_links::extension_id.eq(extension))
        .filter(device_links::account_id.eq(owner))
        .order((device_links::created_at, device_links::id))
        .select((DeviceLink::as_select(), templates::name))
        .load(c)
        .await)
}

/// A link by its id, with the name of its template.
pub async fn link_of(conn: &mut Conn, id: DeviceLinkId) -> QueryResult<Option<DeviceLinkRow>> {
    query!(conn, |c| device_links::table
        .inner_join(templates::table.on(templates::id.eq(device_links::template_id)))
        .filter(device_links::id.eq(id))
        .select((DeviceLink::as_select(), templates::name))
        .first(c)
        .await
        .optional())
}

/// A link by its id.
pub async fn by_id(conn: &mut Conn, id: DeviceLinkId) -> QueryResult<Option<DeviceLink>> {
    query!(conn, |c| device_links::table.find(id).select(DeviceLink::as_select()).first(c).await.optional())
}

/// The link with this token hash; `None` when the extension has changed its owner since.
pub async fn by_token(conn: &mut Conn, hash: &[u8]) -> QueryResult<Option<LinkTarget>> {
    let found: Option<(DeviceLink, EventId, ServiceTypeId)> = query!(conn, |c| device_links::table
        .inner_join(extensions::table.on(extensions::id.eq(device_links::extension_id)))
        .filter(device_links::token_hash.eq(hash))
        .filter(device_links::account_id.eq(extensions::owner_id))
        .select((DeviceLink::as_select(), extensions::event_id, extensions::service_type_id))
        .first(c)
        .await
        .optional())?;
    Ok(found.map(|(link, event, service_type)| LinkTarget { link, feed: FeedRef { event, service_type } }))
}

/// The present entry of an extension.
pub async fn entry_of(conn: &mut Conn, extension: ExtensionId) -> QueryResult<Option<Entry>> {
    query!(conn, |c| feed_entries::table
        .find(EntityId(extension.0))
        .filter(feed_entries::present)
        .select(Entry::as_select())
        .first(c)
        .await
        .optional())
}

/// Inserts a link in place of an earlier one of the same device.
pub async fn replace(conn: &mut Conn, _: &Permit, link: &DeviceLink) -> QueryResult<()> {
    match &link.mac {
        Some(mac) => query!(conn, |c| diesel::delete(
            device_links::table
                .filter(device_links::extension_id.eq(link.extension_id))
                .filter(device_links::mac.eq(mac))
        )
        .execute(c)
        .await)?,
        None => query!(conn, |c| diesel::delete(
            device_links::table
                .filter(device_links::extension_id.eq(link.extension_id))
                .filter(device_links::mac.is_null())
        )
        .execute(c)
        .await)?,
    };
    query!(conn, |c| diesel::insert_into(device_links::table).values(link).execute(c).await)?;
    Ok(())
}

/// Marks a link as used. Returns false when it was used before.
pub async fn use_up(conn: &mut Conn, _: &Permit, id: DeviceLinkId, now: Timestamp) -> QueryResult<bool> {
    let changed =
        query!(conn, |c| diesel::update(device_links::table.find(id).filter(device_links::used_at.is_null()))
            .set((device_links::used_at.eq(Some(now)), device_links::fetched_at.eq(Some(now))))
            .execute(c)
            .await)?;
    Ok(changed == 1)
}

/// Stores the time of the last fetch.
pub async fn save_fetch(conn: &mut Conn, id: DeviceLinkId, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(device_links::table.find(id))
        .set(device_links::fetched_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes a link.
pub async fn delete(conn: &mut Conn, _: &Permit, id: DeviceLinkId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(device_links::table.find(id)).execute(c).await)?;
    Ok(())
}

/// Deletes the links that expired before `until` and returns their number.
pub async fn prune(conn: &mut Conn, until: Timestamp) -> QueryResult<usize> {
    query!(conn, |c| diesel::delete(
        device_links::table.filter(device_links::expires_at.is_not_null().and(device_links::expires_at.lt(until)))
    )
    .execute(c)
    .await)
}

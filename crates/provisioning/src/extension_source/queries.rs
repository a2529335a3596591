//! Bulk queries for the content of extensions, over tables that other domains own.
//!
//! Every function takes the ids of a whole page; none is called once for each extension.

use diesel::prelude::{Queryable, Selectable};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryResult,
    SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use ::extensions::groups::MembershipState;
use ::extensions::visibility::Visibility;
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, EventId, ExtensionId, NumberId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{
    accounts, call_permissions, extension_permissions, extension_unique_values, extensions, group_members, numbers,
};
use platform::store::types::{Id, JsonText};

use crate::queries::CHUNK;

/// The columns of an extension that its feed shows.
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

/// An extension with the user name of its owner.
#[derive(Queryable)]
pub struct OwnedExtension {
    pub row: ExtensionRow,
    pub owner_username: String,
}

/// A member of a call group, with the ids that its restrictions refer to.
#[derive(Queryable)]
pub struct MemberRow {
    pub group: ExtensionId,
    pub extension: ExtensionId,
    pub owner: AccountId,
    pub number: String,
    pub delay_seconds: i32,
    pub paused: bool,
}

/// A unique value of a parameter with the extension that holds it.
#[derive(Queryable)]
pub struct UniqueValueRow {
    pub parameter: String,
    pub value: String,
    pub holder: ExtensionId,
}

/// These extensions with their owners, in no particular order.
pub async fn extensions_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<OwnedExtension>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<OwnedExtension> = query!(conn, |c| extensions::table
            .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
            .filter(extensions::id.eq_any(ids))
            .select((ExtensionRow::as_select(), accounts::username))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The numbers of these extensions.
pub async fn numbers_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<(ExtensionId, String)> = query!(conn, |c| extensions::table
            .filter(extensions::id.eq_any(ids))
            .select((extensions::id, extensions::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The slugs of the extensions' call permissions, by slug.
pub async fn permissions_of(conn: &mut Conn, ids: &[ExtensionId]) -> QueryResult<Vec<(ExtensionId, String)>> {
    let mut found = Vec::new();
    for ids in ids.chunks(CHUNK) {
        let rows: Vec<(ExtensionId, String)> = query!(conn, |c| extension_permissions::table
            .inner_join(call_permissions::table.on(call_permissions::id.eq(extension_permissions::permission_id)))
            .filter(extension_permissions::extension_id.eq_any(ids))
            .order(call_permissions::slug)
            .select((extension_permissions::extension_id, call_permissions::slug))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The active members of these groups, in the order in which the groups call them.
pub async fn members_of(conn: &mut Conn, groups: &[ExtensionId]) -> QueryResult<Vec<MemberRow>> {
    let mut found = Vec::new();
    for ids in groups.chunks(CHUNK) {
        let rows: Vec<MemberRow> = query!(conn, |c| group_members::table
            .inner_join(extensions::table.on(extensions::id.eq(group_members::member_id)))
            .filter(group_members::group_id.eq_any(ids))
            .filter(group_members::membership.eq(MembershipState::Active))
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
        found.extend(rows);
    }
    Ok(found)
}

/// The ids of these numbers: of the event's numbering plan, and of the public plan for those in E.164 form.
pub async fn number_rows(conn: &mut Conn, event: EventId, wanted: &[&str]) -> QueryResult<Vec<(NumberId, String)>> {
    let (e164, local): (Vec<&str>, Vec<&str>) = wanted.iter().partition(|number| number.starts_with('+'));
    let mut found = Vec::with_capacity(wanted.len());
    for chunk in local.chunks(CHUNK) {
        let rows: Vec<(NumberId, String)> = query!(conn, |c| numbers::table
            .filter(numbers::event_id.eq(event))
            .filter(numbers::number.eq_any(chunk))
            .select((numbers::id, numbers::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    for chunk in e164.chunks(CHUNK) {
        let rows: Vec<(NumberId, String)> = query!(conn, |c| numbers::table
            .filter(numbers::event_id.is_null())
            .filter(numbers::number.eq_any(chunk))
            .select((numbers::id, numbers::number))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The numbers of these rows that belong to the event's numbering plan or to the public plan.
pub async fn numbers_by_id(conn: &mut Conn, event: EventId, ids: &[NumberId]) -> QueryResult<Vec<(NumberId, String)>> {
    query!(conn, |c| numbers::table
        .filter(numbers::id.eq_any(ids))
        .filter(numbers::event_id.eq(event).or(numbers::event_id.is_null()))
        .select((numbers::id, numbers::number))
        .load(c)
        .await)
}

/// The extensions of the feed that hold these numbers.
pub async fn holders_of_numbers(
    conn: &mut Conn,
    feed: FeedRef,
    numbers: &[&str],
) -> QueryResult<Vec<(String, ExtensionId)>> {
    let mut found = Vec::new();
    for chunk in numbers.chunks(CHUNK) {
        let rows: Vec<(String, ExtensionId)> = query!(conn, |c| extensions::table
            .filter(extensions::event_id.eq(feed.event))
            .filter(extensions::number.eq_any(chunk))
            .filter(extensions::service_type_id.eq(feed.service_type))
            .select((extensions::number, extensions::id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The extensions of the feed that hold these values of unique parameters.
pub async fn holders_of_values(conn: &mut Conn, feed: FeedRef, values: &[&str]) -> QueryResult<Vec<UniqueValueRow>> {
    let FeedRef { event, service_type } = feed;
    let scopes = [Id(event.0), Id(service_type.0)];
    let mut found = Vec::new();
    for chunk in values.chunks(CHUNK) {
        let rows: Vec<UniqueValueRow> = query!(conn, |c| extension_unique_values::table
            .inner_join(extensions::table.on(extensions::id.eq(extension_unique_values::extension_id)))
            .filter(extension_unique_values::scope_id.eq_any(&scopes))
            .filter(extension_unique_values::value.eq_any(chunk))
            .filter(extensions::event_id.eq(event).and(extensions::service_type_id.eq(service_type)))
            .select((extension_unique_values::parameter, extension_unique_values::value, extensions::id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

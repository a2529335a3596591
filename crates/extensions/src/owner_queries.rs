//! Which feed entries show what an account owns.

use diesel::{ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;

use platform::feed_log::FeedRef;
use platform::ids::{AccountId, EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{extensions, group_members};

/// An extension in its feed.
pub struct FeedSlot {
    /// The extension.
    pub extension: ExtensionId,
    /// Its feed.
    pub feed: FeedRef,
    /// Its slot.
    pub slot: i32,
}

type Row = (ExtensionId, EventId, ServiceTypeId, i32);

fn shown((extension, event, service_type, slot): Row) -> FeedSlot {
    FeedSlot { extension, feed: FeedRef { event, service_type }, slot }
}

/// The account's extensions, the groups in which they are active members, and the extensions that fall back to them. Lock the
/// events first.
pub async fn dependents_of_owner(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<FeedSlot>> {
    let own: Vec<Row> = query!(conn, |c| extensions::table
        .filter(extensions::owner_id.eq(owner))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    let members = diesel::alias!(extensions as members);
    let groups: Vec<Row> = query!(conn, |c| extensions::table
        .inner_join(group_members::table.on(group_members::group_id.eq(extensions::id)))
        .inner_join(members.on(members.field(extensions::id).eq(group_members::member_id)))
        .filter(members.field(extensions::owner_id).eq(owner))
        .filter(group_members::membership.eq("ACTIVE"))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .distinct()
        .load(c)
        .await)?;
    let targets = diesel::alias!(extensions as targets);
    let fallbacks: Vec<Row> = query!(conn, |c| extensions::table
        .inner_join(targets.on(targets.field(extensions::id).nullable().eq(extensions::fallback_extension_id)))
        .filter(targets.field(extensions::owner_id).eq(owner))
        .select((extensions::id, extensions::event_id, extensions::service_type_id, extensions::slot))
        .load(c)
        .await)?;
    Ok(own.into_iter().chain(groups).chain(fallbacks).map(shown).collect())
}

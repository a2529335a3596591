//! Database queries of memberships.

use ::events::EventPhase;
use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use platform::access::Permit;
use platform::ids::{AccountId, EventId, ExtensionId, GroupMemberId};
use platform::query;
use platform::store::hints::{unindexed, within_deadline};
use platform::store::schema::{events, extensions, group_members};
use platform::store::{CHUNK, Conn, sought};

use super::model::{ExtensionSummary, GroupMember, MemberCount, MemberEdge, Membership, MembershipState};

diesel::alias! {
    const GROUPS: Alias<Groups> = extensions as groups;
    const MEMBERS: Alias<Members> = extensions as members;
}

/// Maximum number of invitations that one query returns, the oldest first.
const MAX_INVITATIONS: i64 = 500;

/// Columns of an [`ExtensionSummary`], in the order of its fields.
macro_rules! summary_columns {
    () => {
        (
            extensions::id,
            extensions::event_id,
            extensions::service_type_id,
            extensions::owner_id,
            extensions::slot,
            extensions::number,
            extensions::label,
            extensions::visibility,
        )
    };
}

/// Query of [`Membership`] rows.
macro_rules! memberships {
    () => {
        group_members::table
            .inner_join(GROUPS.on(GROUPS.field(extensions::id).eq(group_members::group_id)))
            .inner_join(MEMBERS.on(MEMBERS.field(extensions::id).eq(group_members::member_id)))
            .select((GroupMember::as_select(), GROUPS.fields(summary_columns!()), MEMBERS.fields(summary_columns!())))
    };
}

/// Finds an extension by its id, without regard to the access rights of the caller.
pub async fn summary_by_id(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<ExtensionSummary>> {
    query!(conn, |c| extensions::table.find(id).select(summary_columns!()).first(c).await.optional())
}

/// Finds the extension that is assigned `number` in the numbering plan of `event`.
pub async fn summary_by_number(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<ExtensionSummary>> {
    query!(conn, |c| extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::number.eq(sought(number)))
        .select(summary_columns!())
        .first(c)
        .await
        .optional())
}

/// Finds a membership by its id.
pub async fn membership(conn: &mut Conn, id: GroupMemberId) -> QueryResult<Option<Membership>> {
    query!(conn, |c| memberships!().filter(group_members::id.eq(id)).first(c).await.optional())
}

/// Finds the membership of `member` in `group`.
pub async fn membership_of(
    conn: &mut Conn,
    group: ExtensionId,
    member: ExtensionId,
) -> QueryResult<Option<GroupMember>> {
    query!(conn, |c| group_members::table
        .filter(group_members::group_id.eq(group))
        .filter(group_members::member_id.eq(member))
        .select(GroupMember::as_select())
        .first(c)
        .await
        .optional())
}

/// Loads the members and open invitations of a group, ordered by delay, then by number.
pub async fn members_of(conn: &mut Conn, group: ExtensionId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(group_members::group_id.eq(group))
        .order((group_members::delay_seconds, MEMBERS.field(extensions::number)))
        .load(c)
        .await)
}

/// Loads the members and open invitations of all `groups`.
pub async fn members_of_groups(conn: &mut Conn, groups: &[ExtensionId]) -> QueryResult<Vec<GroupMember>> {
    let mut found = Vec::new();
    for chunk in groups.chunks(CHUNK) {
        let rows: Vec<GroupMember> = query!(&mut *conn, |c| group_members::table
            .filter(group_members::group_id.eq_any(chunk))
            .select(GroupMember::as_select())
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Loads the edges from groups to active members of an event.
pub async fn member_edges_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<MemberEdge>> {
    query!(conn, |c| group_members::table
        .inner_join(extensions::table.on(extensions::id.eq(group_members::group_id)))
        .filter(extensions::event_id.eq(event))
        .filter(group_members::membership.eq(MembershipState::Active))
        .select((group_members::group_id, group_members::member_id))
        .load(c)
        .await)
}

/// Loads the memberships and open invitations of an extension, ordered by the number of the group.
pub async fn memberships_of(conn: &mut Conn, member: ExtensionId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(group_members::member_id.eq(member))
        .order(GROUPS.field(extensions::number))
        .load(c)
        .await)
}

/// Loads the open invitations of an account's extensions, the oldest first. Excludes archived events, which cannot change.
///
/// The groups are found by the memberships. By their events, SQLite would join the account's extensions with all
/// extensions of those events.
pub async fn invitations_of(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(within_deadline())
        .filter(MEMBERS.field(extensions::owner_id).eq(owner))
        .filter(group_members::membership.eq(MembershipState::Pending))
        .filter(
            unindexed(GROUPS.field(extensions::event_id))
                .eq_any(events::table.filter(events::phase.ne(EventPhase::Archived)).select(events::id)),
        )
        .order(group_members::id)
        .limit(MAX_INVITATIONS)
        .load(c)
        .await)
}

/// Counts the members of a group.
pub async fn count_members(conn: &mut Conn, group: ExtensionId) -> QueryResult<MemberCount> {
    let states: Vec<MembershipState> = query!(conn, |c| group_members::table
        .filter(group_members::group_id.eq(group))
        .select(group_members::membership)
        .load(c)
        .await)?;
    let active = states.iter().filter(|&&state| state == MembershipState::Active).count();
    Ok(MemberCount { total: states.len(), active })
}

/// Inserts a membership.
pub async fn insert(conn: &mut Conn, _: &Permit, row: &GroupMember) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(group_members::table).values(row).execute(c).await)?;
    Ok(())
}

/// Saves the mutable columns of a membership: delay, pause and state.
pub async fn update(conn: &mut Conn, _: &Permit, row: &GroupMember) -> QueryResult<()> {
    query!(conn, |c| diesel::update(group_members::table.find(row.id))
        .set((
            group_members::delay_seconds.eq(row.delay_seconds),
            group_members::paused.eq(row.paused),
            group_members::membership.eq(row.membership),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes a membership.
pub async fn delete(conn: &mut Conn, _: &Permit, id: GroupMemberId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(group_members::table.find(id)).execute(c).await)?;
    Ok(())
}

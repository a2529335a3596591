//! Memberships in the database.

use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _};
use diesel::{OptionalExtension as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::model::{GroupMember, Membership, MembershipState, Party};
use platform::access::Permit;
use platform::ids::{AccountId, EventId, ExtensionId, GroupMemberId};
use platform::query;
use ::events::EventPhase;
use platform::store::schema::{events, extensions, group_members};
use platform::store::{CHUNK, Conn};

diesel::alias! {
    const GROUPS: Alias<Groups> = extensions as groups;
    const MEMBERS: Alias<Members> = extensions as members;
}

/// As many invitations as one account is shown at once, the oldest first: the next come up as these are answered.
const MOST_INVITATIONS: i64 = 500;

/// The columns of a [`Party`] and of a [`Membership`], in their order.
macro_rules! party {
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

macro_rules! memberships {
    () => {
        group_members::table
            .inner_join(GROUPS.on(GROUPS.field(extensions::id).eq(group_members::group_id)))
            .inner_join(MEMBERS.on(MEMBERS.field(extensions::id).eq(group_members::member_id)))
            .select((GroupMember::as_select(), GROUPS.fields(party!()), MEMBERS.fields(party!())))
    };
}

/// An extension as a party to a membership; rules narrow afterwards to what the caller may know of.
pub async fn party(conn: &mut Conn, id: ExtensionId) -> QueryResult<Option<Party>> {
    query!(conn, |c| extensions::table.find(id).select(party!()).first(c).await.optional())
}

/// The extension that bears a number on an event's plan.
pub async fn party_by_number(conn: &mut Conn, event: EventId, number: &str) -> QueryResult<Option<Party>> {
    query!(conn, |c| extensions::table
        .filter(extensions::event_id.eq(event))
        .filter(extensions::number.eq(number))
        .select(party!())
        .first(c)
        .await
        .optional())
}

/// A membership by its id.
pub async fn membership(conn: &mut Conn, id: GroupMemberId) -> QueryResult<Option<Membership>> {
    query!(conn, |c| memberships!().filter(group_members::id.eq(id)).first(c).await.optional())
}

/// The membership of `member` in `group`.
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

/// The members of a group, invited ones too: as they ring, then by number.
pub async fn members_of(conn: &mut Conn, group: ExtensionId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(group_members::group_id.eq(group))
        .order((group_members::delay_seconds, MEMBERS.field(extensions::number)))
        .load(c)
        .await)
}

/// The memberships in these groups, invitations too.
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

/// Which extensions of an event ring which, as groups: `(group, member)`, agreed memberships alone.
pub async fn rings_of_event(conn: &mut Conn, event: EventId) -> QueryResult<Vec<(ExtensionId, ExtensionId)>> {
    query!(conn, |c| group_members::table
        .inner_join(extensions::table.on(extensions::id.eq(group_members::group_id)))
        .filter(extensions::event_id.eq(event))
        .filter(group_members::membership.eq(MembershipState::Active))
        .select((group_members::group_id, group_members::member_id))
        .load(c)
        .await)
}

/// The groups that an extension belongs to, or is invited to, by the group's number.
pub async fn memberships_of(conn: &mut Conn, member: ExtensionId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(group_members::member_id.eq(member))
        .order(GROUPS.field(extensions::number))
        .load(c)
        .await)
}

/// The invitations that wait for an account's yes, the oldest first; those of archived events wait for nothing.
pub async fn invitations_of(conn: &mut Conn, owner: AccountId) -> QueryResult<Vec<Membership>> {
    query!(conn, |c| memberships!()
        .filter(MEMBERS.field(extensions::owner_id).eq(owner))
        .filter(group_members::membership.eq(MembershipState::Pending))
        .filter(
            GROUPS
                .field(extensions::event_id)
                .eq_any(events::table.filter(events::phase.ne(EventPhase::Archived)).select(events::id),)
        )
        .order(group_members::id)
        .limit(MOST_INVITATIONS)
        .load(c)
        .await)
}

/// How many members a group has, and how many of them have agreed.
pub async fn count_members(conn: &mut Conn, group: ExtensionId) -> QueryResult<(usize, usize)> {
    let states: Vec<MembershipState> = query!(conn, |c| group_members::table
        .filter(group_members::group_id.eq(group))
        .select(group_members::membership)
        .load(c)
        .await)?;
    let agreed = states.iter().filter(|&&state| state == MembershipState::Active).count();
    Ok((states.len(), agreed))
}

/// Adds a membership.
pub async fn insert(conn: &mut Conn, _: &Permit, row: &GroupMember) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(group_members::table).values(row).execute(c).await)?;
    Ok(())
}

/// Stores what can change of a membership: delay, pause and consent.
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

/// Removes a membership.
pub async fn delete(conn: &mut Conn, _: &Permit, id: GroupMemberId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(group_members::table.find(id)).execute(c).await)?;
    Ok(())
}

//! Row types of memberships in call groups.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, EventId, ExtensionId, GroupMemberId, ServiceTypeId};
use platform::store::schema::group_members;
use platform::text_enum;

use crate::visibility::Visibility;

/// Longest delay before a group calls a member, in seconds.
pub const MAX_DELAY_SECONDS: i32 = 600;

text_enum! {
    /// State of a membership: whether the owner of the member has accepted.
    pub enum MembershipState {
        /// The invitation is open; no feed contains the member.
        Pending = "PENDING",
        /// The group calls the member.
        Active = "ACTIVE",
    }
}

/// Row of `group_members`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = group_members)]
pub struct GroupMember {
    pub id: GroupMemberId,
    pub group_id: ExtensionId,
    pub member_id: ExtensionId,
    /// Seconds before the group calls the member, 0 to [`MAX_DELAY_SECONDS`].
    pub delay_seconds: i32,
    /// Whether the group skips the member for now.
    pub paused: bool,
    pub membership: MembershipState,
    pub created_at: Timestamp,
}

/// Columns of an extension that the rules of memberships use, for the group and for the member.
#[derive(Clone, Debug, Queryable)]
pub struct ExtensionSummary {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub owner_id: AccountId,
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub visibility: Visibility,
}

impl ExtensionSummary {
    /// Returns the feed that contains the extension.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// A membership with the extensions of its group and its member.
#[derive(Clone, Debug, Queryable)]
pub struct Membership {
    pub row: GroupMember,
    pub group: ExtensionSummary,
    pub member: ExtensionSummary,
}

/// Edge of the call graph from a group to an active member.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct MemberEdge {
    pub group_id: ExtensionId,
    pub member_id: ExtensionId,
}

/// Numbers of memberships of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberCount {
    /// Members and open invitations.
    pub total: usize,
    /// Members whose owners have accepted.
    pub active: usize,
}

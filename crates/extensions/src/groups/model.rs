//! Memberships of extensions in call groups.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use crate::visibility::Visibility;
use platform::feed_log::FeedRef;
use platform::ids::{AccountId, EventId, ExtensionId, GroupMemberId, ServiceTypeId};
use platform::store::schema::group_members;
use platform::text_enum;

/// The longest delay before a member rings: ten minutes, in seconds.
pub const MAX_DELAY_SECONDS: i32 = 600;

text_enum! {
    /// Whether the member's owner has agreed.
    pub enum MembershipState {
        /// Invited; in no feed.
        Pending = "PENDING",
        /// The group rings it.
        Active = "ACTIVE",
    }
}

/// A membership's row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = group_members)]
pub struct GroupMember {
    pub id: GroupMemberId,
    pub group_id: ExtensionId,
    pub member_id: ExtensionId,
    /// Seconds before it rings, 0 to [`MAX_DELAY_SECONDS`].
    pub delay_seconds: i32,
    pub paused: bool,
    pub membership: MembershipState,
    pub created_at: Timestamp,
}

/// What a membership needs to know of the group's and of the member's extension.
#[derive(Clone, Debug, Queryable)]
pub struct Party {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub owner_id: AccountId,
    pub slot: i32,
    pub number: String,
    pub label: String,
    pub visibility: Visibility,
}

impl Party {
    /// The feed that the extension is in.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// A membership with both its ends.
#[derive(Clone, Debug, Queryable)]
pub struct Membership {
    pub row: GroupMember,
    pub group: Party,
    pub member: Party,
}

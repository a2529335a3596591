//! Call groups: extensions that call their members.
//!
//! The owner of a group invites an extension, and the owner of the extension accepts. An extension of the group's own
//! owner becomes an active member immediately, and so does the extension of a caller that the API key of a voice menu
//! adds. Groups can be nested; a loop is rejected with its path. The owner of a group sees only the number and the
//! label of a member.
//!
//! [`rules::phase`] defines which changes each phase of an event allows.

mod model;
pub mod queries;
pub mod rules;

pub use model::{
    ExtensionSummary, GroupMember, MAX_DELAY_SECONDS, MemberCount, MemberEdge, Membership, MembershipState,
};

//! Call groups: extensions that ring their members.
//!
//! A group's owner invites, the member's owner accepts; an extension of the group's own owner joins at once, and a voice
//! menu's key may join a caller at once. Groups may nest; a loop is refused with the path shown. A group's owner sees of a
//! member its number and label, no more.
//!
//! Who may change what while an event is in which phase: [`rules::phase`].

mod model;
pub mod queries;
pub mod rules;

pub use model::{GroupMember, MAX_DELAY_SECONDS, Membership, MembershipState, Party};

//! GraphQL API of call groups.

mod inputs;
mod mutations;
mod objects;
mod queries;

pub use inputs::{
    AcceptGroupInvitationInput, DeclineGroupInvitationInput, InviteToGroupInput, JoinGroupInput, LeaveGroupInput,
    RemoveGroupMemberInput, UpdateGroupMemberInput,
};
pub use mutations::{GroupMemberPayload, GroupsMutation};
pub use objects::{GroupMember, member_of, members_of};
pub use queries::GroupsQuery;

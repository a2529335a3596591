//! Inputs of the mutations of groups.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::graphql::scalars::PhoneNumber;
use extensions::groups::rules::{Invitation, Join, MemberChange};
use platform::error::{Error, UserError};

/// Invites an extension into a group.
#[derive(InputObject)]
pub struct InviteToGroupInput {
    /// The group: an extension whose service type is a call group.
    pub group: ID,
    /// The number of the invited extension, in the numbering plan of the group's event.
    pub number: PhoneNumber,
    /// Seconds before the group calls the member, 0 to 600.
    #[graphql(default)]
    pub delay_seconds: i32,
}

impl From<InviteToGroupInput> for Invitation {
    fn from(input: InviteToGroupInput) -> Self {
        Self { group: input.group.0, number: input.number.0, delay_seconds: input.delay_seconds }
    }
}

/// Adds the extension of a caller to a group immediately.
#[derive(InputObject)]
pub struct JoinGroupInput {
    /// The event's slug.
    pub event: String,
    /// The group's number.
    pub group_number: PhoneNumber,
    /// The number of the caller's extension.
    pub number: PhoneNumber,
    /// Seconds before the group calls the member, 0 to 600.
    #[graphql(default)]
    pub delay_seconds: i32,
}

impl From<JoinGroupInput> for Join {
    fn from(input: JoinGroupInput) -> Self {
        Self {
            event: input.event,
            group_number: input.group_number.0,
            number: input.number.0,
            delay_seconds: input.delay_seconds,
        }
    }
}

/// Changes a membership. An absent field keeps its value.
#[derive(InputObject)]
pub struct UpdateGroupMemberInput {
    /// The membership.
    pub id: ID,
    /// Seconds before the group calls the member, 0 to 600. The owner of the group and operators can set it.
    pub delay_seconds: MaybeUndefined<i32>,
    /// Whether the group skips the member for now. The owner of the member, the owner of the group and operators can set it.
    pub paused: MaybeUndefined<bool>,
}

impl TryFrom<UpdateGroupMemberInput> for MemberChange {
    type Error = Error;
    fn try_from(input: UpdateGroupMemberInput) -> Result<Self, Error> {
        let delay_seconds = non_null("delaySeconds", input.delay_seconds)?;
        Ok(Self { id: input.id.0, delay_seconds, paused: non_null("paused", input.paused)? })
    }
}

/// Converts a field of a patch that cannot be null.
fn non_null<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>, UserError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => Err(UserError::invalid(field, "It cannot be null; leave it out to keep it.")),
    }
}

macro_rules! by_id {
    ($($(#[$meta:meta])* $name:ident)+) => {
        $(
            $(#[$meta])*
            #[derive(InputObject)]
            pub struct $name {
                /// The membership.
                pub id: ID,
            }
        )+
    };
}

by_id! {
    /// Accepts an invitation.
    AcceptGroupInvitationInput
    /// Declines an invitation.
    DeclineGroupInvitationInput
    /// Leaves a group.
    LeaveGroupInput
    /// Removes a member or withdraws an invitation.
    RemoveGroupMemberInput
}

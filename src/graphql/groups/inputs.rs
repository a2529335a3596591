//! What the mutations of groups are given.

use async_graphql::{ID, InputObject, MaybeUndefined};

use platform::error::{Error, UserError};
use crate::graphql::scalars::PhoneNumber;
use extensions::groups::rules::{Invitation, Join, MemberChange};

/// An extension to be invited into a group.
#[derive(InputObject)]
pub struct InviteToGroupInput {
    /// The group: an extension whose service type is a call group.
    pub group: ID,
    /// The number of the extension that is invited, on the group's plan.
    pub number: PhoneNumber,
    /// Seconds before it rings, 0 to 600.
    #[graphql(default)]
    pub delay_seconds: i32,
}

impl From<InviteToGroupInput> for Invitation {
    fn from(input: InviteToGroupInput) -> Self {
        Self { group: input.group.0, number: input.number.0, delay_seconds: input.delay_seconds }
    }
}

/// A caller who joins a group at once.
#[derive(InputObject)]
pub struct JoinGroupInput {
    /// The event's slug.
    pub event: String,
    /// The group's number.
    pub group_number: PhoneNumber,
    /// The number of the caller's extension.
    pub number: PhoneNumber,
    /// Seconds before it rings, 0 to 600.
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

/// How a member rings. A field left out stays as it is.
#[derive(InputObject)]
pub struct UpdateGroupMemberInput {
    /// The membership.
    pub id: ID,
    /// Seconds before it rings, 0 to 600. The group's owner and operators set it.
    pub delay_seconds: MaybeUndefined<i32>,
    /// Whether the group leaves it out for now. The member's owner, the group's owner and operators set it.
    pub paused: MaybeUndefined<bool>,
}

impl TryFrom<UpdateGroupMemberInput> for MemberChange {
    type Error = Error;
    fn try_from(input: UpdateGroupMemberInput) -> Result<Self, Error> {
        let delay_seconds = set("delaySeconds", input.delay_seconds)?;
        Ok(Self { id: input.id.0, delay_seconds, paused: set("paused", input.paused)? })
    }
}

/// A field of a patch that cannot be cleared.
fn set<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>, UserError> {
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
    /// An invitation to be accepted.
    AcceptGroupInvitationInput
    /// An invitation to be declined.
    DeclineGroupInvitationInput
    /// A group to be left.
    LeaveGroupInput
    /// A member to be removed.
    RemoveGroupMemberInput
}

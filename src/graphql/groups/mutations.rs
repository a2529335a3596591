//! Mutations of groups.

use async_graphql::{Context, Object, SimpleObject};

use super::inputs::{
    AcceptGroupInvitationInput, DeclineGroupInvitationInput, InviteToGroupInput, JoinGroupInput, LeaveGroupInput,
    RemoveGroupMemberInput, UpdateGroupMemberInput,
};
use super::objects::GroupMember;
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use extensions::groups::rules::{self, Joined, MemberChange};
use platform::error::Error;

/// A membership, or why there is none.
#[derive(SimpleObject)]
pub struct GroupMemberPayload {
    /// The membership as it is now; null where there are errors.
    pub member: Option<GroupMember>,
    /// Why nothing was changed.
    pub errors: Vec<UserError>,
}

impl GroupMemberPayload {
    async fn of(ctx: &Context<'_>, result: Result<Joined, Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(joined) => Self { member: GroupMember::load(ctx, joined.member).await?, errors: Vec::new() },
            Err(errors) => Self { member: None, errors },
        })
    }
}

/// Mutations of groups.
#[derive(Default)]
pub struct GroupsMutation;

#[Object]
impl GroupsMutation {
    /// Invites an extension into a group, by the group's owner or an operator. An extension of the group's own owner joins
    /// at once.
    async fn invite_to_group(
        &self,
        ctx: &Context<'_>,
        input: InviteToGroupInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::invite(services(ctx)?, &caller(ctx)?, input.into()).await;
        GroupMemberPayload::of(ctx, result).await
    }

    /// Accepts an invitation, by the owner of the extension that was invited.
    async fn accept_group_invitation(
        &self,
        ctx: &Context<'_>,
        input: AcceptGroupInvitationInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::accept(services(ctx)?, &caller(ctx)?, input.id.0).await;
        GroupMemberPayload::of(ctx, result).await
    }

    /// Changes how a member rings: its delay by the group's owner or an operator, its pause by the member's owner too.
    async fn update_group_member(
        &self,
        ctx: &Context<'_>,
        input: UpdateGroupMemberInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = match MemberChange::try_from(input) {
            Ok(change) => rules::update(services(ctx)?, &caller(ctx)?, change).await,
            Err(stop) => Err(stop),
        };
        GroupMemberPayload::of(ctx, result).await
    }

    /// Declines an invitation, by the owner of the extension that was invited.
    async fn decline_group_invitation(
        &self,
        ctx: &Context<'_>,
        input: DeclineGroupInvitationInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::decline(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Leaves a group, by the member's owner, or for a caller by a key that manages groups.
    async fn leave_group(&self, ctx: &Context<'_>, input: LeaveGroupInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::leave(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Removes a member or withdraws an invitation. By the group's owner or an operator.
    async fn remove_group_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveGroupMemberInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::remove(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// For a voice menu: the caller's extension joins at once, without an invitation; a membership that exists is returned.
    async fn join_group(&self, ctx: &Context<'_>, input: JoinGroupInput) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::join(services(ctx)?, &caller(ctx)?, input.into()).await;
        GroupMemberPayload::of(ctx, result).await
    }
}

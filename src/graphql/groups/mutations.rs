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
use extensions::groups::rules::{self, MemberChange, SavedMembership};
use platform::error::Error;

/// Result of a mutation that saves a membership.
#[derive(SimpleObject)]
pub struct GroupMemberPayload {
    /// The membership after the mutation; null if there are errors.
    pub member: Option<GroupMember>,
    /// Why the mutation changed nothing.
    pub errors: Vec<UserError>,
}

impl GroupMemberPayload {
    async fn of(ctx: &Context<'_>, result: Result<SavedMembership, Error>) -> Result<Self, ApiError> {
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
    /// Invites an extension into a group. For the owner of the group and operators. An extension of the group's own owner
    /// joins immediately.
    async fn invite_to_group(
        &self,
        ctx: &Context<'_>,
        input: InviteToGroupInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::invite(services(ctx)?, &caller(ctx)?, input.into()).await;
        GroupMemberPayload::of(ctx, result).await
    }

    /// Accepts an invitation. For the owner of the invited extension.
    async fn accept_group_invitation(
        &self,
        ctx: &Context<'_>,
        input: AcceptGroupInvitationInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::accept(services(ctx)?, &caller(ctx)?, input.id.0).await;
        GroupMemberPayload::of(ctx, result).await
    }

    /// Changes the delay or the pause of a member. For the owner of the group and operators; the owner of the member can
    /// change the pause only.
    async fn update_group_member(
        &self,
        ctx: &Context<'_>,
        input: UpdateGroupMemberInput,
    ) -> Result<GroupMemberPayload, ApiError> {
        let result = match MemberChange::try_from(input) {
            Ok(change) => rules::update(services(ctx)?, &caller(ctx)?, change).await,
            Err(error) => Err(error),
        };
        GroupMemberPayload::of(ctx, result).await
    }

    /// Declines an invitation. For the owner of the invited extension.
    async fn decline_group_invitation(
        &self,
        ctx: &Context<'_>,
        input: DeclineGroupInvitationInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::decline(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Leaves a group. For the owner of the member, and for an API key that manages groups on behalf of a caller.
    async fn leave_group(&self, ctx: &Context<'_>, input: LeaveGroupInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::leave(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Removes a member or withdraws an invitation. For the owner of the group and operators.
    async fn remove_group_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveGroupMemberInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::remove(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Adds the extension of a caller to a group immediately, without an invitation. For the API key of a voice menu. Returns
    /// an existing membership.
    async fn join_group(&self, ctx: &Context<'_>, input: JoinGroupInput) -> Result<GroupMemberPayload, ApiError> {
        let result = rules::join(services(ctx)?, &caller(ctx)?, input.into()).await;
        GroupMemberPayload::of(ctx, result).await
    }
}

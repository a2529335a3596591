//! Queries of groups.

use async_graphql::{Context, Object};

use super::objects::GroupMember;
use crate::graphql::context::{actor, read};
use crate::graphql::error::ApiError;
use extensions::groups::queries;
use platform::access::Role;
use platform::error::AuthError;

/// Queries of groups.
#[derive(Default)]
pub struct GroupsQuery;

#[Object]
impl GroupsQuery {
    /// Invitations that the caller can accept, the oldest first, at most 500.
    async fn group_invitations(&self, ctx: &Context<'_>) -> Result<Vec<GroupMember>, ApiError> {
        let actor = actor(ctx)?;
        actor.demand(Role::User)?;
        let account = actor.account().ok_or(AuthError::Forbidden)?;
        let invitations = queries::invitations_of(&mut *read(ctx).await?, account).await?;
        Ok(invitations.into_iter().map(GroupMember::from).collect())
    }
}

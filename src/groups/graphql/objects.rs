//! Members of groups, as far as the caller may see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::access::{Actor, ApiKeyScope, Scope};
use crate::graphql::context::{actor, read, scope};
use crate::graphql::enums::MembershipState;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::PhoneNumber;
use crate::groups::{Membership, Party, model, queries};
use crate::ids::GroupMemberId;

/// A membership of an extension in a call group.
#[derive(Clone)]
pub struct GroupMember(pub Arc<Membership>);

impl From<Membership> for GroupMember {
    fn from(membership: Membership) -> Self {
        Self(Arc::new(membership))
    }
}

impl GroupMember {
    /// The membership, if the caller sees the group or the member.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(ctx: &Context<'_>, id: GroupMemberId) -> Result<Option<Self>, ApiError> {
        let membership = queries::membership(&mut *read(ctx).await?, id).await?;
        let (actor, scope) = (actor(ctx)?, scope(ctx)?);
        let visible = |party: &Party| sees(&scope, party) || manages(actor, party);
        Ok(membership.filter(|found| visible(&found.group) || visible(&found.member)).map(Self::from))
    }
}

/// Whether the caller may see the extension itself.
fn sees(scope: &Scope, party: &Party) -> bool {
    scope.covers(party.owner_id, party.event_id, party.service_type_id)
}

/// Whether the caller is a key that manages groups of this kind here: it sees the memberships that it makes.
fn manages(actor: &Actor, party: &Party) -> bool {
    actor.key().is_some_and(|key| key.has(ApiKeyScope::ManageGroups) && key.covers(party.event_id, party.service_type_id))
}

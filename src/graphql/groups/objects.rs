//! GraphQL objects of memberships. Fields respect the access rights of the caller.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use crate::graphql;
use crate::graphql::context::{actor, read, scope};
use crate::graphql::enums::MembershipState;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::PhoneNumber;
use extensions::Extension;
use extensions::directory::{self, Audience};
use extensions::groups::{self, ExtensionSummary, Membership, queries};
use platform::access::{Actor, ApiKeyScope, Scope};
use platform::ids::GroupMemberId;
use service_types::ServiceBehaviour;

/// A membership of an extension in a call group.
#[derive(Clone)]
pub struct GroupMember(pub Arc<Membership>);

impl From<Membership> for GroupMember {
    fn from(membership: Membership) -> Self {
        Self(Arc::new(membership))
    }
}

impl GroupMember {
    /// Loads the membership if the caller can see the group or the member.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(ctx: &Context<'_>, id: GroupMemberId) -> Result<Option<Self>, ApiError> {
        let membership = queries::membership(&mut *read(ctx).await?, id).await?;
        let (actor, scope) = (actor(ctx)?, scope(ctx)?);
        let visible = |extension: &ExtensionSummary| in_scope(&scope, extension) || manages(actor, extension);
        Ok(membership.filter(|found| visible(&found.group) || visible(&found.member)).map(Self::from))
    }
}

/// Returns whether the scope of the caller contains the extension.
fn in_scope(scope: &Scope, extension: &ExtensionSummary) -> bool {
    scope.covers(extension.owner_id, extension.event_id, extension.service_type_id)
}

/// Returns whether the caller is an API key that manages groups of this service type and event. Such a key can read the
/// memberships that it creates.
fn manages(actor: &Actor, extension: &ExtensionSummary) -> bool {
    actor.key().is_some_and(|key| {
        key.has(ApiKeyScope::ManageGroups) && key.covers(extension.event_id, extension.service_type_id)
    })
}

#[Object]
impl GroupMember {
    /// The membership's id.
    pub async fn id(&self) -> ID {
        ID(self.0.row.id.global())
    }

    /// The group's number.
    async fn group_number(&self) -> PhoneNumber {
        self.0.group.number.clone().into()
    }

    /// The group's label.
    async fn group_label(&self) -> &str {
        &self.0.group.label
    }

    /// The member's number.
    async fn number(&self) -> PhoneNumber {
        self.0.member.number.clone().into()
    }

    /// The member's label. Empty for the owner of the group while PENDING, unless the directory shows it to the owner.
    async fn label(&self, ctx: &Context<'_>) -> Result<&str, ApiError> {
        let Membership { row, member, .. } = &*self.0;
        let is_active = row.membership == groups::MembershipState::Active;
        if is_active || in_scope(&scope(ctx)?, member) {
            return Ok(&member.label);
        }
        let audience = Audience::of(actor(ctx)?, member.event_id);
        let listed = directory::is_visible(&mut *read(ctx).await?, member.id, audience.visibilities()).await?;
        Ok(if listed { &member.label } else { "" })
    }

    /// The group. Null if the caller cannot see it.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<graphql::extensions::Extension>, ApiError> {
        let row = extensions::queries::by_id(&mut *read(ctx).await?, &scope(ctx)?, self.0.group.id).await?;
        Ok(row.map(graphql::extensions::Extension::new))
    }

    /// The member. Null if the caller cannot see it.
    async fn extension(&self, ctx: &Context<'_>) -> Result<Option<graphql::extensions::Extension>, ApiError> {
        let row = extensions::queries::by_id(&mut *read(ctx).await?, &scope(ctx)?, self.0.member.id).await?;
        Ok(row.map(graphql::extensions::Extension::new))
    }

    /// Seconds before the group calls the member, 0 to 600.
    async fn delay_seconds(&self) -> i32 {
        self.0.row.delay_seconds
    }

    /// Whether the group skips the member for now.
    async fn paused(&self) -> bool {
        self.0.row.paused
    }

    /// PENDING until the owner of the member accepts.
    async fn membership(&self) -> MembershipState {
        self.0.row.membership.into()
    }
}

/// Loads the members and open invitations of a group; `None` for an extension that is no call group or that the caller
/// cannot see.
///
/// # Errors
/// When the database fails.
pub async fn members_of(ctx: &Context<'_>, extension: &Extension) -> Result<Option<Vec<GroupMember>>, ApiError> {
    if !scope(ctx)?.covers(extension.owner_id, extension.event_id, extension.service_type_id) {
        return Ok(None);
    }
    let mut conn = read(ctx).await?;
    let service_type = service_types::service_type_by_id(&mut conn, extension.service_type_id).await?;
    if service_type.is_none_or(|service_type| service_type.behaviour != ServiceBehaviour::CallGroup) {
        return Ok(None);
    }
    let members = queries::members_of(&mut conn, extension.id).await?;
    Ok(Some(members.into_iter().map(GroupMember::from).collect()))
}

/// Loads the memberships and open invitations of an extension; empty if the caller cannot see the extension.
///
/// # Errors
/// When the database fails.
pub async fn member_of(ctx: &Context<'_>, extension: &Extension) -> Result<Vec<GroupMember>, ApiError> {
    if !scope(ctx)?.covers(extension.owner_id, extension.event_id, extension.service_type_id) {
        return Ok(Vec::new());
    }
    let memberships = queries::memberships_of(&mut *read(ctx).await?, extension.id).await?;
    Ok(memberships.into_iter().map(GroupMember::from).collect())
}

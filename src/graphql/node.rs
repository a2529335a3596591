//! Things by their ids, whatever they are.
//!
//! An id begins with its kind, so that the kind's own finder is asked, with its own check: what the caller may not see, what is
//! gone and what is no id at all are the same null.

use async_graphql::{Context, ID, Interface, Object};

use super::context;
use super::error::ApiError;
use crate::graphql::accounts::{Account, Restriction, Session};
use crate::graphql::api_keys::ApiKey;
use crate::graphql::audit::AuditEvent;
use crate::graphql::events::{CallPermission, Event, NumberRange};
use crate::graphql::extensions::Extension;
use crate::graphql::groups::GroupMember;
use crate::graphql::numbers::Number;
use crate::graphql::provisioning::FeedConsumer;
use crate::graphql::service_types::ServiceType;
use crate::graphql::templates::Template;
use numbers::PlanNumber;
use platform::access::{Actor, Role};
use platform::ids;
use restrictions::TargetKind;

/// Something with an id of its own in the whole installation.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id; the kind stands in front."))]
pub enum Node {
    Account(Account),
    Session(Session),
    Restriction(Restriction),
    Event(Event),
    NumberRange(NumberRange),
    ServiceType(ServiceType),
    CallPermission(CallPermission),
    Template(Template),
    ApiKey(ApiKey),
    Number(Number),
    Extension(Extension),
    GroupMember(GroupMember),
    FeedConsumer(FeedConsumer),
    AuditEvent(AuditEvent),
}

/// Queries by id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The thing of this id. Null for what the caller may not see, for what is not there and for what is no id.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id that another field has given.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        find(ctx, &id).await
    }

    /// The things of these ids, in their order, null where there is none for the caller.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids that other fields have given.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in &ids {
            found.push(find(ctx, id).await?);
        }
        Ok(found)
    }
}

/// The thing of a global id, found as its own kind finds it.
async fn find(ctx: &Context<'_>, id: &str) -> Result<Option<Node>, ApiError> {
    let Some((kind, _)) = id.split_once(':') else { return Ok(None) };
    macro_rules! by {
        ($id:ident, $object:ident, $find:ident) => {
            match ids::$id::from_global(id) {
                Some(id) => $object::$find(ctx, id).await?.map(Node::$object),
                None => None,
            }
        };
    }
    Ok(match kind {
        ids::AccountId::KIND => by!(AccountId, Account, known),
        ids::SessionId::KIND => by!(SessionId, Session, known),
        ids::EventId::KIND => by!(EventId, Event, load_visible),
        ids::NumberRangeId::KIND => by!(NumberRangeId, NumberRange, load),
        ids::ServiceTypeId::KIND => by!(ServiceTypeId, ServiceType, load),
        ids::CallPermissionId::KIND => by!(CallPermissionId, CallPermission, load),
        ids::TemplateId::KIND => by!(TemplateId, Template, load),
        ids::ApiKeyId::KIND => by!(ApiKeyId, ApiKey, load),
        ids::GroupMemberId::KIND => by!(GroupMemberId, GroupMember, load),
        ids::ConsumerId::KIND => by!(ConsumerId, FeedConsumer, load),
        ids::ExtensionId::KIND => by!(ExtensionId, Extension, load),
        ids::RestrictionId::KIND => restriction(ctx, id).await?.map(Node::Restriction),
        PlanNumber::KIND => match PlanNumber::from_global(id) {
            Some(place) => Number::load(ctx, &place).await?.map(Node::Number),
            None => None,
        },
        _ => AuditEvent::known(ctx, id).await?.map(Node::AuditEvent),
    })
}

/// A restriction, for whoever sees what it restricts.
async fn restriction(ctx: &Context<'_>, id: &str) -> Result<Option<Restriction>, ApiError> {
    let Some(id) = ids::RestrictionId::from_global(id) else { return Ok(None) };
    let found = restrictions::by_id(&mut *context::read(ctx).await?, id).await?;
    match found {
        Some(found) if concerns(ctx, &found).await? => Ok(Some(Restriction(found))),
        _ => Ok(None),
    }
}

async fn concerns(ctx: &Context<'_>, found: &restrictions::Restriction) -> Result<bool, ApiError> {
    let actor: &Actor = context::actor(ctx)?;
    if actor.is_at_least(Role::Operator) {
        return Ok(true);
    }
    let target = found.target().id.0;
    Ok(match found.target_kind {
        TargetKind::Account => actor.account() == Some(ids::AccountId(target)),
        TargetKind::Extension => Extension::load(ctx, ids::ExtensionId(target)).await?.is_some(),
        TargetKind::Number => is_seen(ctx, ids::NumberId(target)).await?,
    })
}

/// Whether a number is the caller's, or serves an extension that the caller may see.
async fn is_seen(ctx: &Context<'_>, number: ids::NumberId) -> Result<bool, ApiError> {
    // The connection goes back before the next is taken.
    let row = numbers::number_by_id(&mut *context::read(ctx).await?, number).await?;
    let own = context::actor(ctx)?.account();
    Ok(match row {
        None => false,
        Some(row) if row.account_id.is_some() && row.account_id == own => true,
        Some(row) => match row.extension_id {
            None => false,
            Some(extension) => Extension::load(ctx, extension).await?.is_some(),
        },
    })
}

//! Objects by their global ids.
//!
//! An id begins with its kind, whose own look-up checks the caller's permission. The result is null for an object that
//! the caller may not see, an object that does not exist, and a text that is no id.

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

/// An object with an id that is unique in the installation.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id, which begins with the kind."))]
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
    /// The object with this id. Null if it does not exist, if the caller may not see it, and for malformed ids.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An id from another field.")] id: ID,
    ) -> Result<Option<Node>, ApiError> {
        find(ctx, &id).await
    }

    /// The objects with these ids, in the same order; null as for `node`.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids from other fields.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>, ApiError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in &ids {
            found.push(find(ctx, id).await?);
        }
        Ok(found)
    }
}

/// The object of a global id.
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
        ids::AccountId::KIND => by!(AccountId, Account, load_visible),
        ids::SessionId::KIND => by!(SessionId, Session, load_visible),
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
            Some(number) => Number::load(ctx, &number).await?.map(Node::Number),
            None => None,
        },
        _ => AuditEvent::load_visible(ctx, id).await?.map(Node::AuditEvent),
    })
}

/// A restriction, if the caller may see its target.
async fn restriction(ctx: &Context<'_>, id: &str) -> Result<Option<Restriction>, ApiError> {
    let Some(id) = ids::RestrictionId::from_global(id) else { return Ok(None) };
    let found = restrictions::by_id(&mut *context::read(ctx).await?, id).await?;
    match found {
        Some(found) if is_target_visible(ctx, &found).await? => Ok(Some(Restriction(found))),
        _ => Ok(None),
    }
}

async fn is_target_visible(ctx: &Context<'_>, found: &restrictions::Restriction) -> Result<bool, ApiError> {
    let actor: &Actor = context::actor(ctx)?;
    if actor.is_at_least(Role::Operator) {
        return Ok(true);
    }
    let target = found.target().id.0;
    Ok(match found.target_kind {
        TargetKind::Account => actor.account() == Some(ids::AccountId(target)),
        TargetKind::Extension => Extension::load(ctx, ids::ExtensionId(target)).await?.is_some(),
        TargetKind::Number => is_number_visible(ctx, ids::NumberId(target)).await?,
    })
}

/// Returns whether the caller holds the number, or may see the extension that uses it.
async fn is_number_visible(ctx: &Context<'_>, number: ids::NumberId) -> Result<bool, ApiError> {
    // The connection returns to the pool before the next one is taken.
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

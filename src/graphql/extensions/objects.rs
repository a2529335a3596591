//! The GraphQL object of an extension.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use extensions::actions;
use extensions::list::{self, Filter};
use extensions::{queries, sealed};
use platform::access::{Actor, Role};
use platform::ids::{AccountId, EventId, ExtensionId};
use platform::store::types::Id;
use platform::transaction::{Mode, transact};
use restrictions::{RestrictionEffect, TargetKind};
use serde_json::Value;
use service_types::compiled;
use service_types::schema::{Parameters, Viewer};

use crate::connection;
use crate::graphql::accounts::{Account, Restriction};
use crate::graphql::context::{self, actor, caller, services};
use crate::graphql::enums::DirectoryVisibility;
use crate::graphql::error::ApiError;
use crate::graphql::events::{CallPermission, Event, missing_row};
use crate::graphql::groups::GroupMember;
use crate::graphql::paging::Page;
use crate::graphql::provisioning::{DeviceLink, ProvisioningStatus, device_links_of};
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::graphql::service_types::ServiceType;
use crate::graphql::typed::TypedParameters;

/// A number in service: owner, service type, parameters and label.
#[derive(Clone)]
pub struct Extension(pub Arc<extensions::Extension>);

impl Extension {
    /// The object of a row.
    pub fn new(row: extensions::Extension) -> Self {
        Self(Arc::new(row))
    }

    /// The extension of an id, if the caller may see it.
    ///
    /// # Errors
    /// A database error.
    pub async fn load(ctx: &Context<'_>, id: ExtensionId) -> Result<Option<Self>, ApiError> {
        let row = queries::by_id(&mut *context::read(ctx).await?, &context::scope(ctx)?, id).await?;
        Self::if_visible(ctx, row).await
    }

    /// The extension that has a number of an event in service, if the caller may see it.
    ///
    /// # Errors
    /// A database error.
    pub async fn by_number(ctx: &Context<'_>, event: EventId, number: &str) -> Result<Option<Self>, ApiError> {
        let row = queries::by_number(&mut *context::read(ctx).await?, &context::scope(ctx)?, event, number).await?;
        Self::if_visible(ctx, row).await
    }

    /// The object of a row in the caller's scope, unless it is of a draft event: of those, operators see their own only.
    ///
    /// # Errors
    /// A database error.
    pub async fn if_visible(ctx: &Context<'_>, row: Option<extensions::Extension>) -> Result<Option<Self>, ApiError> {
        let Some(row) = row else { return Ok(None) };
        let actor = actor(ctx)?;
        let is_exempt =
            actor.key().is_some() || actor.account() == Some(row.owner_id) || actor.is_at_least(Role::Admin);
        let is_visible = is_exempt || Event::load_visible(ctx, row.event_id).await?.is_some();
        Ok(is_visible.then(|| Self::new(row)))
    }

    async fn kind(&self, ctx: &Context<'_>) -> Result<Arc<service_types::ServiceType>, ApiError> {
        let found = ServiceType::load(ctx, self.0.service_type_id).await?;
        found.map(|found| found.0).ok_or_else(|| missing_row("service type"))
    }

    async fn shown(&self, ctx: &Context<'_>) -> Result<(Arc<service_types::ServiceType>, Parameters), ApiError> {
        let kind = self.kind(ctx).await?;
        let schema = compiled(&kind)?;
        let mut values = self.0.parameters.0.as_object().cloned().unwrap_or_default();
        values.extend(self.0.status.0.as_object().cloned().unwrap_or_default());
        Ok((kind, schema.visible(&values, viewer(actor(ctx)?))))
    }

    async fn restricted_by(&self, ctx: &Context<'_>) -> Result<Vec<restrictions::Restriction>, ApiError> {
        let mut conn = context::read(ctx).await?;
        let mut found = restrictions::of_targets(&mut conn, TargetKind::Extension, &[Id(self.0.id.0)]).await?;
        if let Some(number) = numbers::assigned_number(&mut conn, self.0.event_id, &self.0.number).await? {
            found.extend(restrictions::of_targets(&mut conn, TargetKind::Number, &[Id(number.id.0)]).await?);
        }
        found.extend(restrictions::of_account(&mut conn, self.0.owner_id).await?);
        Ok(found)
    }
}

fn viewer(actor: &Actor) -> Viewer {
    match actor {
        Actor::Key(_) => Viewer::Consumer,
        actor if actor.is_at_least(Role::Operator) => Viewer::Operator,
        _ => Viewer::Owner,
    }
}

#[Object]
impl Extension {
    /// The extension's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// A small stable integer, unique in its event, for systems that number their users.
    async fn slot(&self) -> i32 {
        self.0.slot
    }

    /// The number as it is dialled.
    async fn number(&self) -> PhoneNumber {
        self.0.number.clone().into()
    }

    /// The plan of its number.
    async fn event(&self, ctx: &Context<'_>) -> Result<Event, ApiError> {
        Event::load(ctx, self.0.event_id).await?.ok_or_else(|| missing_row("event"))
    }

    /// What kind of service it is.
    async fn service_type(&self, ctx: &Context<'_>) -> Result<ServiceType, ApiError> {
        ServiceType::load(ctx, self.0.service_type_id).await?.ok_or_else(|| missing_row("service type"))
    }

    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Account, ApiError> {
        Account::load(ctx, self.0.owner_id).await?.ok_or_else(|| missing_row("account"))
    }

    /// What the directory and displays show.
    async fn label(&self) -> &str {
        &self.0.label
    }

    /// Who finds it in the directory.
    async fn visibility(&self) -> DirectoryVisibility {
        self.0.visibility.into()
    }

    /// Parameters without secrets, valid against the service type's schema.
    async fn parameters(&self, ctx: &Context<'_>) -> Result<Value, ApiError> {
        Ok(Value::Object(self.shown(ctx).await?.1))
    }

    /// Null where this server does not know the service type yet.
    async fn typed_parameters(&self, ctx: &Context<'_>) -> Result<Option<TypedParameters>, ApiError> {
        let known = ctx.data_opt::<Arc<service_types::typing::TypeCatalogue>>();
        let (kind, shown) = self.shown(ctx).await?;
        let is_known = known.is_some_and(|catalogue| catalogue.contains(&kind.slug));
        Ok(is_known.then_some(TypedParameters { slug: kind.slug.clone(), json: Value::Object(shown) }))
    }

    /// The service type's instructions, rendered for this extension.
    async fn instructions(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        let (kind, shown) = self.shown(ctx).await?;
        extensions::instructions::render(&kind, &self.0, shown).await.map_err(Into::into)
    }

    /// Secret parameters by name: for the owner those visible to OWNER, for operators those visible to OPERATOR, signed in or
    /// re-authenticated within 15 minutes: otherwise a top-level REAUTHENTICATION_REQUIRED. Null for others. Reading them is audited.
    async fn credentials(&self, ctx: &Context<'_>) -> Result<Option<Value>, ApiError> {
        let actor = actor(ctx)?;
        if actor.account() != Some(self.0.owner_id) && !actor.is_at_least(Role::Operator) {
            return Ok(None);
        }
        let services = services(ctx)?;
        actor.demand_recent_sign_in(services.now())?;
        let schema = compiled(&*self.kind(ctx).await?)?;
        let secrets = sealed::open(&services.sealer, self.0.id, self.0.secrets.as_deref())?;
        let (id, number) = (self.0.id, self.0.number.clone());
        let mut reader = platform::access::Caller::clone(&*caller(ctx)?);
        reader.idempotency = None;
        transact(services, &Arc::new(reader), actions::READ_CREDENTIALS, Mode::Commit, move |tx| {
            Box::pin(async move {
                let permit = tx.permit().await?;
                tx.audit(&permit, Some(id.global()), format!("the credentials of {number} were read")).await
            })
        })
        .await?;
        Ok(Some(Value::Object(schema.visible(&secrets, viewer(actor)))))
    }

    /// What it may do beyond calling within the event.
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Vec<CallPermission>, ApiError> {
        let mut conn = context::read(ctx).await?;
        let granted = queries::permissions_of(&mut conn, self.0.id).await?;
        let all = events::all_permissions(&mut conn).await?;
        Ok(all.into_iter().filter(|row| granted.contains(&row.id)).map(|row| CallPermission(Arc::new(row))).collect())
    }

    /// Where calls go when the extension does not answer.
    async fn fallback_number(&self, ctx: &Context<'_>) -> Result<Option<PhoneNumber>, ApiError> {
        let Some(id) = self.0.fallback_extension_id else { return Ok(self.0.fallback_number.clone().map(Into::into)) };
        Ok(queries::number_of(&mut *context::read(ctx).await?, id).await?.map(Into::into))
    }

    /// Its own, its number's and its owner's.
    async fn restrictions(&self, ctx: &Context<'_>) -> Result<Vec<Restriction>, ApiError> {
        Ok(self.restricted_by(ctx).await?.into_iter().map(Restriction).collect())
    }

    /// True while no restriction has the effect NO_CALLS.
    async fn active(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        Ok(!self.restricted_by(ctx).await?.iter().any(|restriction| restriction.has(RestrictionEffect::NoCalls)))
    }

    /// Null unless the service type's behaviour is CALL_GROUP.
    async fn members(&self, ctx: &Context<'_>) -> Result<Option<Vec<GroupMember>>, ApiError> {
        crate::graphql::groups::members_of(ctx, &self.0).await
    }

    /// The groups that ring it, and those that have invited it.
    async fn member_of(&self, ctx: &Context<'_>) -> Result<Vec<GroupMember>, ApiError> {
        crate::graphql::groups::member_of(ctx, &self.0).await
    }

    /// What each telephone system has made of it.
    async fn provisioning(&self, ctx: &Context<'_>) -> Result<Vec<ProvisioningStatus>, ApiError> {
        let statuses = provisioning::statuses_of(services(ctx)?, self.0.id).await?;
        Ok(statuses.into_iter().map(Into::into).collect())
    }

    /// The links under which its telephones find their configuration, oldest first. Null for all but its owner and operators.
    async fn device_links(&self, ctx: &Context<'_>) -> Result<Option<Vec<DeviceLink>>, ApiError> {
        device_links_of(ctx, &self.0).await
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with every change: `expectedVersion` compares it.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

connection!(ExtensionConnection, ExtensionEdge, Extension, "extensions", total_count);

impl ExtensionConnection {
    /// A page of an account's extensions that the caller may see.
    ///
    /// # Errors
    /// BAD_USER_INPUT for the cursor of another list; a database error.
    pub async fn of_owner(
        ctx: &Context<'_>,
        owner: AccountId,
        first: Option<i32>,
        after: Option<&str>,
    ) -> Result<Self, ApiError> {
        let page = Page::new("extensions", first, after)?;
        let filter = Filter { owner: Some(owner), ..Filter::default() };
        Self::list(ctx, filter.within(&context::scope(ctx)?), page).await
    }

    /// A page of a list with its total if selected; an empty page if `filter` is `None`.
    ///
    /// # Errors
    /// BAD_USER_INPUT for the cursor of another list; a database error.
    pub async fn list(ctx: &Context<'_>, filter: Option<Filter>, page: Page) -> Result<Self, ApiError> {
        let after = page.after_as()?.map(ExtensionId);
        let rows = match &filter {
            None => Vec::new(),
            Some(filter) => list::page(&mut *context::read(ctx).await?, filter, after, page.limit()).await?,
        };
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                match filter {
                    None => Ok(0),
                    Some(filter) => Ok(list::total(&mut *store.read().await?, &filter).await?),
                }
            });
            count
        });
        let rows = rows.into_iter().map(Extension::new).collect();
        Ok(Self::new(page.paginate(rows, |extension: &Extension| extension.0.id.0.to_string()), total))
    }
}

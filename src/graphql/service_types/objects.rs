//! The GraphQL object of service types.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Object};
use serde_json::Value;

use crate::graphql::context::{self, actor};
use crate::graphql::enums;
use crate::graphql::error::ApiError;
use crate::graphql::templates::Template;
use platform::access::{Actor, Role};
use platform::ids::ServiceTypeId;

/// A kind of service, defined by data: a new one requires neither a change of code nor a restart.
#[derive(Clone)]
pub struct ServiceType(pub Arc<service_types::ServiceType>);

impl ServiceType {
    /// The service type with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: ServiceTypeId) -> Result<Option<Self>, ApiError> {
        let cache = ctx.data_opt::<ServiceTypeCache>();
        if let Some(cached) = cache.and_then(|cache| cache.get(id)) {
            return Ok(Some(cached));
        }
        let row = service_types::service_type_by_id(&mut *context::read(ctx).await?, id).await?;
        let found = row.map(|row| Self(Arc::new(row)));
        if let (Some(cache), Some(found)) = (cache, &found) {
            cache.insert(found);
        }
        Ok(found)
    }
}

/// The service types that one query has read, so that it reads each once.
///
/// Mutations and subscriptions have no cache, because service types may change during their execution.
#[derive(Default)]
pub struct ServiceTypeCache(Mutex<Vec<ServiceType>>);

impl ServiceTypeCache {
    fn get(&self, id: ServiceTypeId) -> Option<ServiceType> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.iter().find(|found| found.0.id == id).cloned()
    }

    fn insert(&self, found: &ServiceType) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(found.clone());
    }
}

#[Object]
impl ServiceType {
    /// The service type's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in URLs and commands.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Markdown for users who choose a service type.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Markdown for the owner of an extension on how to set up the device; a template over the public fields of the
    /// extension.
    async fn instructions(&self) -> &str {
        &self.0.instructions
    }

    /// JSON Schema 2020-12 of an extension's parameters, with annotations that begin with `x-`.
    async fn parameter_schema(&self) -> &Value {
        &self.0.parameter_schema.0
    }

    /// Incremented with every change of the schema.
    async fn schema_version(&self) -> i32 {
        self.0.schema_version
    }

    /// Whether its extensions are devices or call groups.
    async fn behaviour(&self) -> enums::ServiceBehaviour {
        self.0.behaviour.into()
    }

    /// Whether only operators register extensions of it.
    async fn privileged(&self) -> bool {
        self.0.privileged
    }

    /// Whether its extensions may join call groups.
    async fn group_capable(&self) -> bool {
        self.0.group_capable
    }

    /// The maximum number of extensions of one user in one event; null: no limit.
    async fn quota(&self) -> Option<i32> {
        self.0.quota
    }

    /// The maximum number of members of a group; null: no limit.
    async fn member_limit(&self) -> Option<i32> {
        self.0.member_limit
    }

    /// Whether new registrations are disabled. Existing extensions stay in service.
    async fn retired(&self) -> bool {
        self.0.retired
    }

    /// Settings for templates, such as registrar, realm and codecs. They never contain secrets.
    async fn settings(&self) -> &Value {
        &self.0.settings.0
    }

    /// The templates that render its feeds as configuration files. Empty for all but admins.
    async fn templates(&self, ctx: &Context<'_>) -> Result<Vec<Template>, ApiError> {
        if !actor(ctx)?.is_at_least(Role::Admin) {
            return Ok(Vec::new());
        }
        let rows = templates::templates_of(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| Template(Arc::new(row))).collect())
    }

    /// The names of the templates that render the document of a single device, for device links. Empty for guests.
    async fn device_templates(&self, ctx: &Context<'_>) -> Result<Vec<String>, ApiError> {
        if matches!(actor(ctx)?, Actor::Guest) {
            return Ok(Vec::new());
        }
        let rows = templates::templates_of(&mut *context::read(ctx).await?, self.0.id).await?;
        let of_devices = rows.into_iter().filter(|row| templates::is_device_template(&row.source));
        Ok(of_devices.map(|row| row.name).collect())
    }
}

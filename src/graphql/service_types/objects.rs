//! The GraphQL object of service types.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Object};
use serde_json::Value;

use platform::access::{Actor, Role};
use crate::graphql::context::{self, actor};
use crate::graphql::enums;
use crate::graphql::error::ApiError;
use crate::graphql::templates::Template;
use platform::ids::ServiceTypeId;

/// A kind of service, made of data alone: adding one needs no change of code and no restart.
#[derive(Clone)]
pub struct ServiceType(pub Arc<service_types::ServiceType>);

impl ServiceType {
    /// The service type of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: ServiceTypeId) -> Result<Option<Self>, ApiError> {
        let read = ctx.data_opt::<ServiceTypeCache>();
        if let Some(known) = read.and_then(|read| read.get(id)) {
            return Ok(Some(known));
        }
        let row = service_types::service_type_by_id(&mut *context::read(ctx).await?, id).await?;
        let found = row.map(|row| Self(Arc::new(row)));
        if let (Some(read), Some(found)) = (read, &found) {
            read.keep(found);
        }
        Ok(found)
    }
}

/// The service types that a query has read: its lists name the same few again and again, and each is read once. Mutations and
/// subscriptions have none of these, since what they read changes under them.
#[derive(Default)]
pub struct ServiceTypeCache(Mutex<Vec<ServiceType>>);

impl ServiceTypeCache {
    fn get(&self, id: ServiceTypeId) -> Option<ServiceType> {
        let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().find(|found| found.0.id == id).cloned()
    }

    fn keep(&self, found: &ServiceType) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(found.clone());
    }
}

#[Object]
impl ServiceType {
    /// The service type's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Its short name in addresses and commands.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Markdown for the people who choose it.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// Markdown for the owner of an extension, a template over its public fields: how to set the device up.
    async fn instructions(&self) -> &str {
        &self.0.instructions
    }

    /// JSON Schema 2020-12 of an extension's parameters, with annotations that begin with `x-`.
    async fn parameter_schema(&self) -> &Value {
        &self.0.parameter_schema.0
    }

    /// Rises with every change of the schema.
    async fn schema_version(&self) -> i32 {
        self.0.schema_version
    }

    /// What its extensions do.
    async fn behaviour(&self) -> enums::ServiceBehaviour {
        self.0.behaviour.into()
    }

    /// Only operators register it.
    async fn privileged(&self) -> bool {
        self.0.privileged
    }

    /// Its extensions may join call groups.
    async fn group_capable(&self) -> bool {
        self.0.group_capable
    }

    /// How many extensions one user may hold in one event; null: no limit.
    async fn quota(&self) -> Option<i32> {
        self.0.quota
    }

    /// How many members a group of this type may have; null: no limit.
    async fn member_limit(&self) -> Option<i32> {
        self.0.member_limit
    }

    /// Whether registrations have stopped; what exists goes on.
    async fn retired(&self) -> bool {
        self.0.retired
    }

    /// Settings for templates: registrar, realm, codecs… never secrets.
    async fn settings(&self) -> &Value {
        &self.0.settings.0
    }

    /// What turns its feeds into configuration files. Empty for all but admins.
    async fn templates(&self, ctx: &Context<'_>) -> Result<Vec<Template>, ApiError> {
        if !actor(ctx)?.is_at_least(Role::Admin) {
            return Ok(Vec::new());
        }
        let rows = templates::templates_of(&mut *context::read(ctx).await?, self.0.id).await?;
        Ok(rows.into_iter().map(|row| Template(Arc::new(row))).collect())
    }

    /// The names of the templates that make the document of a single device, for device links. Empty for guests.
    async fn device_templates(&self, ctx: &Context<'_>) -> Result<Vec<String>, ApiError> {
        if matches!(actor(ctx)?, Actor::Guest) {
            return Ok(Vec::new());
        }
        let rows = templates::templates_of(&mut *context::read(ctx).await?, self.0.id).await?;
        let of_devices = rows.into_iter().filter(|row| templates::is_of_device(row.format, &row.source));
        Ok(of_devices.map(|row| row.name).collect())
    }
}

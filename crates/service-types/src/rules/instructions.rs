//! Tries instructions before the transaction that saves them: rendering takes longer than a writer may be held.

use std::sync::Arc;

use serde_json::Value;

use super::{CreateServiceType, UpdateServiceType, queries};
use crate::model::ServiceType;
use crate::schema::ParameterSchema;
use crate::{actions, compiled, instructions};
use platform::access::{self, Action, Caller};
use platform::error::Error;
use platform::ids::ServiceTypeId;
use platform::patch::Patch;
use platform::services::Services;
use platform::store::types::JsonValue;

/// Tries the instructions of a new service type. Everything else in the input is left to the transaction to refuse.
///
/// # Errors
/// INVALID at `instructions`; what the permission of the action refuses.
pub(super) async fn of_new_type(services: &Services, caller: &Caller, input: &CreateServiceType) -> Result<(), Error> {
    if !is_template(&input.instructions) {
        return Ok(());
    }
    let Ok(schema) = ParameterSchema::compile(&input.parameter_schema) else { return Ok(()) };
    require_permission(services, caller, actions::CREATE_SERVICE_TYPE).await?;
    let service_type = ServiceType {
        id: ServiceTypeId(uuid::Uuid::nil()),
        slug: input.slug.clone(),
        name: input.name.clone(),
        description: String::new(),
        instructions: input.instructions.clone(),
        parameter_schema: JsonValue(Value::Null),
        schema_version: 1,
        behaviour: input.behaviour,
        privileged: input.privileged,
        group_capable: input.group_capable,
        quota: None,
        member_limit: None,
        retired: false,
        settings: JsonValue(input.settings.clone().unwrap_or_default()),
        created_at: services.now(),
    };
    instructions::try_out(services, service_type, Arc::new(schema)).await
}

/// Tries the instructions of a changed service type, with the schema and the settings that it is going to have.
///
/// # Errors
/// INVALID at `instructions`; what the permission of the action refuses.
pub(super) async fn of_changed_type(
    services: &Services,
    caller: &Caller,
    input: &UpdateServiceType,
) -> Result<(), Error> {
    let Patch::Value(text) = &input.instructions else { return Ok(()) };
    if !is_template(text) {
        return Ok(());
    }
    require_permission(services, caller, actions::UPDATE_SERVICE_TYPE).await?;
    let found = queries::service_type_by_slug(&mut *services.store.read().await?, &input.slug).await?;
    let Some(mut service_type) = found else { return Ok(()) };
    let schema = match &input.parameter_schema {
        Patch::Value(source) => match ParameterSchema::compile(source) {
            Ok(schema) => Arc::new(schema),
            Err(_) => return Ok(()),
        },
        Patch::Null | Patch::Undefined => compiled(&service_type)?,
    };
    service_type.instructions.clone_from(text);
    if let Patch::Value(name) = &input.name {
        service_type.name.clone_from(name);
    }
    if let Patch::Value(settings) = &input.settings {
        service_type.settings = JsonValue(settings.clone());
    }
    instructions::try_out(services, service_type, schema).await
}

/// Whether the text has anything that a template engine reads.
fn is_template(text: &str) -> bool {
    text.contains('{')
}

/// Requires the permission before work that only those who have it may cause. The transaction asks again.
async fn require_permission(services: &Services, caller: &Caller, action: Action) -> Result<(), Error> {
    access::permit(&services.hooks, &mut *services.store.read().await?, &caller.actor, action).await.map(drop)
}

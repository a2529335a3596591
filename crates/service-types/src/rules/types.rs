//! Creates service types.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use serde_json::Value;

use super::instructions;
use crate::model::{ServiceBehaviour, ServiceType};
use crate::schema::ParameterSchema;
use crate::typing::{ServiceTypeSource, TypeCatalogue};
use crate::{compiled, queries};
use events::input::{clean_name, clean_slug, clean_text};
use events::rules::{Changed, catalogue_changed};
use platform::access::Caller;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::ServiceTypeId;
use platform::services::Services;
use platform::store::types::JsonValue;
use platform::text::characters::storable_json;
use platform::transaction::Mode;

/// Input for a new service type.
pub struct CreateServiceType {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub instructions: String,
    pub parameter_schema: Value,
    pub behaviour: ServiceBehaviour,
    pub privileged: bool,
    pub group_capable: bool,
    pub quota: Option<i32>,
    pub member_limit: Option<i32>,
    pub settings: Option<Value>,
}

/// Creates a service type, whose GraphQL types exist from the next request on. `reserved` are the type names of the
/// core API.
///
/// # Errors
/// INVALID or ALREADY_EXISTS at the field concerned, and INVALID at the path of each error in `parameterSchema`.
pub async fn create_service_type(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateServiceType,
    reserved: Vec<String>,
) -> Result<Changed<ServiceTypeId>, Error> {
    instructions::of_new_type(services, caller, &input).await?;
    transact!(services, caller, actions::CREATE_SERVICE_TYPE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let slug = clean_slug(&input.slug)?;
        let schema = ParameterSchema::compile(&input.parameter_schema)?;
        let settings = clean_settings(input.settings)?;
        let problems = schema.check_settings(&settings);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let others = queries::all_service_types(tx.conn).await?;
        if others.iter().any(|other| other.slug == slug) {
            return Err(UserError::new(
                UserErrorKind::AlreadyExists,
                "slug",
                "There is a service type with this slug.",
            )
            .into());
        }
        let row = ServiceType {
            id: ServiceTypeId::new(tx.rng(), tx.now),
            name: clean_name("name", &input.name)?,
            description: clean_text("description", input.description)?,
            instructions: clean_text("instructions", input.instructions)?,
            parameter_schema: JsonValue(input.parameter_schema),
            schema_version: 1,
            behaviour: input.behaviour,
            privileged: input.privileged,
            group_capable: input.group_capable,
            quota: not_negative("quota", input.quota)?,
            member_limit: not_negative("memberLimit", input.member_limit)?,
            retired: false,
            settings: JsonValue(settings),
            created_at: tx.now,
            slug,
        };
        check_type_names(&others, &row, &schema, &reserved)?;
        queries::insert_service_type(tx.conn, &permit, &row).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(row.id.global()), format!("service type {} was created", row.slug)).await?;
        Ok(Changed { id: row.id })
    })
    .await
}

/// Rejects a service type whose GraphQL types conflict with existing type names.
pub(super) fn check_type_names(
    others: &[ServiceType],
    row: &ServiceType,
    schema: &ParameterSchema,
    reserved: &[String],
) -> Result<(), Error> {
    let mut catalogue = TypeCatalogue::new(reserved.iter().map(String::as_str));
    for other in others {
        // A conflict between existing types is not an error here: the API leaves such a type out.
        drop(catalogue.add(ServiceTypeSource::new(other, &*compiled(other)?)));
    }
    Ok(catalogue.add(ServiceTypeSource::new(row, schema))?)
}

pub(super) fn clean_settings(settings: Option<Value>) -> Result<Value, UserError> {
    storable_json("settings", settings.as_ref().unwrap_or(&Value::Null))?;
    match settings {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(settings @ Value::Object(_)) if settings.to_string().len() <= 64 * 1024 => Ok(settings),
        Some(Value::Object(_)) => Err(UserError::invalid("settings", "Settings have at most 65,536 bytes.")),
        Some(_) => Err(UserError::invalid("settings", "Settings are a JSON object.")),
    }
}

pub(super) fn not_negative(field: &str, limit: Option<i32>) -> Result<Option<i32>, UserError> {
    match limit {
        Some(limit) if limit < 0 => Err(UserError::invalid(field, "A limit is not negative.")),
        limit => Ok(limit),
    }
}

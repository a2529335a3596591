//! Service types.

use platform::transact;
use crate::actions;
use std::sync::Arc;

use serde_json::Value;

use platform::access::{Caller};
use platform::error::{Error, UserError, UserErrorKind};
use events::input::{clean_name, clean_slug, clean_text};
use events::rules::{Changed, catalogue_changed};
use platform::ids::ServiceTypeId;
use crate::model::{ServiceBehaviour, ServiceType};
use crate::schema::ParameterSchema;
use crate::typing::{ServiceTypeSource, TypeCatalogue};
use crate::{compiled, queries};
use platform::services::Services;
use platform::store::types::JsonValue;
use platform::transaction::Mode;

/// A service type to be made.
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

/// Makes a service type; its GraphQL types are there with the next request. `taken` are the names of the API's own types.
///
/// # Errors
/// INVALID or ALREADY_EXISTS at the field concerned; each fault of the schema at its place in `parameterSchema`.
pub async fn create_service_type(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateServiceType,
    taken: Vec<String>,
) -> Result<Changed<ServiceTypeId>, Error> {
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
                instructions: clean_instructions(input.instructions)?,
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
            refuse_clash(&others, &row, &schema, &taken)?;
            queries::insert_service_type(tx.conn, &permit, &row).await?;
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(row.id.global()), format!("service type {} was made", row.slug)).await?;
            Ok(Changed { id: row.id })
        })
    .await
}

/// Refuses a type whose GraphQL types would have the name of another's.
pub(super) fn refuse_clash(
    others: &[ServiceType],
    row: &ServiceType,
    schema: &ParameterSchema,
    taken: &[String],
) -> Result<(), Error> {
    let mut catalogue = TypeCatalogue::new(taken.iter().map(String::as_str));
    for other in others {
        // An older clash is not this admin's fault; the schema leaves that type out.
        drop(catalogue.add(source(other, &*compiled(other)?)));
    }
    Ok(catalogue.add(source(row, schema))?)
}

/// A service type as the GraphQL types are made of it.
pub fn source<'a>(row: &'a ServiceType, schema: &'a ParameterSchema) -> ServiceTypeSource<'a> {
    ServiceTypeSource { slug: &row.slug, name: &row.name, description: &row.description, schema }
}

pub(super) fn clean_settings(settings: Option<Value>) -> Result<Value, UserError> {
    match settings {
        None => Ok(Value::Object(serde_json::Map::new())),
        Some(settings @ Value::Object(_)) if settings.to_string().len() <= 64 * 1024 => Ok(settings),
        Some(Value::Object(_)) => Err(UserError::invalid("settings", "Settings have at most 65,536 bytes.")),
        Some(_) => Err(UserError::invalid("settings", "Settings are a JSON object.")),
    }
}

/// Instructions are a template: one that does not compile would be shown to every owner as it stands.
pub(super) fn clean_instructions(instructions: String) -> Result<String, UserError> {
    let instructions = clean_text("instructions", instructions)?;
    match minijinja::Environment::new().template_from_str(&instructions) {
        Ok(_) => Ok(instructions),
        Err(error) => {
            let line = error.line().unwrap_or(1);
            Err(UserError::invalid(
                "instructions",
                format!("The template does not compile, in line {line}: {}.", error.kind()),
            ))
        }
    }
}

pub(super) fn not_negative(field: &str, limit: Option<i32>) -> Result<Option<i32>, UserError> {
    match limit {
        Some(limit) if limit < 0 => Err(UserError::invalid(field, "A limit is not negative.")),
        limit => Ok(limit),
    }
}

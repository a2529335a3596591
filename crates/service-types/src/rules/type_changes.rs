//! Changes a service type and migrates its extensions.

use std::sync::{Arc, Mutex, PoisonError};

use events::input::{clean_name, clean_text};
use events::rules::{Changed, catalogue_changed};
use platform::access::{Caller, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::feed_log::{self, FeedRef};
use platform::ids::{EventId, ServiceTypeId};
use platform::locks::{self, LockMode};
use platform::notifications::Notification;
use platform::patch::Patch;
use platform::services::Services;
use platform::store::types::JsonValue;
use platform::text::characters::storable_json;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde_json::Value;

use super::incompatibility::Incompatibilities;
use super::instructions;
use super::types::{check_type_names, clean_settings, not_negative};
use crate::migrate::SchemaChange;
use crate::model::ServiceType;
use crate::schema::{ParameterSchema, Parameters, same_schema};
use crate::{actions, compiled, hooks, queries};

/// Changes to a service type.
pub struct UpdateServiceType {
    /// The slug of the service type.
    pub slug: String,
    pub name: Patch<String>,
    pub description: Patch<String>,
    pub instructions: Patch<String>,
    pub parameter_schema: Patch<Value>,
    /// Values for parameters that are missing, invalid under the new schema, or no longer secret. Null removes such a
    /// parameter.
    pub defaults: Option<Value>,
    pub privileged: Patch<bool>,
    pub group_capable: Patch<bool>,
    pub quota: Patch<i32>,
    pub member_limit: Patch<i32>,
    pub settings: Patch<Value>,
    pub retired: Patch<bool>,
    pub expected_schema_version: Option<i32>,
    pub dry_run: bool,
}

/// The result of an update, with the extensions that are incompatible with the new schema.
pub struct UpdateOutcome {
    pub result: Result<Changed<ServiceTypeId>, Error>,
    pub incompatibilities: Incompatibilities,
}

/// Changes a service type.
///
/// A new schema migrates every extension of the type in the same transaction. If any extension is incompatible, nothing
/// changes. An extension is also incompatible if a stored secret would be exposed because its parameter is no longer
/// secret. `reserved` are the type names of the core API.
///
/// `result` contains INVALID or NOT_FOUND at the field concerned, STALE_VERSION at `expectedSchemaVersion`, or
/// SCHEMA_VIOLATION at `parameterSchema` with the extensions in `incompatibilities`.
pub async fn update_service_type(
    services: &Services,
    caller: &Arc<Caller>,
    input: UpdateServiceType,
    reserved: Vec<String>,
) -> UpdateOutcome {
    if let Err(error) = instructions::of_changed_type(services, caller, &input).await {
        return UpdateOutcome { result: Err(error), incompatibilities: Incompatibilities::default() };
    }
    // An aborted transaction only returns its errors. The incompatible extensions are returned through this mutex.
    let collected = Arc::new(Mutex::new(Incompatibilities::default()));
    let sink = Arc::clone(&collected);
    let mode = Mode::dry_run(input.dry_run);
    let result = transact!(services, caller, actions::UPDATE_SERVICE_TYPE, mode, |tx| {
        let mut incompatibilities = Incompatibilities::default();
        let result = update(tx, input, &reserved, &mut incompatibilities).await;
        *sink.lock().unwrap_or_else(PoisonError::into_inner) = incompatibilities;
        result
    })
    .await;
    let incompatibilities = std::mem::take(&mut *collected.lock().unwrap_or_else(PoisonError::into_inner));
    UpdateOutcome { result, incompatibilities }
}

async fn update(
    tx: &mut Tx<'_>,
    input: UpdateServiceType,
    reserved: &[String],
    incompatibilities: &mut Incompatibilities,
) -> Result<Changed<ServiceTypeId>, Error> {
    // The lock blocks every registration of the type, so only admins may wait for it.
    tx.actor().demand(Role::Admin)?;
    let unknown = || UserError::not_found("slug", "There is no service type with this slug.");
    let found = queries::service_type_by_slug(tx.conn, &input.slug).await?;
    let events = match &found {
        Some(found) => lock(tx, found.id).await?,
        None => Vec::new(),
    };
    let permit = tx.permit().await?;
    let id = found.ok_or_else(unknown)?.id;
    let before = queries::service_type_by_id(tx.conn, id).await?.ok_or_else(unknown)?;
    if let Some(expected) = input.expected_schema_version
        && expected != before.schema_version
    {
        let kind = UserErrorKind::StaleVersion { current: before.schema_version };
        return Err(UserError::new(kind, "expectedSchemaVersion", "The schema was changed in the meantime.").into());
    }
    let Plan { after, change } = plan(input, &before)?;
    if change.is_new_schema() {
        let others: Vec<_> =
            queries::all_service_types(tx.conn).await?.into_iter().filter(|other| other.id != id).collect();
        check_type_names(&others, &after, &change.new, reserved).map_err(at_schema)?;
        hooks::migrate(tx, &permit, &change, incompatibilities).await?;
        if let Some(error) = incompatibilities.error() {
            return Err(error.into());
        }
    } else if change.settings_changed {
        hooks::settings_changed(tx, id).await?;
    }
    queries::save_service_type(tx.conn, &permit, &after).await?;
    if before.name != after.name || change.settings_changed {
        for feed in feed_log::feeds_of_service_type(tx.conn, id).await? {
            tx.changes.record_feed(FeedRef { event: feed.event_id, service_type: id });
        }
    }
    if before.name != after.name {
        events.iter().for_each(|event| tx.notify(Notification::Directory(*event)));
    }
    catalogue_changed(tx).await?;
    tx.audit(&permit, Some(id.global()), summary(&before, &after)).await?;
    Ok(Changed { id })
}

/// Locks the type, then every event that has an extension or a feed of it.
async fn lock(tx: &mut Tx<'_>, id: ServiceTypeId) -> Result<Vec<EventId>, Error> {
    locks::service_types(tx.conn, &[id], LockMode::Exclusive).await?;
    let mut events = hooks::events(tx, id).await?;
    events.extend(feed_log::feeds_of_service_type(tx.conn, id).await?.into_iter().map(|feed| feed.event_id));
    events.sort_unstable();
    events.dedup();
    locks::events(tx.conn, &events).await?;
    Ok(events)
}

/// Moves an error to `parameterSchema`: the slug does not change, so only the schema can cause a conflict of names.
fn at_schema(error: Error) -> Error {
    match error {
        Error::User(problems) => {
            Error::User(problems.into_iter().map(|problem| problem.at(["parameterSchema"])).collect())
        }
        other => other,
    }
}

/// The validated input of an update.
struct Plan {
    after: ServiceType,
    change: SchemaChange,
}

/// Validates the input and applies it to a copy of the row.
fn plan(input: UpdateServiceType, before: &ServiceType) -> Result<Plan, Error> {
    let mut after = before.clone();
    if let Some(name) = input.name.stored("name")? {
        after.name = clean_name("name", &name)?;
    }
    if let Some(description) = input.description.stored("description")? {
        after.description = clean_text("description", description)?;
    }
    if let Some(instructions) = input.instructions.stored("instructions")? {
        after.instructions = clean_text("instructions", instructions)?;
    }
    after.privileged = input.privileged.stored("privileged")?.unwrap_or(before.privileged);
    after.group_capable = input.group_capable.stored("groupCapable")?.unwrap_or(before.group_capable);
    after.retired = input.retired.stored("retired")?.unwrap_or(before.retired);
    if let Some(quota) = input.quota.clearable() {
        after.quota = not_negative("quota", quota)?;
    }
    if let Some(limit) = input.member_limit.clearable() {
        after.member_limit = not_negative("memberLimit", limit)?;
    }
    if let Some(settings) = input.settings.stored("settings")? {
        after.settings = JsonValue(clean_settings(Some(settings))?);
    }
    let old = compiled(before)?;
    let new = match input.parameter_schema.stored("parameterSchema")? {
        Some(source) if !same_schema(&source, &before.parameter_schema.0) => {
            let schema = ParameterSchema::compile(&source)?;
            after.parameter_schema = JsonValue(source);
            after.schema_version += 1;
            Arc::new(schema)
        }
        _ => Arc::clone(&old),
    };
    let problems = new.check_settings(&after.settings.0);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let defaults = clean_defaults(input.defaults, &new)?;
    let settings_changed = before.settings != after.settings;
    let change = SchemaChange { service_type: before.id, old, new, defaults, settings_changed };
    Ok(Plan { after, change })
}

fn clean_defaults(defaults: Option<Value>, schema: &ParameterSchema) -> Result<Parameters, UserError> {
    storable_json("defaults", defaults.as_ref().unwrap_or(&Value::Null))?;
    let defaults = match defaults {
        None | Some(Value::Null) => return Ok(Parameters::new()),
        Some(Value::Object(defaults)) => defaults,
        Some(_) => return Err(UserError::invalid("defaults", "Defaults are a JSON object of parameters.")),
    };
    match defaults.iter().find(|(name, value)| !value.is_null() && schema.parameter(name).is_none()) {
        None => Ok(defaults),
        Some((name, _)) => {
            Err(UserError::invalid("", "The new schema has no such parameter.").at(["defaults", name.as_str()]))
        }
    }
}

fn summary(before: &ServiceType, after: &ServiceType) -> String {
    let mut changes = Vec::new();
    if before.schema_version != after.schema_version {
        changes.push(format!("schema version {}", after.schema_version));
    }
    if before.settings != after.settings {
        changes.push("settings".to_owned());
    }
    if before.retired != after.retired {
        changes.push(if after.retired { "retired" } else { "reactivated" }.to_owned());
    }
    if changes.is_empty() {
        return format!("service type {} was changed", after.slug);
    }
    format!("service type {} was changed: {}", after.slug, changes.join(", "))
}

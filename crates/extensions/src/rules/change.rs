//! Changes of an extension's settings.

use std::sync::Arc;

use platform::access::{Caller, Permit, Role};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde_json::Value;
use service_types::schema::{GenerationContext, Parameters};
use service_types::{ServiceType, compiled};

use super::fallback::set_fallback;
use super::parameters::{ChangedParameters, CompiledServiceType, NewValues, ParameterChange};
use super::problems::Problems;
use super::{
    ChangeKind, Changed, Locked, check_phase, check_version, editor, feed_changes, lock_one, parameters,
    visible_secrets,
};
use crate::label::Label;
use crate::model::Extension;
use crate::visibility::Visibility;
use crate::{actions, queries};

/// The input of [`update`]. Fields without a value stay unchanged.
pub struct UpdateExtension {
    pub id: String,
    pub expected_version: Option<i32>,
    pub label: Patch<String>,
    pub visibility: Patch<Visibility>,
    /// A merge patch (RFC 7396).
    pub parameters: Option<Value>,
    /// The number that receives the calls which the extension does not answer.
    pub fallback_number: Patch<String>,
    pub dry_run: bool,
}

/// Changes label, visibility, parameters and fallback.
///
/// # Errors
/// Every problem at the field concerned; REAUTHENTICATION_REQUIRED for a secret parameter if the last sign-in is too long ago.
pub async fn update(services: &Services, caller: &Arc<Caller>, input: UpdateExtension) -> Result<Changed, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact!(services, caller, actions::UPDATE_EXTENSION, mode, |tx| {
        let Locked { permit, mut row, event, service_type } =
            lock_one(tx, actions::UPDATE_EXTENSION, &input.id).await?;
        check_phase(&event, &permit, ChangeKind::Settings)?;
        check_version(&row, input.expected_version)?;
        let schema = compiled(&service_type)?;
        let changed = apply(tx, &permit, &mut row, service_type, input).await?;
        row.version += 1;
        row.updated_at = tx.now;
        queries::save(tx.conn, &permit, &row).await?;
        queries::index(tx.conn, &permit, &row, false).await?;
        let mut generated = None;
        if let Some(ChangedParameters { generated: secrets, unique_values }) = changed {
            parameters::replace_unique_values(tx, &permit, &schema, row.id, &unique_values).await?;
            generated = visible_secrets(&schema, &secrets, &permit);
        }
        feed_changes::record_upsert(tx, &row, &schema);
        tx.audit(&permit, Some(row.id.global()), format!("{} was changed", row.number)).await?;
        Changed::of(tx, mode, &permit, &row, generated).await
    })
    .await
}

/// Checks a change and applies it to the row. Returns what follows from changed parameters.
///
/// # Errors
/// Every problem at the field concerned.
async fn apply(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    service_type: ServiceType,
    input: UpdateExtension,
) -> Result<Option<ChangedParameters>, Error> {
    let mut problems = Problems::default();
    if let Some(Some(label)) = problems.collect(input.label.stored("label")) {
        let label = problems.collect(Label::parse(&label).map_err(|problem| problem.at(["label"])));
        row.label = label.map(Label::into_string).unwrap_or_default();
    }
    let visibility = problems.collect(input.visibility.stored("visibility")).flatten();
    row.visibility = visibility.unwrap_or(row.visibility);
    if let Some(fallback) = input.fallback_number.clearable() {
        problems.collect_all(set_fallback(tx, row, fallback.as_deref()).await)?;
    }
    let mut changed = None;
    if let Some(patch) = input.parameters
        && let Some(patch) = problems.collect(parameters::parse_patch(Some(patch)))
    {
        let owner = accounts::account_by_id(tx.conn, row.owner_id).await?.ok_or(AuthError::Forbidden)?;
        let values = NewValues::Patch(patch);
        let change =
            ParameterChange { values, editor: editor(permit), username: &owner.username, is_registration: false };
        let service_type = CompiledServiceType::load(tx, service_type).await?;
        changed = problems.collect_all(parameters::change(tx, &service_type, row, change))?;
        if let Some(changed) = &changed {
            problems.extend(parameters::check_unique_values(tx, row.id, &changed.unique_values).await?);
        }
    }
    problems.into_result()?;
    Ok(changed)
}

/// Rotates a generated secret. The old one is valid until the consumers have read the next page of the feed.
///
/// # Errors
/// NOT_FOUND or INVALID at `parameter`; REAUTHENTICATION_REQUIRED if the last sign-in is too long ago.
pub async fn rotate_secret(
    services: &Services,
    caller: &Arc<Caller>,
    id: &str,
    parameter: &str,
) -> Result<Changed, Error> {
    caller.actor.demand(Role::User)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    let (id, parameter) = (id.to_owned(), parameter.to_owned());
    transact!(services, caller, actions::ROTATE_SECRET, Mode::Commit, |tx| {
        let Locked { permit, mut row, event, service_type } = lock_one(tx, actions::ROTATE_SECRET, &id).await?;
        check_phase(&event, &permit, ChangeKind::Settings)?;
        let schema = compiled(&service_type)?;
        let found = schema.rotatable(&parameter)?;
        if !found.is_writable_by(editor(&permit)) {
            let message = "You may not change this parameter.";
            return Err(UserError::new(UserErrorKind::FeatureDenied, "parameter", message).into());
        }
        let owner = accounts::account_by_id(tx.conn, row.owner_id).await?.ok_or(AuthError::Forbidden)?;
        let number = row.number.clone();
        let rotated = schema.generate_one(
            &parameter,
            &GenerationContext { number: &number, username: &owner.username, rng: tx.rng() },
        )?;
        let mut values = parameters::all(tx, &row)?;
        values.insert(parameter.clone(), rotated.clone());
        parameters::store(tx, &schema, &mut row, values)?;
        parameters::store_unique_values(tx, &permit, &schema, &row, &service_type).await?;
        row.version += 1;
        row.updated_at = tx.now;
        queries::save(tx.conn, &permit, &row).await?;
        feed_changes::record_upsert(tx, &row, &schema);
        tx.audit(&permit, Some(row.id.global()), format!("{parameter} of {} was made anew", row.number)).await?;
        let secrets = Parameters::from_iter([(parameter, rotated)]);
        Ok(Changed { extension: row.id, generated: visible_secrets(&schema, &secrets, &permit), preview: None })
    })
    .await
}

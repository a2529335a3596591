//! Changes of an extension's settings and call permissions.

use std::sync::Arc;

use platform::access::{Caller, Permit, Role};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::CallPermissionId;
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde_json::Value;
use service_types::schema::{GenerationContext, Parameters};
use service_types::{ServiceType, compiled};

use super::fallback::set_fallback;
use super::{
    ChangeKind, Changed, Locked, check_phase, check_version, editor, feed_changes, lock_one, parameters,
    visible_secrets,
};
use crate::actions;
use crate::label::Label;
use crate::model::Extension;
use crate::queries;
use crate::visibility::Visibility;

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
/// User errors at the field concerned.
pub async fn update(services: &Services, caller: &Arc<Caller>, input: UpdateExtension) -> Result<Changed, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact!(services, caller, actions::UPDATE_EXTENSION, mode, |tx| {
        let Locked { permit, mut row, event, service_type } =
            lock_one(tx, actions::UPDATE_EXTENSION, &input.id).await?;
        check_phase(&event, &permit, ChangeKind::Settings)?;
        check_version(&row, input.expected_version)?;
        let schema = compiled(&service_type)?;
        if let Some(label) = input.label.stored("label")? {
            row.label = Label::parse(&label).map_err(|problem| problem.at(["label"]))?.into_string();
        }
        row.visibility = input.visibility.stored("visibility")?.unwrap_or(row.visibility);
        if let Some(fallback) = input.fallback_number.clearable() {
            set_fallback(tx, &mut row, fallback.as_deref()).await?;
        }
        let mut generated = None;
        if let Some(patch) = input.parameters {
            let secrets = patch_parameters(tx, &permit, &mut row, &service_type, patch).await?;
            generated = visible_secrets(&schema, &secrets, &permit);
        }
        row.version += 1;
        row.updated_at = tx.now;
        queries::save(tx.conn, &permit, &row).await?;
        queries::index(tx.conn, &permit, &row, false).await?;
        feed_changes::record_upsert(tx, &row, &schema);
        tx.audit(&permit, Some(row.id.global()), format!("{} was changed", row.number)).await?;
        Changed::of(tx, mode, &permit, &row, generated).await
    })
    .await
}

/// Merges a patch into the parameters of a row. Returns the generated secrets.
async fn patch_parameters(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    service_type: &ServiceType,
    patch: Value,
) -> Result<Parameters, Error> {
    let schema = compiled(service_type)?;
    let owner = accounts::account_by_id(tx.conn, row.owner_id).await?.ok_or(AuthError::Forbidden)?;
    let number = row.number.clone();
    let source = GenerationContext { number: &number, username: &owner.username, rng: tx.rng() };
    let current = parameters::all(tx, row)?;
    let patch = parameters::parse_patch(Some(patch))?;
    let (values, secrets) = parameters::merge(&schema, current, patch, editor(permit), &source)?;
    parameters::store(tx, &schema, row, values)?;
    parameters::store_unique_values(tx, permit, &schema, row, service_type).await?;
    Ok(secrets)
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

/// Replaces the call permissions of an extension.
///
/// # Errors
/// NOT_FOUND at an unknown permission; STALE_VERSION.
pub async fn set_call_permissions(
    services: &Services,
    caller: &Arc<Caller>,
    id: &str,
    slugs: Vec<String>,
    expected: Option<i32>,
) -> Result<Changed, Error> {
    let id = id.to_owned();
    transact!(services, caller, actions::SET_CALL_PERMISSIONS, Mode::Commit, |tx| {
        let Locked { permit, mut row, event, service_type } = lock_one(tx, actions::SET_CALL_PERMISSIONS, &id).await?;
        check_phase(&event, &permit, ChangeKind::Settings)?;
        check_version(&row, expected)?;
        let granted = permissions(tx, &slugs).await?;
        queries::set_permissions(tx.conn, &permit, row.id, &granted).await?;
        row.version += 1;
        row.updated_at = tx.now;
        queries::save(tx.conn, &permit, &row).await?;
        feed_changes::record_upsert(tx, &row, &*compiled(&service_type)?);
        tx.audit(&permit, Some(row.id.global()), format!("{} may now: {}", row.number, slugs.join(", "))).await?;
        Ok(Changed { extension: row.id, generated: None, preview: None })
    })
    .await
}

/// The call permissions of these slugs.
///
/// # Errors
/// NOT_FOUND at `permissions` and the index of an unknown slug.
pub(super) async fn permissions(tx: &mut Tx<'_>, slugs: &[String]) -> Result<Vec<CallPermissionId>, Error> {
    let found = events::permissions_by_slugs(tx.conn, slugs).await?;
    for (index, slug) in slugs.iter().enumerate() {
        if !found.iter().any(|permission| permission.slug == *slug) {
            let problem = UserError::not_found("", format!("There is no call permission {slug:?}."));
            return Err(problem.at(["permissions".to_owned(), index.to_string()]).into());
        }
    }
    Ok(found.into_iter().map(|permission| permission.id).collect())
}

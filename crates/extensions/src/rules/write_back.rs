//! Parameters that telephone systems write: an IPEI, an IMSI, the last registration of a device.

use std::sync::Arc;

use events::EventPhase;
use platform::access::{Caller, write_scope};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_types::compiled;
use service_types::schema::{Editor, GenerationContext, StoredParameters};

use super::{Locked, event_and_type_of, feed_changes, parameters, take_locks};
use crate::actions;
use crate::model::Extension;
use crate::queries;

/// The extension that was written to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Written {
    pub id: ExtensionId,
}

/// Merges a telephone system's parameters into an extension (RFC 7396), in every phase but ARCHIVED.
///
/// A status parameter (`x-status`) changes neither version nor feed. Every other change is published to all consumers, including
/// the one that wrote it, which applies it without effect.
///
/// # Errors
/// INVALID or NOT_FOUND at `id` for an extension outside the key's limits; FEATURE_DENIED for a parameter that a
/// consumer may not write, SCHEMA_VIOLATION, ALREADY_EXISTS for a value that another extension has; EVENT_CLOSED.
pub async fn write_back(services: &Services, caller: &Arc<Caller>, id: &str, patch: Value) -> Result<Written, Error> {
    let id = id.to_owned();
    transact!(services, caller, actions::WRITE_BACK_PARAMETERS, Mode::Commit, |tx| {
        let locked = lock_for_key(tx, &id).await?;
        if locked.event.phase == EventPhase::Archived {
            return Err(UserError::new(UserErrorKind::EventClosed, "", "The event is archived.").into());
        }
        let id = locked.row.id;
        merge(tx, locked, patch).await?;
        Ok(Written { id })
    })
    .await
}

/// Locks the extension with its event and service type. The scope of a writing key differs from that of a reading one, so
/// [`super::lock_one`] does not apply.
async fn lock_for_key(tx: &mut Tx<'_>, id: &str) -> Result<Locked, Error> {
    let permit = tx.permit().await?;
    let scope = write_scope(&permit);
    let id =
        ExtensionId::from_global(id).ok_or_else(|| UserError::invalid("id", "This is not the id of an extension."))?;
    let missing = || UserError::not_found("id", "There is no such extension.");
    let before = queries::by_id(tx.conn, &scope, id).await?.ok_or_else(missing)?;
    take_locks(tx, &[&before], &[]).await?;
    let row = queries::by_id(tx.conn, &scope, id).await?.ok_or_else(missing)?;
    let (event, service_type) = event_and_type_of(tx, &row).await?;
    Ok(Locked { permit, row, event, service_type })
}

async fn merge(tx: &mut Tx<'_>, locked: Locked, patch: Value) -> Result<(), Error> {
    let Locked { permit, mut row, service_type, .. } = locked;
    let schema = compiled(&service_type)?;
    let owner = accounts::account_by_id(tx.conn, row.owner_id).await?;
    let owner = owner.ok_or_else(|| InternalError::new("an extension without its owner"))?;
    let current = parameters::all(tx, &row)?;
    let source = GenerationContext { number: &row.number, username: &owner.username, rng: tx.rng() };
    let patch = parameters::parse_patch(Some(patch))?;
    let (values, _) = parameters::merge(&schema, current.clone(), patch, Editor::Consumer, &source)?;
    let (before, after) = (schema.split(current), schema.split(values.clone()));
    let is_published = before.public != after.public || before.secrets != after.secrets;
    if !is_published && before.status == after.status {
        return Ok(());
    }
    parameters::store(tx, &schema, &mut row, values)?;
    if is_published {
        row.version += 1;
        row.updated_at = tx.now;
    }
    queries::save(tx.conn, &permit, &row).await?;
    if is_published {
        parameters::store_unique_values(tx, &permit, &schema, &row, &service_type).await?;
        feed_changes::record_upsert(tx, &row, &schema);
        tx.audit(&permit, Some(row.id.global()), summary(&row, &before, &after)).await?;
    }
    Ok(())
}

/// The audit summary: the names of the written parameters without their values.
fn summary(row: &Extension, before: &StoredParameters, after: &StoredParameters) -> String {
    let (before, after) = (before.merged(), after.merged());
    let names: Vec<_> = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))).collect();
    let changed: Vec<_> =
        names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
    format!("{} of {} was written back", changed.join(", "), row.number)
}

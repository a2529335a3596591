//! What telephone systems tell about extensions: an IPEI, an IMSI, when a device registered last.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::model::Extension;
use super::super::queries;
use super::{Held, lock, marks, parameters, place_of};
use events::EventPhase;
use platform::access::{Caller, write_scope};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::ExtensionId;
use platform::services::Services;
use platform::transaction::{Mode, Tx};
use service_types::compiled;
use service_types::schema::{Editor, GenerationContext, StoredParameters};

/// The extension that was written to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Written {
    pub id: ExtensionId,
}

/// Merges a telephone system's parameters into an extension (RFC 7396), in every phase but ARCHIVED.
///
/// What a system reports about itself (`x-status`) changes neither version nor feed; all else is told to every consumer, the one
/// that wrote it too, which applies it harmlessly.
///
/// # Errors
/// INVALID or NOT_FOUND at `id` for an extension outside the key's limits; FEATURE_DENIED for a parameter that is not the
/// system's to write, SCHEMA_VIOLATION, ALREADY_EXISTS for a value that another extension has; EVENT_CLOSED.
pub async fn write_back(services: &Services, caller: &Arc<Caller>, id: &str, patch: Value) -> Result<Written, Error> {
    let id = id.to_owned();
    transact!(services, caller, actions::WRITE_BACK_PARAMETERS, Mode::Commit, |tx| {
        let held = hold(tx, &id).await?;
        if held.event.phase == EventPhase::Archived {
            return Err(UserError::new(UserErrorKind::EventClosed, "", "The event is archived.").into());
        }
        let id = held.row.id;
        merge(tx, held, patch).await?;
        Ok(Written { id })
    })
    .await
}

/// The extension with its event and type, under their locks. A key that writes need not be one that reads.
async fn hold(tx: &mut Tx<'_>, id: &str) -> Result<Held, Error> {
    let permit = tx.permit().await?;
    let scope = write_scope(&permit);
    let id =
        ExtensionId::from_global(id).ok_or_else(|| UserError::invalid("id", "This is not the id of an extension."))?;
    let missing = || UserError::not_found("id", "There is no such extension.");
    let before = queries::by_id(tx.conn, &scope, id).await?.ok_or_else(missing)?;
    lock(tx, &[&before], &[]).await?;
    let row = queries::by_id(tx.conn, &scope, id).await?.ok_or_else(missing)?;
    let (event, service_type) = place_of(tx, &row).await?;
    Ok(Held { permit, row, event, service_type })
}

async fn merge(tx: &mut Tx<'_>, held: Held, patch: Value) -> Result<(), Error> {
    let Held { permit, mut row, service_type, .. } = held;
    let schema = compiled(&service_type)?;
    let owner = accounts::account_by_id(tx.conn, row.owner_id).await?;
    let owner = owner.ok_or_else(|| InternalError::new("an extension without its owner"))?;
    let current = parameters::all(tx, &row)?;
    let source = GenerationContext { number: &row.number, username: &owner.username, rng: tx.rng() };
    let patch = parameters::patch(Some(patch))?;
    let (values, _) = parameters::merge(&schema, current.clone(), patch, Editor::Consumer, &source)?;
    let (before, after) = (schema.split(current), schema.split(values.clone()));
    let is_told = before.public != after.public || before.secrets != after.secrets;
    if !is_told && before.status == after.status {
        return Ok(());
    }
    parameters::store(tx, &schema, &mut row, values)?;
    if is_told {
        row.version += 1;
        row.updated_at = tx.now;
    }
    queries::save(tx.conn, &permit, &row).await?;
    if is_told {
        parameters::claim_unique(tx, &permit, &schema, &row, &service_type).await?;
        marks::present(tx, &row, &schema);
        tx.audit(&permit, Some(row.id.global()), summary(&row, &before, &after)).await?;
    }
    Ok(())
}

/// Which parameters were written, by name: values are nobody's business in the audit.
fn summary(row: &Extension, before: &StoredParameters, after: &StoredParameters) -> String {
    let (before, after) = (before.merged(), after.merged());
    let names: Vec<_> = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))).collect();
    let changed: Vec<_> =
        names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(String::as_str).collect();
    format!("{} of {} was written back", changed.join(", "), row.number)
}

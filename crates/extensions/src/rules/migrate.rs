//! Migration of the extensions of a service type to a new schema.

use platform::access::Permit;
use platform::error::Error;
use platform::feed_log::EntryChange;
use platform::store::types::JsonValue;
use platform::transaction::Tx;
use service_types::SchemaChange;
use service_types::rules::Incompatibilities;
use service_types::schema::{GenerationContext, StoredParameters};
use service_types::unique_values::{comparison_key, unique_values};

use super::{feed_changes, parameters};
use crate::model::{Extension, OwnedExtension};
use crate::{bulk_queries, queries, sealed};

/// The migrated parameters of one extension.
struct Migration {
    row: Extension,
    before: StoredParameters,
    after: StoredParameters,
}

/// Migrates every extension of the type to the new schema and records the changed feed entries. Saves nothing if an
/// extension is incompatible. The caller holds the locks of the type and of the events of its extensions.
///
/// # Errors
/// When the database fails, or stored secrets do not open.
pub async fn migrate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    change: &SchemaChange,
    incompatibilities: &mut Incompatibilities,
) -> Result<(), Error> {
    let mut migrations = Vec::new();
    for OwnedExtension { row, username } in bulk_queries::of_service_type(tx.conn, change.service_type).await? {
        let before = stored_parameters(tx, &row)?;
        let context = GenerationContext { number: &row.number, username: &username, rng: tx.rng() };
        match change.migrate(&before, &context) {
            Ok(after) => migrations.push(Migration { row, before, after }),
            Err(problem) => incompatibilities.add(row.id, problem),
        }
    }
    if incompatibilities.is_empty() && change.has_unique_parameters() {
        replace_unique_values(tx, permit, change, &migrations, incompatibilities).await?;
    }
    if !incompatibilities.is_empty() {
        return Ok(());
    }
    let affects_all_entries = change.affects_all_entries();
    for migration in migrations {
        save(tx, permit, change, migration, affects_all_entries).await?;
    }
    Ok(())
}

fn stored_parameters(tx: &Tx<'_>, row: &Extension) -> Result<StoredParameters, Error> {
    Ok(StoredParameters {
        public: parameters::public(row),
        secrets: sealed::open(tx.sealer(), row.id, row.secrets.as_deref())?,
        status: row.status.0.as_object().cloned().unwrap_or_default(),
    })
}

/// Replaces the unique values of all extensions. A value that another extension has makes an extension incompatible.
async fn replace_unique_values(
    tx: &mut Tx<'_>,
    permit: &Permit,
    change: &SchemaChange,
    migrations: &[Migration],
    incompatibilities: &mut Incompatibilities,
) -> Result<(), Error> {
    queries::delete_unique_values_of_type(tx.conn, permit, change.service_type).await?;
    let key = comparison_key(tx, &change.new).await?;
    for Migration { row, after, .. } in migrations {
        let values = unique_values(&change.new, &after.merged(), row.event_id, change.service_type, key.as_ref())?;
        if let Some(taken) = queries::insert_unique_values(tx.conn, permit, row.id, &values).await? {
            incompatibilities.add_taken(row.id, &taken);
        }
    }
    Ok(())
}

/// Saves the migrated parameters of an extension and records the change of its feed entry. A status parameter changes
/// neither version nor feed.
async fn save(
    tx: &mut Tx<'_>,
    permit: &Permit,
    change: &SchemaChange,
    migration: Migration,
    affects_all_entries: bool,
) -> Result<(), Error> {
    let Migration { mut row, before, after } = migration;
    let has_new_keys = change.old.feed_keys(&before.public) != change.new.feed_keys(&after.public);
    let is_new_version = before.public != after.public || before.secrets != after.secrets;
    if is_new_version || before.status != after.status {
        if before.secrets != after.secrets {
            row.secrets = sealed::seal(tx.sealer(), row.id, &after.secrets)?;
        }
        row.parameters = JsonValue(after.public.into());
        row.status = JsonValue(after.status.into());
        if is_new_version {
            row.version += 1;
            row.updated_at = tx.now;
        }
        queries::save(tx.conn, permit, &row).await?;
    }
    if is_new_version || has_new_keys {
        feed_changes::record_keys(tx, &row, &change.new);
    } else if affects_all_entries {
        tx.changes.record(feed_changes::feed_of(&row), row.id, row.slot, EntryChange::Touch);
    }
    Ok(())
}

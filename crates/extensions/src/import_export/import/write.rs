//! Writes of an import, after all checks.

use numbers::Transition;
use platform::access::Permit;
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::CallPermissionId;
use platform::store::CHUNK;
use platform::transaction::Tx;

use super::context::ImportContext;
use super::validate::PlannedRow;
use super::{Imported, Progress};
use crate::bulk_queries::{self, Grant};
use crate::groups;
use crate::rules::feed_changes;

/// Writes the rows in an order that satisfies the foreign keys.
///
/// # Errors
/// When the database fails; ALREADY_EXISTS where a concurrent transaction saved one of the unique values.
pub(super) async fn write_all(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    mut planned: Vec<PlannedRow>,
    progress: &Progress,
) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    planned.retain(|planned| {
        let counter = match &planned.before {
            None => &mut imported.created,
            Some(before) if is_change(context, planned, before) => &mut imported.updated,
            Some(_) => &mut imported.unchanged,
        };
        *counter += 1;
        let stays = planned.before.as_ref().is_some_and(|before| !is_change(context, planned, before));
        if stays {
            progress.complete_step();
        }
        !stays
    });
    if planned.is_empty() {
        return Ok(imported);
    }
    // New rows first, in the order of the file.
    planned.sort_by_key(|planned| planned.before.is_some());
    assign_slots(tx, permit, context, &mut planned).await?;
    // A unique value can move from one row to another, so the import deletes all old values first.
    for planned in planned.iter().filter(|planned| planned.before.is_some() && has_unique(planned)) {
        bulk_queries::set_unique_values(tx.conn, permit, planned.row.id, &[]).await?;
    }
    let mut audit_entries = Vec::with_capacity(planned.len() + 1);
    let new_count = planned.iter().filter(|planned| planned.before.is_none()).count();
    let (new_rows, changed_rows) = planned.split_at_mut(new_count);
    for chunk in new_rows.chunks_mut(CHUNK) {
        write_new_rows(tx, permit, chunk, &mut audit_entries).await?;
        chunk.iter().for_each(|_| progress.complete_step());
    }
    for planned in changed_rows.iter_mut() {
        write_change(tx, permit, context, planned).await?;
        audit_entries.push((Some(planned.row.id.global()), format!("{} was changed", planned.row.number)));
        progress.complete_step();
    }
    for planned in &planned {
        write_links(tx, permit, planned).await?;
    }
    let summary =
        format!("{} created, {} updated, {} unchanged", imported.created, imported.updated, imported.unchanged);
    audit_entries.push((Some(context.event.id.global()), summary));
    tx.audit_all(permit, audit_entries).await?;
    Ok(imported)
}

fn has_unique(planned: &PlannedRow) -> bool {
    planned.service_type.schema.parameters().iter().any(|parameter| parameter.unique.is_some())
}

/// Returns whether the row changes the extension.
fn is_change(context: &ImportContext, planned: &PlannedRow, before: &crate::Extension) -> bool {
    let row = &planned.row;
    let after = (&row.label, row.visibility, &row.parameters, &row.secrets, &row.status);
    let previous = (&before.label, before.visibility, &before.parameters, &before.secrets, &before.status);
    let granted = context.granted.get(&row.id);
    let has_same_permissions =
        granted.map_or(planned.permissions.is_empty(), |granted| *granted == planned.permissions);
    after != previous
        || !has_same_permissions
        || has_new_fallback(planned)
        || planned.memberships.as_ref().is_some_and(|memberships| memberships.is_change())
}

fn has_new_fallback(planned: &PlannedRow) -> bool {
    let previous =
        planned.before.as_ref().map(|before| (before.fallback_extension_id, before.fallback_number.as_ref()));
    (planned.row.fallback_extension_id, planned.row.fallback_number.as_ref()) != previous.unwrap_or_default()
}

/// Allocates slots for the new extensions.
async fn assign_slots(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    planned: &mut [PlannedRow],
) -> Result<(), Error> {
    let new_count = planned.iter().filter(|planned| planned.before.is_none()).count();
    if new_count == 0 {
        return Ok(());
    }
    let new_count = i32::try_from(new_count).map_err(InternalError::new)?;
    let first = bulk_queries::next_slots(tx.conn, permit, context.event.id, new_count).await?;
    for (slot, planned) in (first..).zip(planned.iter_mut().filter(|planned| planned.before.is_none())) {
        planned.row.slot = slot;
    }
    Ok(())
}

/// Inserts new extensions with their search terms, unique values, permissions and numbers. [`write_links`] writes fallbacks and
/// members later.
async fn write_new_rows(
    tx: &mut Tx<'_>,
    permit: &Permit,
    chunk: &mut [PlannedRow],
    audit_entries: &mut Vec<(Option<String>, String)>,
) -> Result<(), Error> {
    let mut rows = Vec::with_capacity(chunk.len());
    let mut transitions = Vec::with_capacity(chunk.len());
    let mut grants = Vec::new();
    for planned in chunk.iter_mut() {
        let mut row = planned.row.clone();
        (row.fallback_extension_id, row.fallback_number) = (None, None);
        let number = planned.number.take().ok_or_else(|| InternalError::new("a new extension without a number"))?;
        if number.version > 0 {
            numbers::clear_pending_acks(tx.conn, permit, number.id).await?;
        }
        transitions.push((number, Transition::to_in_service(row.owner_id, row.id)));
        let grant = |permission_id: &CallPermissionId| Grant { extension_id: row.id, permission_id: *permission_id };
        grants.extend(planned.permissions.iter().map(grant));
        feed_changes::record_upsert(tx, &row, &planned.service_type.schema);
        let summary = format!("{} on {} for {}", row.number, planned.service_type.row.slug, planned.owner);
        audit_entries.push((Some(row.id.global()), summary));
        rows.push(row);
    }
    bulk_queries::insert_all(tx.conn, permit, &rows).await?;
    bulk_queries::index_all(tx.conn, permit, &rows).await?;
    bulk_queries::grant_all(tx.conn, permit, &grants).await?;
    numbers::transition_all(tx, permit, transitions).await?;
    for planned in chunk.iter().filter(|planned| !planned.unique_values.is_empty()) {
        write_unique_values(tx, permit, planned).await?;
    }
    Ok(())
}

/// Updates an extension with its search terms, unique values and permissions. [`write_links`] writes the fallback and the
/// members later.
async fn write_change(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    planned: &PlannedRow,
) -> Result<(), Error> {
    let before = planned.before.as_ref().ok_or_else(|| InternalError::new("an update without a previous row"))?;
    let mut row = planned.row.clone();
    (row.fallback_extension_id, row.fallback_number) = (before.fallback_extension_id, before.fallback_number.clone());
    row.version += 1;
    row.updated_at = tx.now;
    bulk_queries::save(tx.conn, permit, &row).await?;
    if row.label != before.label {
        bulk_queries::index(tx.conn, permit, &row, false).await?;
    }
    feed_changes::record_upsert(tx, &row, &planned.service_type.schema);
    if has_unique(planned) {
        write_unique_values(tx, permit, planned).await?;
    }
    let granted: Vec<CallPermissionId> = planned.permissions.iter().copied().collect();
    let previously_granted = context.granted.get(&row.id);
    if previously_granted.map_or(!granted.is_empty(), |previous| *previous != planned.permissions) {
        bulk_queries::set_permissions(tx.conn, permit, row.id, &granted).await?;
    }
    Ok(())
}

/// Writes the unique values of an extension.
///
/// # Errors
/// ALREADY_EXISTS where a concurrent transaction saved one of the values.
async fn write_unique_values(tx: &mut Tx<'_>, permit: &Permit, planned: &PlannedRow) -> Result<(), Error> {
    match bulk_queries::set_unique_values(tx.conn, permit, planned.row.id, &planned.unique_values).await? {
        None => Ok(()),
        Some(parameter) => {
            let message = format!(
                "Line {}: {parameter}: another event's extension got this value this very moment.",
                planned.line
            );
            Err(UserError::new(UserErrorKind::AlreadyExists, "", message).into())
        }
    }
}

/// Writes the fallback and the members of a row, after all extensions exist.
async fn write_links(tx: &mut Tx<'_>, permit: &Permit, planned: &PlannedRow) -> Result<(), Error> {
    let row = &planned.row;
    if has_new_fallback(planned) {
        let external_number = row.fallback_number.as_deref();
        bulk_queries::set_fallback(tx.conn, permit, row.id, row.fallback_extension_id, external_number).await?;
    }
    let Some(memberships) = &planned.memberships else { return Ok(()) };
    for id in &memberships.removed {
        groups::queries::delete(tx.conn, permit, *id).await?;
    }
    for member in &memberships.changed {
        groups::queries::update(tx.conn, permit, member).await?;
    }
    for member in &memberships.added {
        groups::queries::insert(tx.conn, permit, member).await?;
    }
    Ok(())
}

//! Writing what an import has decided: everything is checked by now.

use super::ground::ImportContext;
use super::judge::Planned;
use super::{Imported, Progress};
use crate::bulk_queries::{self, Grant};
use crate::groups;
use crate::rules::feed_changes;
use numbers::Transition;
use platform::access::Permit;
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::CallPermissionId;
use platform::store::CHUNK;
use platform::transaction::Tx;

/// Writes the rows, in the order in which the database's references allow it.
///
/// # Errors
/// When the database refuses.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    mut planned: Vec<Planned>,
    progress: &Progress,
) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    planned.retain(|planned| {
        let counter = match &planned.before {
            None => &mut imported.created,
            Some(before) if is_change(ground, planned, before) => &mut imported.updated,
            Some(_) => &mut imported.unchanged,
        };
        *counter += 1;
        let stays = planned.before.as_ref().is_some_and(|before| !is_change(ground, planned, before));
        if stays {
            progress.step();
        }
        !stays
    });
    if planned.is_empty() {
        return Ok(imported);
    }
    // New ones first, in the order of the file.
    planned.sort_by_key(|planned| planned.before.is_some());
    number_slots(tx, permit, ground, &mut planned).await?;
    // Values may go from one row to another: first all are given up.
    for planned in planned.iter().filter(|planned| planned.before.is_some() && has_unique(planned)) {
        bulk_queries::set_unique_values(tx.conn, permit, planned.row.id, &[]).await?;
    }
    let mut told = Vec::with_capacity(planned.len() + 1);
    let fresh = planned.iter().filter(|planned| planned.before.is_none()).count();
    let (fresh, rest) = planned.split_at_mut(fresh);
    for some in fresh.chunks_mut(CHUNK) {
        create(tx, permit, some, &mut told).await?;
        some.iter().for_each(|_| progress.step());
    }
    for planned in rest.iter_mut() {
        change(tx, permit, ground, planned).await?;
        told.push((Some(planned.row.id.global()), format!("{} was changed", planned.row.number)));
        progress.step();
    }
    for planned in &planned {
        links(tx, permit, planned).await?;
    }
    let summary =
        format!("{} created, {} updated, {} unchanged", imported.created, imported.updated, imported.unchanged);
    told.push((Some(ground.event.id.global()), summary));
    tx.audit_all(permit, told).await?;
    Ok(imported)
}

fn has_unique(planned: &Planned) -> bool {
    planned.kind.schema.parameters().iter().any(|parameter| parameter.unique.is_some())
}

/// Whether the row is to become another one.
fn is_change(ground: &ImportContext, planned: &Planned, before: &crate::Extension) -> bool {
    let row = &planned.row;
    let content = (&row.label, row.visibility, &row.parameters, &row.secrets, &row.status);
    let was = (&before.label, before.visibility, &before.parameters, &before.secrets, &before.status);
    let granted = ground.granted.get(&row.id);
    let has_same_permissions =
        granted.map_or(planned.permissions.is_empty(), |granted| *granted == planned.permissions);
    content != was
        || !has_same_permissions
        || has_new_fallback(planned)
        || planned.memberships.as_ref().is_some_and(|memberships| memberships.is_change())
}

fn has_new_fallback(planned: &Planned) -> bool {
    let was = planned.before.as_ref().map(|before| (before.fallback_extension_id, before.fallback_number.as_ref()));
    (planned.row.fallback_extension_id, planned.row.fallback_number.as_ref()) != was.unwrap_or_default()
}

async fn number_slots(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    planned: &mut [Planned],
) -> Result<(), Error> {
    let fresh = planned.iter().filter(|planned| planned.before.is_none()).count();
    if fresh == 0 {
        return Ok(());
    }
    let fresh = i32::try_from(fresh).map_err(InternalError::new)?;
    let first = bulk_queries::next_slots(tx.conn, permit, ground.event.id, fresh).await?;
    for (slot, planned) in (first..).zip(planned.iter_mut().filter(|planned| planned.before.is_none())) {
        planned.row.slot = slot;
    }
    Ok(())
}

/// Writes new rows with their words, values, permissions and numbers; where calls go follows later.
async fn create(
    tx: &mut Tx<'_>,
    permit: &Permit,
    some: &mut [Planned],
    told: &mut Vec<(Option<String>, String)>,
) -> Result<(), Error> {
    let (mut rows, mut steps, mut grants) =
        (Vec::with_capacity(some.len()), Vec::with_capacity(some.len()), Vec::new());
    for planned in some.iter_mut() {
        let mut row = planned.row.clone();
        (row.fallback_extension_id, row.fallback_number) = (None, None);
        let number = planned.number.take().ok_or_else(|| InternalError::new("a new extension without a number"))?;
        if number.version > 0 {
            numbers::clear_pending_acks(tx.conn, permit, number.id).await?;
        }
        steps.push((number, Transition::to_in_service(row.owner_id, row.id)));
        let grant = |permission_id: &CallPermissionId| Grant { extension_id: row.id, permission_id: *permission_id };
        grants.extend(planned.permissions.iter().map(grant));
        feed_changes::record_upsert(tx, &row, &planned.kind.schema);
        let summary = format!("{} on {} for {}", row.number, planned.kind.service_type.slug, planned.owner);
        told.push((Some(row.id.global()), summary));
        rows.push(row);
    }
    bulk_queries::insert_all(tx.conn, permit, &rows).await?;
    bulk_queries::index_all(tx.conn, permit, &rows).await?;
    bulk_queries::grant_all(tx.conn, permit, &grants).await?;
    numbers::transition_all(tx, permit, steps).await?;
    for planned in some.iter().filter(|planned| !planned.claims.is_empty()) {
        bear(tx, permit, planned).await?;
    }
    Ok(())
}

/// Writes one row that changes, with its words, values and permissions; where calls go follows later.
async fn change(tx: &mut Tx<'_>, permit: &Permit, ground: &ImportContext, planned: &Planned) -> Result<(), Error> {
    let before = planned.before.as_ref().ok_or_else(|| InternalError::new("a change of nothing"))?;
    let mut row = planned.row.clone();
    (row.fallback_extension_id, row.fallback_number) = (before.fallback_extension_id, before.fallback_number.clone());
    row.version += 1;
    row.updated_at = tx.now;
    bulk_queries::save(tx.conn, permit, &row).await?;
    if row.label != before.label {
        bulk_queries::index(tx.conn, permit, &row, false).await?;
    }
    feed_changes::record_upsert(tx, &row, &planned.kind.schema);
    if has_unique(planned) {
        bear(tx, permit, planned).await?;
    }
    let granted: Vec<CallPermissionId> = planned.permissions.iter().copied().collect();
    let was_granted = ground.granted.get(&row.id);
    if was_granted.map_or(!granted.is_empty(), |was| *was != planned.permissions) {
        bulk_queries::set_permissions(tx.conn, permit, row.id, &granted).await?;
    }
    Ok(())
}

/// Writes the values that nobody else may have.
async fn bear(tx: &mut Tx<'_>, permit: &Permit, planned: &Planned) -> Result<(), Error> {
    match bulk_queries::set_unique_values(tx.conn, permit, planned.row.id, &planned.claims).await? {
        None => Ok(()),
        Some(taken) => {
            let message =
                format!("Line {}: {taken}: another event's extension got this value this very moment.", planned.line);
            Err(UserError::new(UserErrorKind::AlreadyExists, "", message).into())
        }
    }
}

/// Writes where calls go: now every extension is there.
async fn links(tx: &mut Tx<'_>, permit: &Permit, planned: &Planned) -> Result<(), Error> {
    let row = &planned.row;
    if has_new_fallback(planned) {
        let outside = row.fallback_number.as_deref();
        bulk_queries::set_fallback(tx.conn, permit, row.id, row.fallback_extension_id, outside).await?;
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

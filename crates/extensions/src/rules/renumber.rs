//! Renumbering of an extension.

use std::sync::Arc;

use numbering::number::Number;
use numbers::{AllocationRequest, NumberRow, Transition, allocate, transition};
use platform::access::{Caller, Permit};
use platform::error::{Error, InternalError};
use platform::feed_log::FeedRef;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use service_types::compiled;

use super::parameters::DerivationSource;
use super::remove::release_number;
use super::{
    ChangeKind, Changed, Locked, check_phase, check_version, event_and_type_of, feed_changes, lock_one, parameters,
};
use crate::actions;
use crate::model::Extension;
use crate::queries;

/// The input of [`renumber`].
pub struct RenumberExtension {
    pub id: String,
    /// The new number as entered.
    pub number: String,
    pub expected_version: Option<i32>,
    pub dry_run: bool,
}

/// Gives an extension another number. The old number is held for the owner and may be taken back, up to twenty of an event. Owners may renumber
/// in an OPEN event within the ranges that they may register from, operators in every phase but ARCHIVED to any number
/// that is not held or reserved for another account. The current number as input changes nothing.
///
/// # Errors
/// NOT_FOUND at `id`, EVENT_CLOSED, STALE_VERSION; at `number` those of a registration; SCHEMA_VIOLATION and
/// ALREADY_EXISTS for a parameter that is derived from the number.
pub async fn renumber(services: &Services, caller: &Arc<Caller>, input: RenumberExtension) -> Result<Changed, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact!(services, caller, actions::RENUMBER_EXTENSION, mode, |tx| {
        let locked = lock_one(tx, actions::RENUMBER_EXTENSION, &input.id).await?;
        check_phase(&locked.event, &locked.permit, ChangeKind::Assignment)?;
        check_version(&locked.row, input.expected_version)?;
        let wanted = Number::clean(&input.number).map_err(|problem| problem.at(["number"]))?;
        let permit = locked.permit.clone();
        let row =
            if wanted.as_str() == locked.row.number { locked.row } else { change_number(tx, locked, &wanted).await? };
        Changed::of(tx, mode, &permit, &row, None).await
    })
    .await
}

async fn change_number(tx: &mut Tx<'_>, locked: Locked, wanted: &Number) -> Result<Extension, Error> {
    let Locked { permit, mut row, event, service_type } = locked;
    let request = AllocationRequest {
        event: &event,
        service_type: &service_type,
        owner: row.owner_id,
        override_reservation: false,
    };
    let number = allocate(tx, &permit, &request, Some(wanted.as_str())).await?;
    let before = row.clone();
    let dependent_feeds = assign_number(tx, &permit, &mut row, number).await?;
    release_number(tx, &permit, &before, &event, dependent_feeds).await?;
    if !permit.is_staff() {
        numbers::limit_holds(tx, &permit, event.id, row.owner_id).await?;
    }
    tx.audit(&permit, Some(row.id.global()), format!("{} became {}", before.number, row.number)).await?;
    Ok(row)
}

/// Assigns a number without an extension to this one, and records the change in its feed and in those of its
/// dependents, which it returns. The caller releases or reassigns the old number.
pub(super) async fn assign_number(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    number: NumberRow,
) -> Result<Vec<FeedRef>, Error> {
    let (_, service_type) = event_and_type_of(tx, row).await?;
    let schema = compiled(&service_type)?;
    let owner = accounts::account_by_id(tx.conn, row.owner_id).await?;
    let owner = owner.ok_or_else(|| InternalError::new("an extension without its owner"))?;
    let old_number = std::mem::replace(&mut row.number, number.number.clone());
    let old = DerivationSource { number: &old_number, username: &owner.username };
    let new = DerivationSource { number: &number.number, ..old };
    parameters::update_derived_parameters(tx, &schema, row, (old, new), false)?;
    row.version += 1;
    row.updated_at = tx.now;
    queries::save(tx.conn, permit, row).await?;
    queries::index(tx.conn, permit, row, false).await?;
    parameters::store_unique_values(tx, permit, &schema, row, &service_type).await?;
    let in_service = Transition::to_in_service(row.owner_id, row.id);
    transition(tx, permit, number, in_service).await?;
    feed_changes::record_upsert(tx, row, &schema);
    feed_changes::touch_dependents(tx, row).await
}

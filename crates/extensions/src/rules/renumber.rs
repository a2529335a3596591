//! Giving an extension another number.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::super::model::Extension;
use super::super::queries;
use super::remove::leave;
use super::{Changed, Held, Weight, check_phase, check_version, hold, marks, parameters, place_of};
use numbering::number::Number;
use numbers::{AllocationRequest, NumberRow, Transition, allocate, transition};
use platform::access::{Caller, Permit};
use platform::error::{Error, InternalError};
use platform::feed_log::FeedRef;
use platform::services::Services;
use platform::transaction::{Mode, Tx};
use service_types::compiled;

/// Which extension gets which number.
pub struct RenumberExtension {
    pub id: String,
    /// As it was typed.
    pub number: String,
    pub expected_version: Option<i32>,
    pub dry_run: bool,
}

/// Gives an extension another number; the one that it leaves is held for its owner, who may take it back. Owners may in an OPEN
/// event, with the ranges that they may register from; operators in every phase but ARCHIVED, with any number that is not kept
/// for somebody else. The number that it has already is no change.
///
/// # Errors
/// NOT_FOUND at `id`, EVENT_CLOSED, STALE_VERSION; at `number` as registering it; SCHEMA_VIOLATION and ALREADY_EXISTS where a
/// parameter copies the number and may not be what follows.
pub async fn renumber(services: &Services, caller: &Arc<Caller>, input: RenumberExtension) -> Result<Changed, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact!(services, caller, actions::RENUMBER_EXTENSION, mode, |tx| {
        let held = hold(tx, actions::RENUMBER_EXTENSION, &input.id).await?;
        check_phase(&held.event, &held.permit, Weight::Heavy)?;
        check_version(&held.row, input.expected_version)?;
        let wanted = Number::clean(&input.number).map_err(|problem| problem.at(["number"]))?;
        let permit = held.permit.clone();
        let row = if wanted.as_str() == held.row.number { held.row } else { move_to(tx, held, &wanted).await? };
        Changed::of(tx, mode, &permit, &row, None).await
    })
    .await
}

async fn move_to(tx: &mut Tx<'_>, held: Held, wanted: &Number) -> Result<Extension, Error> {
    let Held { permit, mut row, event, service_type } = held;
    let wish = AllocationRequest {
        event: &event,
        service_type: &service_type,
        owner: row.owner_id,
        override_reservation: false,
    };
    let number = allocate(tx, &permit, &wish, Some(wanted.as_str())).await?;
    let before = row.clone();
    let showing = arrive(tx, &permit, &mut row, number).await?;
    leave(tx, &permit, &before, &event, showing).await?;
    tx.audit(&permit, Some(row.id.global()), format!("{} became {}", before.number, row.number)).await?;
    Ok(row)
}

/// Puts an extension on a number that nobody else bears, and marks it with all that show it: the answer is their feeds. The
/// number that it leaves is the caller's business.
pub(super) async fn arrive(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    number: NumberRow,
) -> Result<Vec<FeedRef>, Error> {
    let (_, service_type) = place_of(tx, row).await?;
    let schema = compiled(&service_type)?;
    let owner = accounts::queries::by_id(tx.conn, row.owner_id).await?;
    let owner = owner.ok_or_else(|| InternalError::new("an extension without its owner"))?;
    let left = std::mem::replace(&mut row.number, number.number.clone());
    let (old, new) = ((left.as_str(), owner.username.as_str()), (number.number.as_str(), owner.username.as_str()));
    parameters::follow(tx, &schema, row, (old, new), false)?;
    row.version += 1;
    row.updated_at = tx.now;
    queries::save(tx.conn, permit, row).await?;
    queries::index(tx.conn, permit, row, false).await?;
    parameters::claim_unique(tx, permit, &schema, row, &service_type).await?;
    let in_service = Transition::to_in_service(row.owner_id, row.id);
    transition(tx, permit, number, in_service).await?;
    marks::present(tx, row, &schema);
    marks::shown_by(tx, row).await
}

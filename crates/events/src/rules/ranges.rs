//! Inserts, changes and deletes number ranges.

use std::sync::Arc;

use numbering::number::{MAX_DIGITS, Number};
use numbering::plan;
use platform::access::{Caller, Permit};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::NumberRangeId;
use platform::locks;
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::{Changed, catalogue_changed};
use crate::input::clean_name;
use crate::model::{Event, EventPhase, NumberRange};
use crate::{actions, hooks, queries};

/// Input for a new range.
pub struct CreateNumberRange {
    /// The event's slug.
    pub event: String,
    pub first: String,
    pub last: String,
    pub label: String,
    pub privileged: bool,
}

/// Changes to a range.
pub struct UpdateNumberRange {
    pub id: String,
    pub label: Patch<String>,
    pub privileged: Patch<bool>,
}

/// A range with its event, under the event's lock.
pub struct RangeOfEvent {
    pub permit: Permit,
    pub event: Event,
    pub range: NumberRange,
}

/// Inserts a range that neither overlaps another range of its event nor shares a prefix with it.
///
/// # Errors
/// INVALID, NOT_FOUND or CONFLICT at the field concerned.
pub async fn insert_range(tx: &mut Tx<'_>, input: CreateNumberRange) -> Result<RangeOfEvent, Error> {
    let no_event = || UserError::not_found("event", "There is no event with this slug.");
    if let Some(event) = queries::event_by_slug(tx.conn, &input.event).await? {
        locks::events(tx.conn, &[event.id]).await?;
    }
    let permit = tx.permit().await?;
    let event = queries::event_by_slug(tx.conn, &input.event).await?.ok_or_else(no_event)?;
    reject_archived(&event, "event")?;
    let first = Number::clean(&input.first).map_err(|problem| problem.at(["first"]))?;
    let last = Number::clean(&input.last).map_err(|problem| problem.at(["last"]))?;
    let range = plan::NumberRange::new(&first, &last)?;
    let mut others = Vec::new();
    for other in queries::ranges_of_event(tx.conn, event.id).await? {
        others.push(other.plan()?);
    }
    plan::check_range(&range, &others)?;
    reject_prefixes_of_taken(tx, &event, &range).await?;
    let range = NumberRange {
        id: NumberRangeId::new(tx.rng(), tx.now),
        event_id: event.id,
        first: first.into_string(),
        last: last.into_string(),
        label: clean_name("label", &input.label)?,
        privileged: input.privileged,
    };
    queries::insert_range(tx.conn, &permit, &range).await?;
    Ok(RangeOfEvent { permit, event, range })
}

/// Changes the label of a range, and whether only operators allocate from it.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned, EVENT_CLOSED at `id`.
pub async fn change_range(tx: &mut Tx<'_>, input: UpdateNumberRange) -> Result<RangeOfEvent, Error> {
    let mut locked = lock_range(tx, &input.id).await?;
    reject_archived(&locked.event, "id")?;
    if let Some(label) = input.label.stored("label")? {
        locked.range.label = clean_name("label", &label)?;
    }
    locked.range.privileged = input.privileged.stored("privileged")?.unwrap_or(locked.range.privileged);
    queries::save_range(tx.conn, &locked.permit, &locked.range).await?;
    Ok(locked)
}

/// Deletes a range all of whose numbers are available.
///
/// # Errors
/// NOT_FOUND at `id`, CONFLICT while numbers are taken.
pub async fn delete_range(
    services: &Services,
    caller: &Arc<Caller>,
    id: String,
) -> Result<Changed<NumberRangeId>, Error> {
    transact!(services, caller, actions::DELETE_NUMBER_RANGE, Mode::Commit, |tx| {
        let RangeOfEvent { permit, event, range: row } = lock_range(tx, &id).await?;
        reject_archived(&event, "id")?;
        if let Some(taken) = hooks::taken_number_in(tx, event.id, &row.plan()?).await? {
            let message = format!("Some of its numbers are in use or reserved, {taken} among them.");
            return Err(UserError::new(UserErrorKind::Conflict, "id", message).into());
        }
        queries::delete_range(tx.conn, &permit, row.id).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(row.id.global()), format!("range {}–{} was deleted", row.first, row.last)).await?;
        Ok(Changed { id: row.id })
    })
    .await
}

/// Locks the event of the range with this global id and reads both.
async fn lock_range(tx: &mut Tx<'_>, id: &str) -> Result<RangeOfEvent, Error> {
    let id = NumberRangeId::from_global(id);
    if let Some(id) = id
        && let Some(found) = queries::range_by_id(tx.conn, id).await?
    {
        locks::events(tx.conn, &[found.event_id]).await?;
    }
    let permit = tx.permit().await?;
    let id = id.ok_or_else(|| UserError::invalid("id", "This is not the id of a range."))?;
    let range = queries::range_by_id(tx.conn, id)
        .await?
        .ok_or_else(|| UserError::not_found("id", "There is no such range."))?;
    let event = queries::event_by_id(tx.conn, range.event_id)
        .await?
        .ok_or_else(|| InternalError::new("a range without its event"))?;
    Ok(RangeOfEvent { permit, event, range })
}

fn reject_archived(event: &Event, field: &str) -> Result<(), UserError> {
    match event.phase {
        EventPhase::Archived => {
            Err(UserError::new(UserErrorKind::EventClosed, field, "The event is archived and cannot be changed."))
        }
        _ => Ok(()),
    }
}

/// Rejects a range if one of its numbers is a prefix of a taken number outside the ranges, or the other way round.
async fn reject_prefixes_of_taken(tx: &mut Tx<'_>, event: &Event, range: &plan::NumberRange) -> Result<(), Error> {
    for digits in (1..=MAX_DIGITS).filter(|digits| *digits != range.digits()) {
        if let Some(taken) = hooks::taken_number_in(tx, event.id, &range.projection(digits)).await? {
            let message = format!(
                "The number {taken} is taken, and it is a prefix of numbers of this range or begins with one of them."
            );
            return Err(UserError::new(UserErrorKind::Conflict, "first", message).into());
        }
    }
    Ok(())
}

//! Barring a number: it cannot be registered, and stays restricted if it is in service.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::super::queries;
use super::marks;
use numbering::number::Number;
use numbers::{NumberRow, PlanNumber, find_plan_event, lock_plan, parse_plan_number, unsaved_row};
use platform::access::{Caller, Permit, Role, scope};
use platform::error::Error;
use platform::feed_log::EntryChange;
use platform::ids::RestrictionId;
use platform::locks;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transaction::{Mode, Tx};
use restrictions::{NewRestriction, RestrictionSource};

/// Bars a number. A second bar updates the reason.
///
/// # Errors
/// NOT_FOUND and EVENT_CLOSED at `event`, INVALID at `number`, REQUIRED at `reason`.
pub async fn bar_number(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
    reason: &str,
) -> Result<PlanNumber, Error> {
    let reason = accounts::rules::clean_reason(reason)?;
    let number = parse_plan_number(number, event.is_some())?;
    transact!(services, caller, actions::BAR_NUMBER, Mode::Commit, |tx| {
        let (permit, row) = take(tx, event, &number).await?;
        numbers::save_number(tx.conn, &permit, &row).await?;
        let id = RestrictionId::new(tx.rng(), tx.now);
        let new =
            NewRestriction::new(id, row.id.into(), RestrictionSource::Bar, &reason, tx.now, permit.actor().account());
        restrictions::apply(tx.conn, &permit, &new).await?;
        tell(tx, &row).await?;
        tx.audit(&permit, Some(row.plan_number().global()), format!("{} was barred: {reason}", row.number)).await?;
        Ok(row.plan_number())
    })
    .await
}

/// Lifts the bar of a number; a number that is not barred stays as it is.
///
/// # Errors
/// NOT_FOUND and EVENT_CLOSED at `event`, INVALID at `number`.
pub async fn unbar_number(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
) -> Result<PlanNumber, Error> {
    let number = parse_plan_number(number, event.is_some())?;
    transact!(services, caller, actions::UNBAR_NUMBER, Mode::Commit, |tx| {
        let (permit, row) = take(tx, event, &number).await?;
        if restrictions::lift(tx.conn, &permit, row.id.into(), RestrictionSource::Bar).await? {
            tell(tx, &row).await?;
            tx.audit(&permit, Some(row.plan_number().global()), format!("the bar of {} was lifted", row.number))
                .await?;
        }
        Ok(row.plan_number())
    })
    .await
}

async fn take(tx: &mut Tx<'_>, event: Option<String>, number: &Number) -> Result<(Permit, NumberRow), Error> {
    tx.actor().demand(Role::Operator)?;
    let event = find_plan_event(tx, event.as_deref()).await?;
    if event.is_none() {
        lock_bearer(tx, number).await?;
    }
    let permit = lock_plan(tx, event.as_ref(), number).await?;
    let event = event.map(|event| event.id);
    let row = match numbers::number_on_plan(tx.conn, event, number.as_str()).await? {
        Some(row) => row,
        None => unsaved_row(tx, event, number.as_str()),
    };
    Ok((permit, row))
}

/// Takes the lock of the event in which an international number is in service.
async fn lock_bearer(tx: &mut Tx<'_>, number: &Number) -> Result<(), Error> {
    let row = numbers::number_on_plan(tx.conn, None, number.as_str()).await?;
    let Some(id) = row.and_then(|row| row.extension_id) else { return Ok(()) };
    let scope = scope(tx.actor());
    match queries::by_id(tx.conn, &scope, id).await? {
        None => Ok(()),
        Some(extension) => Ok(locks::events(tx.conn, &[extension.event_id]).await?),
    }
}

/// Marks the extension of a number, and what shows it.
async fn tell(tx: &mut Tx<'_>, row: &NumberRow) -> Result<(), Error> {
    let Some(id) = row.extension_id else { return Ok(()) };
    let scope = scope(tx.actor());
    if let Some(extension) = queries::by_id(tx.conn, &scope, id).await? {
        tx.notify(Notification::Directory(extension.event_id));
        tx.changes.record(marks::feed(&extension), extension.id, extension.slot, EntryChange::Touch);
        marks::shown_by(tx, &extension).await?;
    }
    Ok(())
}

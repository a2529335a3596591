//! Barring of numbers: a barred number cannot be registered, and its extension makes no calls.

use std::sync::Arc;

use numbering::number::Number;
use numbers::{NumberRow, PlanNumber, find_plan_event, lock_plan, parse_plan_number, unsaved_row};
use platform::access::{Caller, Permit, Role, scope};
use platform::error::Error;
use platform::feed_log::EntryChange;
use platform::ids::RestrictionId;
use platform::locks;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use restrictions::{NewRestriction, RestrictionSource};

use super::feed_changes;
use crate::actions;
use crate::queries;

/// Bars a number. Barring it again replaces the reason.
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
        let (permit, row) = lock_number(tx, event, &number).await?;
        numbers::save_number(tx.conn, &permit, &row).await?;
        let id = RestrictionId::new(tx.rng(), tx.now);
        let new =
            NewRestriction::new(id, row.id.into(), RestrictionSource::Bar, &reason, tx.now, permit.actor().account());
        restrictions::apply(tx.conn, &permit, &new).await?;
        record_changes(tx, &row).await?;
        tx.audit(&permit, Some(row.plan_number().global()), format!("{} was barred: {reason}", row.number)).await?;
        Ok(row.plan_number())
    })
    .await
}

/// Lifts the bar of a number. A number without a bar stays unchanged.
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
        let (permit, row) = lock_number(tx, event, &number).await?;
        if restrictions::lift(tx.conn, &permit, row.id.into(), RestrictionSource::Bar).await? {
            record_changes(tx, &row).await?;
            tx.audit(&permit, Some(row.plan_number().global()), format!("the bar of {} was lifted", row.number))
                .await?;
        }
        Ok(row.plan_number())
    })
    .await
}

/// Locks a number and loads its row, new if the number has none.
async fn lock_number(tx: &mut Tx<'_>, event: Option<String>, number: &Number) -> Result<(Permit, NumberRow), Error> {
    tx.actor().demand(Role::Operator)?;
    let event = find_plan_event(tx, event.as_deref()).await?;
    if event.is_none() {
        lock_event_of_extension(tx, number).await?;
    }
    let permit = lock_plan(tx, event.as_ref(), number).await?;
    let event = event.map(|event| event.id);
    let row = match numbers::number_on_plan(tx.conn, event, number.as_str()).await? {
        Some(row) => row,
        None => unsaved_row(tx, event, number.as_str()),
    };
    Ok((permit, row))
}

/// Takes the lock of the event in which an E.164 number is in service.
async fn lock_event_of_extension(tx: &mut Tx<'_>, number: &Number) -> Result<(), Error> {
    let row = numbers::number_on_plan(tx.conn, None, number.as_str()).await?;
    let Some(id) = row.and_then(|row| row.extension_id) else { return Ok(()) };
    let scope = scope(tx.actor());
    match queries::by_id(tx.conn, &scope, id).await? {
        None => Ok(()),
        Some(extension) => Ok(locks::events(tx.conn, &[extension.event_id]).await?),
    }
}

/// Records a change of the number's extension and of its dependents.
async fn record_changes(tx: &mut Tx<'_>, row: &NumberRow) -> Result<(), Error> {
    let Some(id) = row.extension_id else { return Ok(()) };
    let scope = scope(tx.actor());
    if let Some(extension) = queries::by_id(tx.conn, &scope, id).await? {
        tx.notify(Notification::Directory(extension.event_id));
        tx.changes.record(feed_changes::feed_of(&extension), extension.id, extension.slot, EntryChange::Touch);
        feed_changes::touch_dependents(tx, &extension).await?;
    }
    Ok(())
}

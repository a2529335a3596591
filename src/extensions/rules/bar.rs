//! Barring a number: it cannot be registered, and stays restricted if it is in service.

use std::sync::Arc;

use super::super::queries;
use super::{Weight, check_phase, marks};
use crate::access::{Action, Caller, Permit, Role, scope};
use crate::changes::doorbell::Ring;
use crate::changes::{Mark, locks};
use crate::ids::{EventId, RestrictionId};
use crate::numbers::number::Number;
use crate::numbers::rules::untouched;
use crate::numbers::{self, NumberRow};
use crate::problem::{Problem, Stop};
use crate::restrictions::{self, NewRestriction, RestrictionSource};
use crate::service_types;
use crate::services::Services;
use crate::transaction::{Mode, Tx, transact};

/// A number that an operation changed.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ChangedNumber {
    pub event: EventId,
    pub number: String,
}

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
) -> Result<ChangedNumber, Stop> {
    let reason = crate::moderation::rules::clean_reason(reason)?;
    let number = Number::clean(number).map_err(|problem| problem.at(["number"]))?;
    transact(services, caller, Action::BarNumber, Mode::Commit, move |tx| {
        Box::pin(async move {
            let (permit, row, event) = take(tx, Action::BarNumber, event, &number).await?;
            numbers::queries::save(tx.conn, &permit, &row).await?;
            let id = RestrictionId::new(tx.rng(), tx.now);
            let new = NewRestriction::new(
                id,
                row.id.into(),
                RestrictionSource::Bar,
                &reason,
                tx.now,
                permit.actor().account(),
            );
            restrictions::apply(tx.conn, &permit, &new).await?;
            tell(tx, event, &row).await?;
            tx.audit(&permit, None, format!("{} was barred: {reason}", row.number)).await?;
            Ok(ChangedNumber { event, number: row.number })
        })
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
) -> Result<ChangedNumber, Stop> {
    let number = Number::clean(number).map_err(|problem| problem.at(["number"]))?;
    transact(services, caller, Action::UnbarNumber, Mode::Commit, move |tx| {
        Box::pin(async move {
            let (permit, row, event) = take(tx, Action::UnbarNumber, event, &number).await?;
            if restrictions::lift(tx.conn, &permit, row.id.into(), RestrictionSource::Bar).await? {
                tell(tx, event, &row).await?;
                tx.audit(&permit, None, format!("the bar of {} was lifted", row.number)).await?;
            }
            Ok(ChangedNumber { event, number: row.number })
        })
    })
    .await
}

async fn take(
    tx: &mut Tx<'_>,
    action: Action,
    event: Option<String>,
    number: &Number,
) -> Result<(Permit, NumberRow, EventId), Stop> {
    tx.actor().demand(Role::Operator)?;
    let missing = || Problem::not_found("event", "There is no such event.");
    let slug = event.ok_or_else(missing)?;
    let before = service_types::queries::event_by_slug(tx.conn, &slug).await?.ok_or_else(missing)?;
    locks::events(tx.conn, &[before.id]).await?;
    let permit = tx.permit(action).await?;
    let event = service_types::queries::event_by_id(tx.conn, before.id).await?.ok_or_else(missing)?;
    check_phase(&event, &permit, Weight::Light).map_err(|problem| problem.at(["event"]))?;
    let row = match numbers::queries::find(tx.conn, event.id, number.as_str()).await? {
        Some(row) => row,
        None => untouched(tx, event.id, number.as_str()),
    };
    Ok((permit, row, event.id))
}

/// Marks the extension of a number, and what shows it.
async fn tell(tx: &mut Tx<'_>, event: EventId, row: &NumberRow) -> Result<(), Stop> {
    tx.ring(Ring::Directory(event));
    let scope = scope(tx.actor());
    if let Some(extension) = queries::by_number(tx.conn, &scope, event, &row.number).await? {
        tx.changes.mark(marks::feed(&extension), extension.id, extension.slot, Mark::Touched);
        marks::shown_by(tx, &extension).await?;
    }
    Ok(())
}

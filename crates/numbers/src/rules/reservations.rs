//! Reservations: a number that is somebody's before it is in use.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::{Move, settle, shift, untouched_on};
use crate::state::{Mover, NumberState, may_move};
use crate::{NumberRow, PlanNumber, queries};
use accounts::Account;
use events::{Event, EventPhase};
use numbering::number::Number;
use numbering::plan;
use platform::access::{Caller, Permit, Role};
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::store::types::Id;
use platform::transaction::{Mode, Tx};
use restrictions::TargetKind;

/// What an operator keeps for somebody.
pub struct ReserveNumber {
    /// None: an E.164 number.
    pub event: Option<String>,
    pub number: String,
    pub owner: String,
    /// None: until it is released.
    pub until: Option<Timestamp>,
    pub expected_version: Option<i32>,
}

/// Reserves a number for an account, or changes a reservation: its owner may register it, nobody else. It lapses at `until`.
///
/// # Errors
/// NOT_FOUND at `event` or `owner`, INVALID at `number` or `until`, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED for a barred
/// number, STALE_VERSION, INVALID_TRANSITION from any other state than AVAILABLE and RESERVED, EVENT_CLOSED.
pub async fn reserve(services: &Services, caller: &Arc<Caller>, input: ReserveNumber) -> Result<PlanNumber, Error> {
    let number = of_plan(&input.number, input.event.is_some())?;
    transact!(services, caller, actions::RESERVE_NUMBER, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let event = plan_of(tx, input.event.as_deref()).await?;
        let owner = find_owner(tx, &input.owner).await?;
        let permit = lock(tx, event.as_ref(), &number).await?;
        if input.until.is_some_and(|until| until <= tx.now) {
            return Err(UserError::invalid("until", "A reservation ends later than now.").into());
        }
        let row = take(tx, &permit, event.as_ref(), &number, input.expected_version).await?;
        check_move(&row, NumberState::Reserved)?;
        check_plan(tx, event.as_ref(), &number).await?;
        check_bar(tx, &row).await?;
        let step = Move { to: NumberState::Reserved, account: Some(owner.id), until: input.until, extension: None };
        let row = shift(tx, &permit, row, step).await?;
        let place = row.place();
        let summary = match input.until {
            Some(until) => format!("{} was reserved for {} until {until}", row.number, owner.username),
            None => format!("{} was reserved for {}", row.number, owner.username),
        };
        tx.audit(&permit, Some(place.global()), summary).await?;
        Ok(place)
    })
    .await
}

/// Ends a reservation: the number is anybody's again.
///
/// # Errors
/// NOT_FOUND at `event`, INVALID at `number`, STALE_VERSION, INVALID_TRANSITION for what is not reserved, EVENT_CLOSED.
pub async fn release_reservation(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
    expected_version: Option<i32>,
) -> Result<PlanNumber, Error> {
    let number = of_plan(number, event.is_some())?;
    transact!(services, caller, actions::RELEASE_RESERVATION, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let event = plan_of(tx, event.as_deref()).await?;
        let permit = lock(tx, event.as_ref(), &number).await?;
        let row = take(tx, &permit, event.as_ref(), &number, expected_version).await?;
        // The clock alone makes other numbers available, so no other state passes.
        check_move(&row, NumberState::Available)?;
        let step = Move { to: NumberState::Available, account: None, until: None, extension: None };
        let place = shift(tx, &permit, row, step).await?.place();
        tx.audit(&permit, Some(place.global()), format!("the reservation of {number} was released")).await?;
        Ok(place)
    })
    .await
}

/// A number as its plan has it.
///
/// # Errors
/// INVALID at `number`; an event has numbers of its own alone, the world those of E.164 alone.
pub fn of_plan(input: &str, has_event: bool) -> Result<Number, UserError> {
    let number = Number::clean(input).map_err(|problem| problem.at(["number"]))?;
    match (has_event, number.is_e164()) {
        (true, true) => {
            Err(UserError::invalid("number", "An international number belongs to no event: leave `event` out.")
                .rule("number.ofNoEvent"))
        }
        (false, false) => {
            Err(UserError::invalid("number", "Name the event, or give an international number with a plus sign.")
                .rule("number.ofWhichEvent"))
        }
        _ => Ok(number),
    }
}

/// The event of this slug, as far as the caller may know of it; `None` for the world's plan.
///
/// # Errors
/// NOT_FOUND at `event`.
pub async fn plan_of(tx: &mut Tx<'_>, slug: Option<&str>) -> Result<Option<Event>, Error> {
    let Some(slug) = slug else { return Ok(None) };
    let is_admin = tx.actor().is_at_least(Role::Admin);
    let event = events::event_by_slug(tx.conn, slug).await?;
    let event = event.filter(|event| is_admin || event.phase != EventPhase::Draft);
    Ok(Some(event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?))
}

/// The account of this name, under its lock.
async fn find_owner(tx: &mut Tx<'_>, name: &str) -> Result<Account, Error> {
    let missing = || UserError::not_found("owner", "There is no account of this name.");
    let name = name.trim().to_ascii_lowercase();
    let found = accounts::account_by_username(tx.conn, &name).await?.ok_or_else(missing)?;
    locks::accounts(tx.conn, &[found.id], LockMode::Shared).await?;
    // Under the lock once more: the account may have been deleted meanwhile.
    Ok(accounts::account_by_username(tx.conn, &name).await?.ok_or_else(missing)?)
}

/// Takes the lock of a plan, or of one of the world's numbers, and asks whether the caller may.
///
/// # Errors
/// As the permit; EVENT_CLOSED at `event` when it is archived.
pub async fn lock(tx: &mut Tx<'_>, event: Option<&Event>, number: &Number) -> Result<Permit, Error> {
    match event {
        Some(event) => locks::events(tx.conn, &[event.id]).await?,
        None => lock_world(tx, number.as_str()).await?,
    }
    let permit = tx.permit().await?;
    if let Some(event) = event {
        let event = events::event_by_id(tx.conn, event.id).await?;
        if event.is_none_or(|event| event.phase == EventPhase::Archived) {
            let message = "This event is archived: nothing changes any more.";
            return Err(UserError::new(UserErrorKind::EventClosed, "event", message).into());
        }
    }
    Ok(permit)
}

/// Takes the lock of one of the world's numbers. The events come first.
///
/// # Errors
/// When the database refuses.
pub async fn lock_world(tx: &mut Tx<'_>, number: &str) -> Result<(), Error> {
    Ok(locks::named(tx.conn, &format!("number {number}")).await?)
}

/// The number's row as it is now, untouched or not, for a caller who has read this version.
async fn take(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: Option<&Event>,
    number: &Number,
    expected_version: Option<i32>,
) -> Result<NumberRow, Error> {
    let event = event.map(|event| event.id);
    let row = match queries::find_on(tx.conn, event, number.as_str()).await? {
        Some(row) => row,
        None => untouched_on(tx, event, number.as_str()),
    };
    if expected_version.is_some_and(|expected| expected != row.version) {
        let kind = UserErrorKind::StaleVersion { current: row.version };
        return Err(UserError::new(kind, "expectedVersion", "It has changed since you read it. Read it again.").into());
    }
    settle(tx, permit, row).await
}

fn check_move(row: &NumberRow, to: NumberState) -> Result<(), UserError> {
    if may_move(row.state, to, Mover::Operator) { Ok(()) } else { Err(not_from(row, to)) }
}

/// The problem of a number whose state does not allow the move.
pub(super) fn not_from(row: &NumberRow, to: NumberState) -> UserError {
    let kind = UserErrorKind::InvalidTransition {
        number: row.number.clone(),
        from: row.state.as_str().into(),
        to: to.as_str().into(),
    };
    UserError::new(kind, "number", format!("The number is {}: it cannot become {}.", row.state.as_str(), to.as_str()))
}

/// Refuses what no plan could give out: codes, and what begins like another number.
async fn check_plan(tx: &mut Tx<'_>, event: Option<&Event>, number: &Number) -> Result<(), Error> {
    let Some(event) = event else { return Ok(()) };
    if event.reserved_prefixes()?.forbids(number) {
        let problem = UserError::new(UserErrorKind::NumberOutOfRange, "number", "Numbers like this are reserved.");
        return Err(problem.rule("number.reserved").into());
    }
    let rows = events::ranges_of_event(tx.conn, event.id).await?;
    let ranges = rows.iter().map(|range| range.plan()).collect::<Result<Vec<_>, _>>()?;
    check_outside(tx, event, number, &ranges).await
}

/// Refuses a number outside every range that begins like another number of the event, or another like it.
async fn check_outside(
    tx: &mut Tx<'_>,
    event: &Event,
    number: &Number,
    ranges: &[plan::NumberRange],
) -> Result<(), Error> {
    if ranges.iter().any(|range| range.contains(number)) {
        return Ok(());
    }
    plan::check_outside_number(number, ranges)?;
    match queries::in_the_way(tx.conn, event.id, number).await? {
        None => Ok(()),
        Some(other) => {
            let message = format!("{number} cannot stand beside {other}: one would begin with the other.");
            Err(UserError::new(UserErrorKind::Conflict, "number", message).into())
        }
    }
}

async fn check_bar(tx: &mut Tx<'_>, row: &NumberRow) -> Result<(), Error> {
    let bars = restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(row.id.0)]).await?;
    match bars.first() {
        None => Ok(()),
        Some(bar) => {
            let message = format!("This number is barred: {}", bar.reason);
            Err(UserError::new(UserErrorKind::Restricted, "number", message).into())
        }
    }
}

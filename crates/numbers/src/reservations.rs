//! Reservations: numbers that are kept for an account before they are in service.

use std::sync::Arc;

use accounts::Account;
use events::Event;
use numbering::NumberState;
use numbering::number::Number;
use platform::access::{Caller, Permit, Role};
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::store::types::Id;
use platform::transact;
use platform::transaction::{Mode, Tx};
use restrictions::TargetKind;

use crate::allocation::{PlanRules, check_assignable, check_not_barred};
use crate::expiry::apply_expiry;
use crate::plans::{find_plan_event, lock_plan, parse_plan_number};
use crate::state::{Trigger, may_transition};
use crate::transitions::{Transition, transition, unsaved_row};
use crate::{NumberRow, PlanNumber, actions, queries};

/// The input of [`reserve`].
pub struct ReserveNumber {
    /// The slug of the event; `None` for an E.164 number.
    pub event: Option<String>,
    pub number: String,
    /// The username of the account that the number is kept for.
    pub owner: String,
    /// The end of the reservation; `None`: it has none.
    pub until: Option<Timestamp>,
    pub expected_version: Option<i32>,
}

/// Reserves a number for an account, or changes a reservation. Only this account may register the number until the
/// reservation expires.
///
/// # Errors
/// NOT_FOUND at `event` or `owner`, INVALID at `number` or `until`, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED for a
/// barred number, STALE_VERSION, INVALID_TRANSITION from any other state than AVAILABLE and RESERVED, EVENT_CLOSED.
pub async fn reserve(services: &Services, caller: &Arc<Caller>, input: ReserveNumber) -> Result<PlanNumber, Error> {
    let number = parse_plan_number(&input.number, input.event.is_some())?;
    transact!(services, caller, actions::RESERVE_NUMBER, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let event = find_plan_event(tx, input.event.as_deref()).await?;
        let owner = lock_owner(tx, &input.owner).await?;
        let permit = lock_plan(tx, event.as_ref(), &number).await?;
        if input.until.is_some_and(|until| until <= tx.now) {
            return Err(UserError::invalid("until", "A reservation ends later than now.").into());
        }
        let row = load_row(tx, &permit, event.as_ref(), &number, input.expected_version).await?;
        check_transition(&row, NumberState::Reserved)?;
        if let Some(event) = &event {
            let plan = PlanRules::of_staff(tx.conn, event).await?;
            check_assignable(tx.conn, permit.is_staff(), event, &number, &plan).await?;
        }
        let bars = restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(row.id.0)]).await?;
        check_not_barred(&permit, bars.first().map(|bar| bar.reason.as_str()))?;
        let reserved =
            Transition { to: NumberState::Reserved, account: Some(owner.id), until: input.until, extension: None };
        let row = transition(tx, &permit, row, reserved).await?;
        let plan_number = row.plan_number();
        let summary = match input.until {
            Some(until) => format!("{} was reserved for {} until {until}", row.number, owner.username),
            None => format!("{} was reserved for {}", row.number, owner.username),
        };
        tx.audit(&permit, Some(plan_number.global()), summary).await?;
        Ok(plan_number)
    })
    .await
}

/// Ends a reservation: the number is available again.
///
/// # Errors
/// NOT_FOUND at `event`, INVALID at `number`, STALE_VERSION, INVALID_TRANSITION for a number that is not reserved,
/// EVENT_CLOSED.
pub async fn release_reservation(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
    expected_version: Option<i32>,
) -> Result<PlanNumber, Error> {
    let number = parse_plan_number(number, event.is_some())?;
    transact!(services, caller, actions::RELEASE_RESERVATION, Mode::Commit, |tx| {
        tx.actor().demand(Role::Operator)?;
        let event = find_plan_event(tx, event.as_deref()).await?;
        let permit = lock_plan(tx, event.as_ref(), &number).await?;
        let row = load_row(tx, &permit, event.as_ref(), &number, expected_version).await?;
        // Operators make numbers available from RESERVED only, so this check refuses every other state.
        check_transition(&row, NumberState::Available)?;
        let plan_number = transition(tx, &permit, row, Transition::to_available()).await?.plan_number();
        tx.audit(&permit, Some(plan_number.global()), format!("the reservation of {number} was released")).await?;
        Ok(plan_number)
    })
    .await
}

/// Finds an account by its name and takes its lock.
async fn lock_owner(tx: &mut Tx<'_>, name: &str) -> Result<Account, Error> {
    let missing = || UserError::not_found("owner", "There is no account of this name.");
    let name = name.trim().to_ascii_lowercase();
    let found = accounts::account_by_username(tx.conn, &name).await?.ok_or_else(missing)?;
    locks::accounts(tx.conn, &[found.id], LockMode::Shared).await?;
    // Read again under the lock: the account may have been deleted meanwhile.
    Ok(accounts::account_by_username(tx.conn, &name).await?.ok_or_else(missing)?)
}

/// Loads the row of a number after its expiry, new if the number has none, and checks the version that the caller has
/// read.
async fn load_row(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: Option<&Event>,
    number: &Number,
    expected_version: Option<i32>,
) -> Result<NumberRow, Error> {
    let event = event.map(|event| event.id);
    let row = match queries::number_on_plan(tx.conn, event, number.as_str()).await? {
        Some(row) => row,
        None => unsaved_row(tx, event, number.as_str()),
    };
    if expected_version.is_some_and(|expected| expected != row.version) {
        let kind = UserErrorKind::StaleVersion { current: row.version };
        return Err(UserError::new(kind, "expectedVersion", "It has changed since you read it. Read it again.").into());
    }
    apply_expiry(tx, permit, row).await
}

fn check_transition(row: &NumberRow, to: NumberState) -> Result<(), UserError> {
    if may_transition(row.state, to, Trigger::Operator) { Ok(()) } else { Err(invalid_transition(row, to)) }
}

/// The error of a number whose state does not permit a transition.
pub(super) fn invalid_transition(row: &NumberRow, to: NumberState) -> UserError {
    let kind = UserErrorKind::InvalidTransition {
        number: row.number.clone(),
        from: row.state.as_str().into(),
        to: to.as_str().into(),
    };
    UserError::new(kind, "number", format!("The number is {}: it cannot become {}.", row.state.as_str(), to.as_str()))
}

//! Holds: numbers that are kept for their last owner.

use std::sync::Arc;

use numbering::NumberState;
use platform::access::{Caller, Permit, Role};
use platform::error::{Error, UserError};
use platform::ids::{AccountId, EventId};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use crate::expiry::{MAX_AGEING_SECONDS, apply_expiry};
use crate::plans::{find_plan_event, lock_plan, parse_plan_number};
use crate::reservations::invalid_transition;
use crate::state::{Trigger, may_transition};
use crate::transitions::{Transition, transition};
use crate::{PlanNumber, actions, queries};

/// Releases the hold of a number: the caller's own, or any for an operator. The number ages until the telephone systems
/// have removed it, and is then available.
///
/// # Errors
/// NOT_FOUND at `event`, and at `number` for a number that is not the caller's; INVALID at `number`; INVALID_TRANSITION
/// for a number that is not held; EVENT_CLOSED.
pub async fn release_hold(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
) -> Result<PlanNumber, Error> {
    let number = parse_plan_number(number, event.is_some())?;
    transact!(services, caller, actions::RELEASE_HOLD, Mode::Commit, |tx| {
        tx.actor().demand(Role::User)?;
        let event = find_plan_event(tx, event.as_deref()).await?;
        if let Some(account) = tx.actor().account() {
            locks::accounts(tx.conn, &[account], LockMode::Shared).await?;
        }
        let permit = lock_plan(tx, event.as_ref(), &number).await?;
        let missing = || UserError::not_found("number", "You hold no such number.");
        let found = queries::number_on_plan(tx.conn, event.map(|event| event.id), number.as_str()).await?;
        let row = apply_expiry(tx, &permit, found.ok_or_else(missing)?).await?;
        let is_own = row.account_id.is_some() && row.account_id == permit.actor().account();
        if !is_own && !permit.is_staff() {
            return Err(missing().into());
        }
        let trigger = if is_own { Trigger::Holder } else { Trigger::Operator };
        if row.state != NumberState::Held || !may_transition(row.state, NumberState::Aging, trigger) {
            return Err(invalid_transition(&row, NumberState::Aging).into());
        }
        let to_aging = Transition::to_aging(tx.now.plus_seconds(MAX_AGEING_SECONDS));
        let row = transition(tx, &permit, row, to_aging).await?;
        let number_id = apply_expiry(tx, &permit, row).await?.plan_number();
        tx.audit(&permit, Some(number_id.global()), format!("the hold of {number} was given up")).await?;
        Ok(number_id)
    })
    .await
}

/// The most numbers of an event that are held for an account after a renumbering. With more, an owner could take numbers
/// out of use by renumbering one extension again and again.
const MAX_HELD_AFTER_RENUMBERING: usize = 20;

/// Ends the oldest holds of an account in an event beyond the maximum: these numbers age. The caller holds the lock of the
/// event.
///
/// # Errors
/// When the database fails.
pub async fn limit_holds(tx: &mut Tx<'_>, permit: &Permit, event: EventId, account: AccountId) -> Result<(), Error> {
    let held = queries::held_in_event(tx.conn, event, account, tx.now).await?;
    let excess = held.len().saturating_sub(MAX_HELD_AFTER_RENUMBERING);
    for row in held.into_iter().take(excess) {
        let to_aging = Transition::to_aging(tx.now.plus_seconds(MAX_AGEING_SECONDS));
        let row = transition(tx, permit, row, to_aging).await?;
        apply_expiry(tx, permit, row).await?;
    }
    Ok(())
}

//! Holds: a number that is kept for its last owner.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::reservations::{lock, not_from, of_plan, plan_of};
use super::{LONGEST_AGEING_SECONDS, Move, settle, shift};
use crate::state::{Mover, NumberState, may_move};
use crate::{PlanNumber, queries};
use platform::access::{Caller, Role};
use platform::error::{Error, UserError};
use platform::locks::{self, LockMode};
use platform::services::Services;
use platform::transaction::Mode;

/// Gives up a held number, one's own, or for an operator anybody's: it ages until the telephone systems have forgotten it,
/// and is then anybody's.
///
/// # Errors
/// NOT_FOUND at `event`, and at `number` for a number that is not the caller's; INVALID at `number`; INVALID_TRANSITION for
/// what is not held; EVENT_CLOSED.
pub async fn release_hold(
    services: &Services,
    caller: &Arc<Caller>,
    event: Option<String>,
    number: &str,
) -> Result<PlanNumber, Error> {
    let number = of_plan(number, event.is_some())?;
    transact!(services, caller, actions::RELEASE_HOLD, Mode::Commit, |tx| {
        tx.actor().demand(Role::User)?;
        let event = plan_of(tx, event.as_deref()).await?;
        if let Some(account) = tx.actor().account() {
            locks::accounts(tx.conn, &[account], LockMode::Shared).await?;
        }
        let permit = lock(tx, actions::RELEASE_HOLD, event.as_ref(), &number).await?;
        let missing = || UserError::not_found("number", "You hold no such number.");
        let found = queries::find_on(tx.conn, event.map(|event| event.id), number.as_str()).await?;
        let row = settle(tx, &permit, found.ok_or_else(missing)?).await?;
        let is_own = row.account_id.is_some() && row.account_id == permit.actor().account();
        if !is_own && !permit.is_staff() {
            return Err(missing().into());
        }
        let mover = if is_own { Mover::Keeper } else { Mover::Operator };
        if row.state != NumberState::Held || !may_move(row.state, NumberState::Aging, mover) {
            return Err(not_from(&row, NumberState::Aging).into());
        }
        let until = Some(tx.now.plus_seconds(LONGEST_AGEING_SECONDS));
        let step = Move { to: NumberState::Aging, account: None, until, extension: None };
        let row = shift(tx, &permit, row, step).await?;
        let place = settle(tx, &permit, row).await?.place();
        tx.audit(&permit, Some(place.global()), format!("the hold of {number} was given up")).await?;
        Ok(place)
    })
    .await
}

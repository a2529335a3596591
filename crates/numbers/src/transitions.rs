//! Changes of a number's state, each with its entry in the number's history.

use numbering::NumberState;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::error::Error;
use platform::ids::{AccountId, EventId, ExtensionId, NumberHistoryId, NumberId};
use platform::transaction::Tx;

use crate::model::{HistoryRow, NumberRow};
use crate::queries;

/// The state that a number changes to, with the values that belong to it.
pub struct Transition {
    pub to: NumberState,
    pub account: Option<AccountId>,
    /// The end of a hold, of a reservation or of ageing.
    pub until: Option<Timestamp>,
    pub extension: Option<ExtensionId>,
}

impl Transition {
    /// To AVAILABLE.
    pub(crate) const fn to_available() -> Self {
        Self { to: NumberState::Available, account: None, until: None, extension: None }
    }

    /// To AGING until `until`.
    pub(crate) const fn to_aging(until: Timestamp) -> Self {
        Self { to: NumberState::Aging, account: None, until: Some(until), extension: None }
    }

    /// To IN_SERVICE as the number of an extension of this owner.
    pub const fn to_in_service(owner: AccountId, extension: ExtensionId) -> Self {
        Self { to: NumberState::InService, account: Some(owner), until: None, extension: Some(extension) }
    }
}

/// The row of a number that has none in the database yet: available, version 0. `event` is `None` for an E.164 number.
pub fn unsaved_row(tx: &Tx<'_>, event: Option<EventId>, number: &str) -> NumberRow {
    NumberRow {
        id: NumberId::new(tx.rng(), tx.now),
        event_id: event,
        number: number.to_owned(),
        state: NumberState::Available,
        account_id: None,
        until: None,
        extension_id: None,
        version: 0,
    }
}

/// Changes the state of a number and appends the transition to its history.
///
/// # Errors
/// A database error.
pub async fn transition(
    tx: &mut Tx<'_>,
    permit: &Permit,
    mut row: NumberRow,
    transition: Transition,
) -> Result<NumberRow, Error> {
    let history = apply(tx, permit, &mut row, transition);
    queries::save_number(tx.conn, permit, &row).await?;
    queries::append_history(tx.conn, permit, &history).await?;
    Ok(row)
}

/// Changes the states of many numbers. Numbers without a row are inserted together.
///
/// # Errors
/// A database error.
pub async fn transition_all(
    tx: &mut Tx<'_>,
    permit: &Permit,
    transitions: Vec<(NumberRow, Transition)>,
) -> Result<(), Error> {
    let (mut new_rows, mut histories) = (Vec::new(), Vec::with_capacity(transitions.len()));
    for (mut row, transition) in transitions {
        let is_new = row.version == 0;
        histories.push(apply(tx, permit, &mut row, transition));
        if is_new {
            new_rows.push(row);
        } else {
            queries::save_number(tx.conn, permit, &row).await?;
        }
    }
    queries::insert_all(tx.conn, permit, &new_rows).await?;
    Ok(queries::append_histories(tx.conn, permit, &histories).await?)
}

/// Applies a transition to the row and returns its history entry.
fn apply(tx: &Tx<'_>, permit: &Permit, row: &mut NumberRow, transition: Transition) -> HistoryRow {
    let from_state = row.state;
    let account_id = transition.account.or(row.account_id);
    row.state = transition.to;
    row.account_id = transition.account;
    row.until = transition.until;
    row.extension_id = transition.extension;
    row.version += 1;
    HistoryRow {
        // The version is the counter, which keeps the order of two transitions of one transaction.
        id: NumberHistoryId(tx.rng().uuid_in_order(tx.now, u16::try_from(row.version & 0x0fff).unwrap_or(0))),
        number_id: row.id,
        at: tx.now,
        from_state,
        to_state: transition.to,
        account_id,
        actor: permit.actor().label(),
    }
}

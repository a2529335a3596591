//! Giving an extension to somebody else.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::super::model::Extension;
use super::super::queries;
use super::place::{account_named, account_of, check_quota};
use super::{Changed, Weight, check_phase, check_version, marks, parameters, place_of, shown_once, take};
use accounts::Account;
use events::Event;
use numbers::{Transition, transition};
use platform::access::{Caller, Permit, Role};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::services::Services;
use platform::transaction::{Mode, Tx};
use restrictions::RestrictionEffect;
use service_types::{ServiceType, compiled};

/// Which extension goes to whom.
pub struct TransferExtension {
    pub id: String,
    /// The new owner's username.
    pub owner: String,
    pub expected_version: Option<i32>,
}

/// Gives an extension to another account: number, label, permissions and parameters stay, and copies of the owner's name follow.
/// What the old owner knows or agreed to does not stay: every generated secret is made anew, a fallback outside the event is
/// cleared, and memberships in the groups of others become invitations to the new owner. A group keeps its members. Whoever
/// owns it already keeps it as it is.
///
/// # Errors
/// NOT_FOUND at `id`; at `owner` NOT_FOUND, EMAIL_UNVERIFIED, RESTRICTED, QUOTA_EXCEEDED (operators have no quota);
/// STALE_VERSION, EVENT_CLOSED; SCHEMA_VIOLATION and ALREADY_EXISTS where a parameter may not be what follows.
pub async fn transfer(services: &Services, caller: &Arc<Caller>, input: TransferExtension) -> Result<Changed, Error> {
    transact!(services, caller, actions::TRANSFER_EXTENSION, Mode::Commit, |tx| { transfer_in(tx, &input).await }).await
}

async fn transfer_in(tx: &mut Tx<'_>, input: &TransferExtension) -> Result<Changed, Error> {
    tx.actor().demand(Role::Operator)?;
    let nobody = || UserError::not_found("owner", "There is no account of this name.");
    let owner = account_named(tx, &input.owner).await?.ok_or_else(nobody)?.id;
    let (permit, mut rows) = take(tx, actions::TRANSFER_EXTENSION, &[("id", &input.id)], &[owner]).await?;
    let mut row = rows.pop().ok_or_else(|| InternalError::new("no row for an id"))?;
    let owner = account_of(tx, owner).await?.ok_or_else(nobody)?;
    let (event, service_type) = place_of(tx, &row).await?;
    check_phase(&event, &permit, Weight::Heavy)?;
    check_version(&row, input.expected_version)?;
    let mut generated = None;
    if row.owner_id != owner.id {
        check_owner(tx, &owner, &event, &service_type).await?;
        generated = hand_over(tx, &permit, &mut row, &service_type, &owner).await?;
    }
    Ok(Changed { extension: row.id, generated, preview: None })
}

/// Refuses somebody who could not register it either: without a proven address, restricted, or with as many as one may hold.
async fn check_owner(tx: &mut Tx<'_>, owner: &Account, event: &Event, service_type: &ServiceType) -> Result<(), Error> {
    if owner.email_verified_at.is_none() {
        let message = format!("{} has not verified an e-mail address.", owner.username);
        return Err(UserError::new(UserErrorKind::EmailUnverified, "owner", message).into());
    }
    let restrictions = restrictions::of_account(tx.conn, owner.id).await?;
    if restrictions.iter().any(|restriction| restriction.has(RestrictionEffect::NoWrite)) {
        let message = format!("{} may not have extensions now.", owner.username);
        return Err(UserError::new(UserErrorKind::Restricted, "owner", message).into());
    }
    if owner.role < Role::Operator {
        check_quota(tx, owner.id, event, service_type, "owner").await?;
    }
    Ok(())
}

async fn hand_over(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    service_type: &ServiceType,
    owner: &Account,
) -> Result<Option<serde_json::Value>, Error> {
    let schema = compiled(service_type)?;
    let old = accounts::queries::by_id(tx.conn, row.owner_id).await?;
    let old = old.ok_or_else(|| InternalError::new("an extension without its owner"))?.username;
    let number = row.number.clone();
    let names = ((number.as_str(), old.as_str()), (number.as_str(), owner.username.as_str()));
    let made = parameters::follow(tx, &schema, row, names, true)?;
    row.owner_id = owner.id;
    row.fallback_number = None;
    row.version += 1;
    row.updated_at = tx.now;
    queries::save(tx.conn, permit, row).await?;
    parameters::claim_unique(tx, permit, &schema, row, service_type).await?;
    // A group shows whether its member is active, which hangs on the owner: it is told even if the membership stays.
    marks::present(tx, row, &schema);
    marks::shown_by(tx, row).await?;
    queries::ask_again(tx.conn, permit, row.id, owner.id).await?;
    let kept = numbers::assigned_number(tx.conn, row.event_id, &number).await?;
    let kept = kept.ok_or_else(|| InternalError::new("an extension's number has no row"))?;
    let in_service = Transition::to_in_service(owner.id, row.id);
    transition(tx, permit, kept, in_service).await?;
    let summary = format!("{number} went from {old} to {}", owner.username);
    tx.audit(permit, Some(row.id.global()), summary).await?;
    Ok(shown_once(&schema, &made, permit))
}

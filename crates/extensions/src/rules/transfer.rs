//! Transfer of an extension to another owner.

use std::sync::Arc;

use accounts::Account;
use events::Event;
use numbers::{Transition, transition};
use platform::access::{Caller, Permit, Role};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use restrictions::RestrictionEffect;
use service_types::{ServiceType, compiled};

use super::create::{find_account, load_account};
use super::offer::{check_quota, count_owned};
use super::parameters::DerivationSource;
use super::{
    ChangeKind, Changed, check_phase, check_version, event_and_type_of, feed_changes, lock_rows, parameters,
    visible_secrets,
};
use crate::actions;
use crate::model::Extension;
use crate::queries;

/// The input of [`transfer`].
pub struct TransferExtension {
    pub id: String,
    /// The new owner's username.
    pub owner: String,
    pub expected_version: Option<i32>,
}

/// Transfers an extension to another account. Number, label, permissions and parameters stay; parameters derived from
/// the owner's username are updated. Everything that the old owner knows or agreed to is replaced: generated secrets
/// are rotated, a fallback outside the event is cleared, and memberships in groups of other owners become invitations.
/// A group keeps its members. A transfer to the current owner changes nothing.
///
/// # Errors
/// NOT_FOUND at `id`; at `owner` NOT_FOUND, EMAIL_UNVERIFIED, RESTRICTED, QUOTA_EXCEEDED (operators have no quota);
/// REAUTHENTICATION_REQUIRED if the last sign-in is too long ago; STALE_VERSION, EVENT_CLOSED; SCHEMA_VIOLATION and ALREADY_EXISTS for a derived parameter.
pub async fn transfer(services: &Services, caller: &Arc<Caller>, input: TransferExtension) -> Result<Changed, Error> {
    transact!(services, caller, actions::TRANSFER_EXTENSION, Mode::Commit, |tx| { transfer_in(tx, &input).await }).await
}

async fn transfer_in(tx: &mut Tx<'_>, input: &TransferExtension) -> Result<Changed, Error> {
    tx.actor().demand(Role::Operator)?;
    let no_owner = || UserError::not_found("owner", "There is no account of this name.");
    let owner = find_account(tx, &input.owner).await?.ok_or_else(no_owner)?.id;
    let (permit, mut rows) = lock_rows(tx, actions::TRANSFER_EXTENSION, &[("id", &input.id)], &[owner]).await?;
    let mut row = rows.pop().ok_or_else(|| InternalError::new("no row for an id"))?;
    let owner = load_account(tx, owner).await?.ok_or_else(no_owner)?;
    let (event, service_type) = event_and_type_of(tx, &row).await?;
    check_phase(&event, &permit, ChangeKind::Assignment)?;
    check_version(&row, input.expected_version)?;
    let mut generated = None;
    if row.owner_id != owner.id {
        // The new secrets are shown to the operator.
        tx.actor().demand_recent_sign_in(tx.now)?;
        check_owner(tx, &owner, &event, &service_type).await?;
        generated = change_owner(tx, &permit, &mut row, &service_type, &owner).await?;
    }
    Ok(Changed { extension: row.id, generated, preview: None })
}

/// Refuses an owner that could not register the extension: without a verified address, restricted, or at the quota.
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
        check_quota(service_type, count_owned(tx, owner.id, event, service_type).await?, "owner")?;
    }
    Ok(())
}

async fn change_owner(
    tx: &mut Tx<'_>,
    permit: &Permit,
    row: &mut Extension,
    service_type: &ServiceType,
    owner: &Account,
) -> Result<Option<serde_json::Value>, Error> {
    let schema = compiled(service_type)?;
    let old = accounts::account_by_id(tx.conn, row.owner_id).await?;
    let old_name = old.ok_or_else(|| InternalError::new("an extension without its owner"))?.username;
    let number = row.number.clone();
    let old = DerivationSource { number: &number, username: &old_name };
    let new = DerivationSource { username: &owner.username, ..old };
    let generated = parameters::update_derived_parameters(tx, &schema, row, (old, new), true)?;
    row.owner_id = owner.id;
    row.fallback_number = None;
    row.version += 1;
    row.updated_at = tx.now;
    queries::save(tx.conn, permit, row).await?;
    parameters::store_unique_values(tx, permit, &schema, row, service_type).await?;
    // The feed entry of a group contains whether its members are active, which depends on their owners.
    feed_changes::record_upsert(tx, row, &schema);
    feed_changes::touch_dependents(tx, row).await?;
    queries::reset_to_invited(tx.conn, permit, row.id, owner.id).await?;
    let number_row = numbers::assigned_number(tx.conn, row.event_id, &number).await?;
    let number_row = number_row.ok_or_else(|| InternalError::new("an extension's number has no row"))?;
    let in_service = Transition::to_in_service(owner.id, row.id);
    transition(tx, permit, number_row, in_service).await?;
    let summary = format!("{number} went from {old_name} to {}", owner.username);
    tx.audit(permit, Some(row.id.global()), summary).await?;
    Ok(visible_secrets(&schema, &generated, permit))
}

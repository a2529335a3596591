//! Leaving for good.

use std::sync::Arc;

use crate::access::{Action, Caller, Permit, Role};
use crate::accounts::rules::{Accepted, Guesses, prove, send};
use crate::accounts::{self, Account};
use crate::error::{AuthError, Error, InternalError, UserError, UserErrorKind};
use crate::extensions::Extension;
use crate::idempotency;
use crate::ids::AccountId;
use crate::locks::{self, LockMode};
use crate::mail::Mail;
use crate::notifications::Notification;
use crate::numbers::rules::{Move, lock_world, shift};
use crate::numbers::state::NumberState;
use crate::services::Services;
use crate::transaction::{Mode, Tx, transact};
use crate::{extensions, numbers, restrictions, service_types};

/// Deletes the caller's own account, in whatever phase the events of its extensions are: the right to be forgotten does not
/// wait for an event.
///
/// # Errors
/// CREDENTIALS_REJECTED at `password`, RATE_LIMITED after many failures, LAST_ADMIN, RESTRICTED for who is banned.
pub async fn delete_account(services: &Services, caller: &Arc<Caller>, password: &str) -> Result<Accepted, Error> {
    let id = prove(services, caller, password, "password").await?.id;
    transact(services, caller, Action::DeleteAccount, Mode::Commit, move |tx| {
        Box::pin(async move {
            locks::named(tx.conn, "admins").await?;
            lock_all(tx, id).await?;
            let permit = tx.permit(Action::DeleteAccount).await?;
            let account = accounts::queries::by_id(tx.conn, id).await?.ok_or(AuthError::Unauthenticated)?;
            if account.role == Role::Admin && accounts::queries::count_other_admins(tx.conn, id).await? == 0 {
                let message = "You are the last admin: make somebody else an admin first.";
                return Err(UserError::new(UserErrorKind::LastAdmin, "", message).into());
            }
            for row in extensions::queries::of_owner(tx.conn, id).await? {
                remove(tx, &permit, &row).await?;
            }
            end_reservations(tx, &permit, id).await?;
            forget(tx, &permit, &account).await?;
            tx.audit(&permit, Some(id.global()), format!("{} deleted the account", account.username)).await?;
            Ok(Accepted)
        })
    })
    .await
}

/// Takes the locks of the account, of what its extensions are, and of the plans where it has numbers. With the account's own
/// nothing can be added to it meanwhile.
async fn lock_all(tx: &mut Tx<'_>, id: AccountId) -> Result<(), Error> {
    locks::accounts(tx.conn, &[id], LockMode::Exclusive).await?;
    let rows = extensions::queries::of_owner(tx.conn, id).await?;
    let service_types: Vec<_> = rows.iter().map(|row| row.service_type_id).collect();
    locks::service_types(tx.conn, &service_types, LockMode::Shared).await?;
    let kept = numbers::queries::of_account(tx.conn, id).await?;
    let events: Vec<_> =
        rows.iter().map(|row| row.event_id).chain(kept.iter().filter_map(|number| number.event_id)).collect();
    locks::events(tx.conn, &events).await?;
    for number in kept.iter().filter(|number| number.event_id.is_none()) {
        lock_world(tx, &number.number).await?;
    }
    Ok(())
}

/// Ends an extension as its own deletion does.
async fn remove(tx: &mut Tx<'_>, permit: &Permit, row: &Extension) -> Result<(), Error> {
    let event = service_types::queries::event_by_id(tx.conn, row.event_id).await?;
    let event = event.ok_or_else(|| InternalError::new("an extension of a missing event"))?;
    extensions::rules::remove(tx, permit, row, &event).await?;
    tx.audit(permit, Some(row.id.global()), format!("{} was deleted", row.number)).await
}

/// Gives back the numbers that were kept for the account. Holds end by themselves: they keep a number from others until the
/// telephone systems have forgotten it.
async fn end_reservations(tx: &mut Tx<'_>, permit: &Permit, id: AccountId) -> Result<(), Error> {
    for row in numbers::queries::of_account(tx.conn, id).await? {
        if row.state == NumberState::Reserved {
            let free = Move { to: NumberState::Available, account: None, until: None, extension: None };
            shift(tx, permit, row, free).await?;
        }
    }
    Ok(())
}

/// Ends every session, tells the owner, and erases what is known of a person.
async fn forget(tx: &mut Tx<'_>, permit: &Permit, account: &Account) -> Result<(), Error> {
    accounts::proof_queries::end_sessions(tx.conn, permit, account.id, None).await?;
    tx.notify(Notification::AccountEnded(account.id));
    if account.email_verified_at.is_some() {
        send(tx, &Mail::account_deleted(&account.email, &account.username)).await?;
    }
    restrictions::lift_all(tx.conn, permit, account.id.into()).await?;
    idempotency::forget(tx.conn, permit, account.id).await?;
    accounts::proof_queries::clear_failures(tx.conn, Guesses::of_account(account.id).hash()).await?;
    Ok(accounts::queries::erase(tx.conn, permit, account, tx.now).await?)
}

//! Deletion of an account.
//!
//! The account's holdings are deleted as by their own delete operations. The id and the username of the account remain,
//! because the audit is immutable and refers to them, and no other account gets the username.

use std::sync::Arc;

use platform::access::{Caller, Permit, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::idempotency;
use platform::locks::{self, LockMode};
use platform::mail::Mail;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::login::Login;
use super::proof::{OwnPassword, Proof};
use super::{Accepted, enqueue_mail, throttle};
use crate::hooks::{AccountHooks, holdings};
use crate::{Account, actions, queries, session_queries};

/// Deletes the caller's own account, whatever the phase of the events of its extensions: the right to erasure (GDPR,
/// article 17) does not depend on it.
///
/// # Errors
/// CREDENTIALS_REJECTED at `password`, RATE_LIMITED after many failures, LAST_ADMIN, RESTRICTED for a banned account.
pub async fn delete_account(services: &Services, caller: &Arc<Caller>, password: &str) -> Result<Accepted, Error> {
    let proof = Proof::of_caller(services, caller, OwnPassword { password, field: "password", hashes: 1 }).await?;
    let id = proof.account();
    transact!(services, caller, actions::DELETE_ACCOUNT, Mode::Commit, |tx| {
        locks::named(tx.conn, "admins").await?;
        let account = proof.redeem_at(tx, LockMode::Exclusive, "password").await?;
        lock_holdings(tx, &account).await?;
        let permit = tx.permit().await?;
        if account.role == Role::Admin && queries::count_other_admins(tx.conn, id).await? == 0 {
            let message = "You are the last admin: make another account an admin first.";
            return Err(UserError::new(UserErrorKind::LastAdmin, "", message).into());
        }
        let services = tx.services();
        for hook in services.hooks.all::<dyn AccountHooks>() {
            hook.delete(tx, &permit, id).await?;
        }
        erase(tx, &permit, &account).await?;
        tx.audit(&permit, Some(id.global()), format!("{} deleted the account", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

/// Locks the account's holdings in dependent domains. The account's own lock prevents new holdings.
async fn lock_holdings(tx: &mut Tx<'_>, account: &Account) -> Result<(), Error> {
    let holdings = holdings(tx, account).await?;
    locks::service_types(tx.conn, &holdings.service_types, LockMode::Shared).await?;
    locks::events(tx.conn, &holdings.events).await?;
    for number in &holdings.e164_numbers {
        locks::e164_number(tx.conn, number).await?;
    }
    Ok(())
}

/// Ends all sessions, enqueues the notice, and erases the personal data of the account.
async fn erase(tx: &mut Tx<'_>, permit: &Permit, account: &Account) -> Result<(), Error> {
    session_queries::delete_sessions(tx.conn, permit, account.id, None).await?;
    tx.notify(Notification::AccountEnded(account.id));
    if account.email_verified_at.is_some() {
        enqueue_mail(tx, &Mail::account_deleted(&account.email, &account.username)).await?;
    }
    restrictions::lift_all(tx.conn, permit, account.id.into()).await?;
    idempotency::delete_by_account(tx.conn, permit, account.id).await?;
    let address = tx.caller().address;
    for login in [&account.username, &account.email] {
        throttle::forget_login(tx.conn, &Login::parse(login), address).await?;
    }
    Ok(queries::erase(tx.conn, permit, account, tx.now).await?)
}

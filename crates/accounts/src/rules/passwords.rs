//! Change and reset of passwords.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::Error;
use platform::locks::{self, LockMode};
use platform::mail::Mail;
use platform::notifications::Notification;
use platform::passwords::Password;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::account_mail::{MailAdmission, MailRequest};
use super::login::Login;
use super::proof::{OwnPassword, Proof};
use super::{Accepted, clean_email, enqueue_mail, parse_mail_token, take_hashes, throttle, unknown_token};
use crate::actions;
use crate::model::{Account, MailTokenPurpose};
use crate::{queries, session_queries};

/// Changes the caller's password, ends the caller's other sessions and mails a notice.
///
/// # Errors
/// CREDENTIALS_REJECTED at `currentPassword`, WEAK_PASSWORD at `newPassword`.
pub async fn change_password(
    services: &Services,
    caller: &Arc<Caller>,
    current: &str,
    new: &str,
) -> Result<Accepted, Error> {
    let person = caller.actor.demand_person()?;
    let chosen = Password::choose(new, &[&person.username], "newPassword")?;
    let session = person.session;
    let own = OwnPassword { password: current, field: "currentPassword", hashes: 2 };
    let proof = Proof::of_caller(services, caller, own).await?;
    let hash = services.hasher.hash(caller.address, &chosen).await?;
    transact!(services, caller, actions::CHANGE_PASSWORD, Mode::Commit, |tx| {
        let account = proof.redeem_at(tx, LockMode::Exclusive, "currentPassword").await?;
        let permit = tx.permit().await?;
        set_password(tx, &account, &hash).await?;
        session_queries::delete_sessions(tx.conn, &permit, account.id, Some(session)).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} changed the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

/// Sets a new password, mails a notice, and voids the mailed links that the old password could have requested: a new
/// password link, and the link of a change of address that has not been verified. The caller holds the account's
/// exclusive lock and ends the sessions.
async fn set_password(tx: &mut Tx<'_>, account: &Account, hash: &str) -> Result<(), Error> {
    queries::set_password(tx.conn, account.id, hash).await?;
    session_queries::invalidate_mail_tokens(tx.conn, Some(account.id), MailTokenPurpose::ResetPassword, tx.now).await?;
    if account.email_verified_at.is_some() {
        session_queries::invalidate_mail_tokens(tx.conn, Some(account.id), MailTokenPurpose::VerifyEmail, tx.now)
            .await?;
    }
    tx.notify(Notification::AccountEnded(account.id));
    enqueue_mail(tx, &Mail::password_changed(&account.email, &account.username)).await
}

/// Mails a password reset link if an account has verified the address. Neither the result nor the duration reveals
/// whether one has.
///
/// # Errors
/// INVALID at `email` if the text is not an address; RATE_LIMITED at `email` after too many requests of this caller.
pub async fn request_password_reset(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    let admission = MailAdmission::of_address(services, caller, &email)?;
    transact!(services, caller, actions::REQUEST_PASSWORD_RESET, Mode::Commit, |tx| {
        admission.enqueue(tx, &MailRequest::ResetPassword { email }).await?;
        Ok(Accepted)
    })
    .await
}

/// Sets a new password with the token from the mail, ends all sessions and mails a notice. A token is void when the
/// account has another address than the one that it was mailed to.
///
/// # Errors
/// TOKEN_EXPIRED at `token`, WEAK_PASSWORD at `newPassword`; a rejected password does not consume the token.
/// RATE_LIMITED after too many attempts from this address.
pub async fn reset_password(
    services: &Services,
    caller: &Arc<Caller>,
    token: &str,
    new: &str,
) -> Result<Accepted, Error> {
    let chosen = Password::choose(new, &[], "newPassword")?;
    take_hashes(services, caller, 1)?;
    let token = parse_mail_token(services, token, MailTokenPurpose::ResetPassword).await?;
    let password_hash = services.hasher.hash(caller.address, &chosen).await?;
    let inner = services.clone();
    transact!(services, caller, actions::RESET_PASSWORD, Mode::Commit, |tx| {
        let unknown = || unknown_token(&inner);
        let id = token.account_id.ok_or_else(unknown)?;
        locks::accounts(tx.conn, &[id], LockMode::Exclusive).await?;
        let permit = tx.permit().await?;
        session_queries::consume_mail_token(tx.conn, &token.token_hash, MailTokenPurpose::ResetPassword, tx.now)
            .await?
            .ok_or_else(unknown)?;
        let account = queries::account_by_id(tx.conn, id).await?;
        let account = account.filter(|account| account.deleted_at.is_none()).ok_or_else(unknown)?;
        if token.email.as_ref() != Some(&account.email) {
            return Err(unknown().into());
        }
        set_password(tx, &account, &password_hash).await?;
        let address = tx.caller().address;
        for login in [&account.username, &account.email] {
            throttle::forget_login(tx.conn, &Login::parse(login), address).await?;
        }
        session_queries::delete_sessions(tx.conn, &permit, id, None).await?;
        tx.audit(&permit, Some(id.global()), format!("{} reset the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

//! Changing a password, and getting back in without one.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::guessing::Guesses;
use super::registration::{issue, may_mail};
use super::{Accepted, clean_email, send, token_expired};
use crate::model::{Account, MailTokenPurpose};
use crate::token::Token;
use crate::{proof_queries, queries};
use platform::access::Caller;
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::mail::Mail;
use platform::notifications::Notification;
use platform::passwords::Password;
use platform::passwords::Verdict;
use platform::services::Services;
use platform::transaction::Mode;

/// Checks the caller's own password, for what needs it again. Failures count as failed sign-ins.
///
/// # Errors
/// CREDENTIALS_REJECTED at `field`; RATE_LIMITED; [`AuthError`] for anybody but a signed-in person.
pub(crate) async fn prove(services: &Services, caller: &Caller, password: &str, field: &str) -> Result<Account, Error> {
    let id = caller.actor.demand_person()?.id;
    let mut conn = services.store.read().await?;
    let account = queries::by_id(&mut conn, id).await?.ok_or(AuthError::Unauthenticated)?;
    drop(conn);
    let guesses = Guesses::of_account(id);
    guesses.admit(services).await?;
    match services.hasher.verify(&Password::presented(password), &account.password_hash).await? {
        Verdict::Right | Verdict::RightButCheap => Ok(account),
        Verdict::Wrong => {
            guesses.failed(services).await?;
            Err(UserError::new(UserErrorKind::CredentialsRejected, field, "This is not your password.").into())
        }
    }
}

/// Changes the caller's password; other sessions end, and a notice is sent.
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
    let account = prove(services, caller, current, "currentPassword").await?;
    let hash = services.hasher.hash(&chosen).await?;
    transact!(services, caller, actions::CHANGE_PASSWORD, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        queries::set_password(tx.conn, account.id, &hash).await?;
        proof_queries::void_mail_tokens(tx.conn, Some(account.id), MailTokenPurpose::ResetPassword, tx.now).await?;
        proof_queries::end_sessions(tx.conn, &permit, account.id, Some(session)).await?;
        tx.notify(Notification::AccountEnded(account.id));
        send(tx, &Mail::password_changed(&account.email, &account.username)).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} changed the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

/// Sends a link for a new password, if an account has verified the address; the answer never tells.
///
/// # Errors
/// INVALID when the text is no address.
pub async fn request_password_reset(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    transact!(services, caller, actions::REQUEST_PASSWORD_RESET, Mode::Commit, |tx| {
        if let Some(account) = queries::by_verified_email(tx.conn, &email).await?
            && may_mail(tx, account.id, MailTokenPurpose::ResetPassword).await?
        {
            let token = issue(tx, Some(account.id), MailTokenPurpose::ResetPassword, None).await?;
            send(tx, &Mail::password_reset(&account.email, &account.username, &token.reveal())).await?;
        }
        Ok(Accepted)
    })
    .await
}

/// Sets a new password with the token from the mail: every session ends, and a notice is sent.
///
/// # Errors
/// TOKEN_EXPIRED at `token`, WEAK_PASSWORD at `newPassword`; a password that is refused does not use the token up.
pub async fn reset_password(
    services: &Services,
    caller: &Arc<Caller>,
    token: &str,
    new: &str,
) -> Result<Accepted, Error> {
    let chosen = Password::choose(new, &[], "newPassword")?;
    let hash = Token::parse(token).ok_or_else(token_expired)?.hash();
    let password_hash = services.hasher.hash(&chosen).await?;
    transact!(services, caller, actions::RESET_PASSWORD, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let used =
            proof_queries::use_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::ResetPassword, tx.now).await?;
        let id = used.and_then(|used| used.account_id).ok_or_else(token_expired)?;
        let account = queries::by_id(tx.conn, id)
            .await?
            .filter(|account| account.deleted_at.is_none())
            .ok_or_else(token_expired)?;
        queries::set_password(tx.conn, id, &password_hash).await?;
        proof_queries::clear_failures(tx.conn, Guesses::of_account(id).hash()).await?;
        proof_queries::end_sessions(tx.conn, &permit, id, None).await?;
        tx.notify(Notification::AccountEnded(id));
        send(tx, &Mail::password_changed(&account.email, &account.username)).await?;
        tx.audit(&permit, Some(id.global()), format!("{} reset the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

//! Change and reset of passwords.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::mail::Mail;
use platform::notifications::Notification;
use platform::passwords::{Password, PasswordCheck};
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::registration::{is_below_mail_limit, issue_mail_token};
use super::throttle::SignInThrottle;
use super::{Accepted, clean_email, enqueue_mail, token_expired};
use crate::actions;
use crate::model::{Account, MailTokenPurpose};
use crate::token::Token;
use crate::{queries, session_queries};

/// Verifies the caller's own password before a sensitive operation. Failures count as failed sign-ins.
///
/// # Errors
/// CREDENTIALS_REJECTED at `field`; RATE_LIMITED; [`AuthError`] for any caller but a signed-in person.
pub(crate) async fn verify_own_password(
    services: &Services,
    caller: &Caller,
    password: &str,
    field: &str,
) -> Result<Account, Error> {
    let id = caller.actor.demand_person()?.id;
    let mut conn = services.store.read().await?;
    let account = queries::account_by_id(&mut conn, id).await?.ok_or(AuthError::Unauthenticated)?;
    drop(conn);
    let throttle = SignInThrottle::for_account(id);
    throttle.check(services).await?;
    match services.hasher.verify(&Password::from_input(password), &account.password_hash).await? {
        PasswordCheck::Match | PasswordCheck::MatchNeedsRehash => Ok(account),
        PasswordCheck::Mismatch => {
            throttle.record_failure(services).await?;
            Err(UserError::new(UserErrorKind::CredentialsRejected, field, "This is not your password.").into())
        }
    }
}

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
    let account = verify_own_password(services, caller, current, "currentPassword").await?;
    let hash = services.hasher.hash(&chosen).await?;
    transact!(services, caller, actions::CHANGE_PASSWORD, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        queries::set_password(tx.conn, account.id, &hash).await?;
        session_queries::invalidate_mail_tokens(tx.conn, Some(account.id), MailTokenPurpose::ResetPassword, tx.now)
            .await?;
        session_queries::delete_sessions(tx.conn, &permit, account.id, Some(session)).await?;
        tx.notify(Notification::AccountEnded(account.id));
        enqueue_mail(tx, &Mail::password_changed(&account.email, &account.username)).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} changed the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

/// Mails a password reset link if an account has verified the address. The result does not reveal whether one has.
///
/// # Errors
/// INVALID at `email` if the text is not an address.
pub async fn request_password_reset(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    transact!(services, caller, actions::REQUEST_PASSWORD_RESET, Mode::Commit, |tx| {
        if let Some(account) = queries::account_by_verified_email(tx.conn, &email).await?
            && is_below_mail_limit(tx, account.id, MailTokenPurpose::ResetPassword).await?
        {
            let token = issue_mail_token(tx, Some(account.id), MailTokenPurpose::ResetPassword, None).await?;
            enqueue_mail(tx, &Mail::password_reset(&account.email, &account.username, &token.reveal())).await?;
        }
        Ok(Accepted)
    })
    .await
}

/// Sets a new password with the token from the mail, ends all sessions and mails a notice.
///
/// # Errors
/// TOKEN_EXPIRED at `token`, WEAK_PASSWORD at `newPassword`; a rejected password does not consume the token.
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
            session_queries::consume_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::ResetPassword, tx.now)
                .await?;
        let id = used.and_then(|used| used.account_id).ok_or_else(token_expired)?;
        let account = queries::account_by_id(tx.conn, id)
            .await?
            .filter(|account| account.deleted_at.is_none())
            .ok_or_else(token_expired)?;
        queries::set_password(tx.conn, id, &password_hash).await?;
        session_queries::delete_sign_in_failures(tx.conn, SignInThrottle::for_account(id).key()).await?;
        session_queries::delete_sessions(tx.conn, &permit, id, None).await?;
        tx.notify(Notification::AccountEnded(id));
        enqueue_mail(tx, &Mail::password_changed(&account.email, &account.username)).await?;
        tx.audit(&permit, Some(id.global()), format!("{} reset the password", account.username)).await?;
        Ok(Accepted)
    })
    .await
}

//! Registration, verification of e-mail addresses, and creation of admins by the command line.

use std::sync::Arc;

use platform::access::{Caller, RefusalReason, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::locks::{self, LockMode};
use platform::mail::Mail;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::account_mail::{MailAdmission, MailRequest};
use super::candidate::{Candidate, EmailStatus, RegisterAccount, ReservedNames};
use super::{Accepted, Changed, clean_email, enqueue_mail, parse_mail_token, rate_limited, take_hashes, unknown_token};
use crate::actions;
use crate::model::MailTokenPurpose;
use crate::{queries, session_queries};

/// Registers an account. A registration with an address that another account has verified succeeds like any other, but
/// the other account's owner gets a notice and no verification link is sent.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned; RATE_LIMITED after too many registrations from this
/// address, and at `email` after too many mails.
pub async fn register(services: &Services, caller: &Arc<Caller>, input: RegisterAccount) -> Result<Changed, Error> {
    let candidate = Candidate::new(&input, ReservedNames::Refused)?;
    take_hashes(services, caller, 1)?;
    services.quotas.take_registration(caller).map_err(|retry| {
        services.refusals.record(RefusalReason::MailQuota);
        rate_limited("", retry.seconds, "Too many accounts were registered from this address. Try again later.")
    })?;
    let admission = MailAdmission::of_address(services, caller, &candidate.email)?;
    let candidate = candidate.hash(services, caller).await?;
    transact!(services, caller, actions::REGISTER_ACCOUNT, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = candidate.insert(tx, &permit, Role::User, EmailStatus::Unverified).await?;
        admission.enqueue(tx, &MailRequest::Verify { account: account.id, email: account.email }).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

/// Verifies an address with the token from the mail: the first address of an account, or a new one.
///
/// # Errors
/// TOKEN_EXPIRED; ALREADY_EXISTS if another account has verified the address in the meantime.
pub async fn verify_email(services: &Services, caller: &Arc<Caller>, token: &str) -> Result<Changed, Error> {
    let token = parse_mail_token(services, token, MailTokenPurpose::VerifyEmail).await?;
    let inner = services.clone();
    transact!(services, caller, actions::VERIFY_EMAIL, Mode::Commit, |tx| {
        let unknown = || unknown_token(&inner);
        let (Some(id), Some(email)) = (token.account_id, token.email) else { return Err(unknown().into()) };
        locks::accounts(tx.conn, &[id], LockMode::Exclusive).await?;
        locks::named(tx.conn, &format!("email {}", email.to_ascii_lowercase())).await?;
        let permit = tx.permit().await?;
        session_queries::consume_mail_token(tx.conn, &token.token_hash, MailTokenPurpose::VerifyEmail, tx.now)
            .await?
            .ok_or_else(unknown)?;
        let account = queries::account_by_id(tx.conn, id).await?;
        let account = account.filter(|account| account.deleted_at.is_none()).ok_or_else(unknown)?;
        let other = queries::account_by_verified_email(tx.conn, &email).await?.filter(|other| other.id != id);
        if other.is_some() {
            let message = "Another account has proved this address already.";
            return Err(UserError::new(UserErrorKind::AlreadyExists, "token", message).into());
        }
        queries::set_verified_email(tx.conn, &permit, id, &email, tx.now).await?;
        if account.email_verified_at.is_some() && !account.email.eq_ignore_ascii_case(&email) {
            enqueue_mail(tx, &Mail::email_changed(&account.email, &account.username)).await?;
        }
        tx.audit(&permit, Some(id.global()), format!("{} proved an e-mail address", account.username)).await?;
        Ok(Changed { account: id })
    })
    .await
}

/// Mails a new verification link if an account has this unverified address. Neither the result nor the duration reveals
/// whether one has.
///
/// # Errors
/// INVALID at `email` if the text is not an address; RATE_LIMITED at `email` after too many requests of this caller.
pub async fn resend_verification(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    let admission = MailAdmission::of_address(services, caller, &email)?;
    transact!(services, caller, actions::RESEND_VERIFICATION, Mode::Commit, |tx| {
        admission.enqueue(tx, &MailRequest::VerifyAgain { email }).await?;
        Ok(Accepted)
    })
    .await
}

/// Creates an admin with a verified address, for the command line.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned.
pub async fn create_admin(services: &Services, caller: &Arc<Caller>, input: RegisterAccount) -> Result<Changed, Error> {
    let candidate = Candidate::new(&input, ReservedNames::Permitted)?.hash(services, caller).await?;
    transact!(services, caller, actions::CREATE_ADMIN, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = candidate.insert(tx, &permit, Role::Admin, EmailStatus::Verified).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

//! Operations on accounts.

mod account_mail;
mod bans;
mod candidate;
mod deletion;
mod export;
mod failures;
mod login;
mod passwords;
mod profile;
mod proof;
mod pruning;
mod registration;
mod roles;
mod sessions;
mod setup;
mod sign_in;
mod throttle;

pub use account_mail::{DECIDE_ACCOUNT_MAIL, decide_account_mail};
pub use bans::{ban, clean_reason, unban};
pub use candidate::RegisterAccount;
pub use deletion::delete_account;
pub use export::{export, optional_timestamp, restrictions_section};
pub use failures::{RECORD_FAILED_PASSWORDS, record_failed_passwords};
pub use passwords::{change_password, request_password_reset, reset_password};
pub use profile::{ChangeEmail, change_email, update_profile};
pub use pruning::{UNVERIFIED_SECONDS, prune_unverified};
pub use registration::{create_admin, register, resend_verification, verify_email};
pub(crate) use roles::no_such_account;
pub use roles::set_role;
pub use sessions::{reauthenticate, revoke_all_sessions, revoke_session, sign_out};
pub use setup::{complete_setup, issue_setup_token};
pub use sign_in::{SignedIn, sign_in};

use platform::access::{Caller, RefusalReason};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::jobs::NewJob;
use platform::mail::{Mail, SEND_MAIL};
use platform::services::Services;
use platform::transaction::Tx;

use crate::model::{MailToken, MailTokenPurpose};
use crate::session_queries;
use crate::token::Token;

/// Result of an operation that created or changed an account.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    pub account: AccountId,
}

/// Result of an operation that returns no data, or must not reveal whether an account exists.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Accepted;

/// Enqueues a mail in the same transaction as the change.
pub(crate) async fn enqueue_mail(tx: &mut Tx<'_>, mail: &Mail) -> Result<(), Error> {
    let payload = mail.seal(tx.sealer()).map_err(InternalError::new)?;
    tx.enqueue(NewJob::new(&SEND_MAIL, payload)).await
}

/// Validates a username and converts it to lower case: 3–32 of `a-z0-9._-`.
///
/// # Errors
/// INVALID at `username`.
pub fn clean_username(input: &str) -> Result<String, UserError> {
    let folded = input.trim().to_ascii_lowercase();
    let fits = (3..=32).contains(&folded.len());
    let allowed =
        folded.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
    if fits && allowed {
        Ok(folded)
    } else {
        Err(UserError::invalid("username", "A username has 3 to 32 letters a–z, digits, dots, underscores or hyphens."))
    }
}

/// Validates a display name.
fn clean_display_name(input: &str) -> Result<String, UserError> {
    platform::text::name(input).map_err(|error| error.for_field("displayName"))
}

/// Validates an e-mail address and returns its canonical form.
fn clean_email(input: &str) -> Result<String, UserError> {
    platform::mail::normalize_address(input.trim()).ok_or_else(|| {
        let message = "No mail can be sent to this address. It must be name@domain, and the name must be ASCII.";
        UserError::invalid("email", message)
    })
}

/// Text that the search by operators looks in.
fn search_text(username: &str, display_name: &str) -> String {
    format!("{username} {}", platform::text::folding::fold(display_name))
}

/// Takes the hashes of an operation from the quota of the caller's address. Called before everything that is more
/// expensive than reading the input, so that every attempt counts.
///
/// # Errors
/// RATE_LIMITED.
fn take_hashes(services: &Services, caller: &Caller, hashes: u32) -> Result<(), UserError> {
    services.quotas.take_hashes_of_address(caller, hashes).map_err(|retry| {
        services.refusals.record(RefusalReason::HashQuota);
        rate_limited("", retry.seconds, "Too many passwords were checked for this address. Wait a moment.")
    })
}

/// Error for an attempt beyond a quota.
fn rate_limited(field: &str, retry_after_seconds: u32, message: &str) -> UserError {
    let retry_after_seconds = i32::try_from(retry_after_seconds).unwrap_or(i32::MAX);
    UserError::new(UserErrorKind::RateLimited { retry_after_seconds }, field, message)
}

/// Looks a mailed or printed token up, without consuming it. The transaction consumes it.
///
/// # Errors
/// TOKEN_EXPIRED at `token`; when the database fails.
async fn parse_mail_token(services: &Services, token: &str, purpose: MailTokenPurpose) -> Result<MailToken, Error> {
    let unknown = || unknown_token(services);
    let hash = Token::parse(token).ok_or_else(unknown)?.hash();
    let mut conn = services.store.read().await?;
    let found = session_queries::usable_mail_token(&mut conn, hash.as_bytes(), purpose, services.now()).await?;
    Ok(found.ok_or_else(unknown)?)
}

/// Counts an attempt with a token that is unknown, used or expired. The error does not reveal which.
fn unknown_token(services: &Services) -> UserError {
    services.refusals.record(RefusalReason::UnknownToken);
    tracing::info!("a mailed or printed token was unknown, used or expired");
    UserError::new(UserErrorKind::TokenExpired, "token", "This link is no longer good. Ask for a new one.")
}

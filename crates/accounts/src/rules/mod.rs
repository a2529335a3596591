//! Operations on accounts.

mod bans;
mod deletion;
mod export;
mod passwords;
mod profile;
mod registration;
mod roles;
mod sessions;
mod sign_in;
mod throttle;

pub use bans::{ban, clean_reason, unban};
pub use deletion::delete_account;
pub use export::{export, optional_timestamp, restrictions_section};
pub(crate) use passwords::verify_own_password;
pub use passwords::{change_password, request_password_reset, reset_password};
pub use profile::{ChangeEmail, change_email, update_profile};
pub use registration::{
    RegisterAccount, complete_setup, create_admin, issue_setup_token, register, resend_verification, verify_email,
};
pub(crate) use roles::no_such_account;
pub use roles::set_role;
pub use sessions::{reauthenticate, revoke_all_sessions, revoke_session, sign_out};
pub use sign_in::{SignedIn, sign_in};
pub(crate) use throttle::SignInThrottle;

use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::jobs::NewJob;
use platform::mail::{Mail, SEND_MAIL};
use platform::transaction::Tx;

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

/// Validates an e-mail address.
fn clean_email(input: &str) -> Result<String, UserError> {
    let trimmed = input.trim();
    if platform::mail::is_address(trimmed) {
        Ok(trimmed.to_owned())
    } else {
        Err(UserError::invalid("email", "This is not an e-mail address."))
    }
}

/// Text that the search by operators looks in.
fn search_text(username: &str, display_name: &str) -> String {
    format!("{username} {}", platform::text::folding::fold(display_name))
}

/// Error for a token that is unknown, used or expired. Does not reveal which.
fn token_expired() -> UserError {
    UserError::new(UserErrorKind::TokenExpired, "token", "This link is no longer good. Ask for a new one.")
}

//! What people may do with accounts.

mod bans;
mod deletion;
mod export;
mod guessing;
mod passwords;
mod profile;
mod registration;
mod roles;
mod sessions;
mod sign_in;

pub use bans::{ban, clean_reason, unban};
pub use deletion::delete_account;
pub use export::{export, restrictions_of, time};
pub(crate) use guessing::Guesses;
pub(crate) use passwords::prove;
pub use passwords::{change_password, request_password_reset, reset_password};
pub use profile::{ChangeEmail, change_email, update_profile};
pub use registration::{
    CreatedAccount, RegisterAccount, complete_setup, create_admin, register, resend_verification, setup_token,
    verify_email,
};
pub(crate) use roles::no_such_account;
pub use roles::set_role;
pub use sessions::{reauthenticate, revoke_all_sessions, revoke_session, sign_out};
pub use sign_in::{SignedIn, sign_in};

use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::jobs::NewJob;
use platform::mail::{Mail, SEND_MAIL};
use platform::transaction::Tx;

/// An account that an operation made or changed.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    /// The account.
    pub account: AccountId,
}

/// What was asked for is done, as far as the caller may know.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Accepted;

/// Puts a mail beside the change.
pub(crate) async fn send(tx: &mut Tx<'_>, mail: &Mail) -> Result<(), Error> {
    let payload = mail.seal(tx.sealer()).map_err(InternalError::new)?;
    tx.enqueue(NewJob::new(&SEND_MAIL, payload)).await
}

/// A username as it is stored: folded to lower case, 3–32 of `a-z0-9._-`.
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

/// A name to be shown.
fn clean_display_name(input: &str) -> Result<String, UserError> {
    platform::text::name(input).map_err(|error| error.for_field("displayName"))
}

/// An address to which mail can be sent.
fn clean_email(input: &str) -> Result<String, UserError> {
    let trimmed = input.trim();
    if platform::mail::is_address(trimmed) {
        Ok(trimmed.to_owned())
    } else {
        Err(UserError::invalid("email", "This is not an e-mail address."))
    }
}

/// What an operator's search looks in.
fn search_text(username: &str, display_name: &str) -> String {
    format!("{username} {}", platform::text::folding::fold(display_name))
}

/// The problem of a token that is unknown, used or too old: which, it does not say.
fn token_expired() -> UserError {
    UserError::new(UserErrorKind::TokenExpired, "token", "This link is no longer good. Ask for a new one.")
}

//! Rows of accounts, sessions and mail tokens.

use diesel::prelude::{Insertable, Queryable, Selectable};
use platform::access::Role;
use platform::clock::Timestamp;
use platform::ids::{AccountId, SessionId};
use platform::store::schema::{accounts, mail_tokens, sessions};
use platform::text_enum;

use crate::token::Token;

/// A person's account.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub struct Account {
    pub id: AccountId,
    /// 3–32 of `a-z0-9._-`; never changes.
    pub username: String,
    pub display_name: String,
    /// In the form of [`platform::mail::normalize_address`]. Comparisons ignore the case.
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    /// PHC string.
    pub password_hash: String,
    pub role: Role,
    /// Folded username and display name, for the search by operators.
    pub search: String,
    pub created_at: Timestamp,
    /// Time of deletion. The row of a deleted account stays as a pseudonym for the audit.
    pub deleted_at: Option<Timestamp>,
}

/// A session of a browser or another client.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub id: SessionId,
    pub account_id: AccountId,
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    pub created_at: Timestamp,
    /// Updated at most every five minutes.
    pub last_seen_at: Timestamp,
    /// [`Session::expiry`], updated together with `last_seen_at`.
    pub expires_at: Timestamp,
    /// Time of the last password check: the sign-in, or a later re-authentication.
    pub reauthenticated_at: Timestamp,
    pub user_agent: Option<String>,
}

/// Maximum lifetime of a session, in seconds: 30 days.
const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// Time without use after which a session ends, in seconds: 7 days.
const IDLE_SECONDS: i64 = 7 * 24 * 3600;

impl Session {
    /// Returns when a session ends that began at `created_at` and is used at `seen_at` for the last time.
    pub fn expiry(created_at: Timestamp, seen_at: Timestamp) -> Timestamp {
        created_at.plus_seconds(SESSION_SECONDS).min(seen_at.plus_seconds(IDLE_SECONDS))
    }
}

/// A session together with its account.
#[derive(Clone, Debug)]
pub struct AccountSession {
    pub session: Session,
    pub account: Account,
}

text_enum! {
    /// Purpose of a mail token.
    pub enum MailTokenPurpose {
        /// Verifies an e-mail address.
        VerifyEmail = "VERIFY_EMAIL",
        /// Authorizes a new password.
        ResetPassword = "RESET_PASSWORD",
        /// Creates the first admin. The server prints this token instead of mailing it.
        Setup = "SETUP",
    }
}

impl MailTokenPurpose {
    /// Lifetime of a token of this purpose, in seconds.
    pub const fn lifetime_seconds(self) -> i64 {
        match self {
            Self::VerifyEmail => 24 * 3600,
            Self::ResetPassword | Self::Setup => 30 * 60,
        }
    }
}

/// A single-use token that was mailed or printed; only its hash is stored.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = mail_tokens)]
pub struct MailToken {
    pub token_hash: Vec<u8>,
    pub account_id: Option<AccountId>,
    pub purpose: MailTokenPurpose,
    /// The address to which the token was mailed: the one that it verifies, or that of the account whose password it
    /// sets. `None` for the setup token.
    pub email: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

impl MailToken {
    /// Creates the row of a new token.
    pub(crate) fn new(
        token: &Token,
        account_id: Option<AccountId>,
        purpose: MailTokenPurpose,
        email: Option<&str>,
        now: Timestamp,
    ) -> Self {
        Self {
            token_hash: token.hash().as_bytes().to_vec(),
            account_id,
            purpose,
            email: email.map(str::to_owned),
            created_at: now,
            expires_at: now.plus_seconds(purpose.lifetime_seconds()),
            used_at: None,
        }
    }
}

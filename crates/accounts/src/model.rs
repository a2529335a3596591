//! The rows of accounts, sessions and the tokens in mails.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::access::Role;
use platform::clock::Timestamp;
use platform::ids::{AccountId, SessionId};
use platform::store::schema::{accounts, mail_tokens, sessions};
use platform::text_enum;

/// A person's account.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub struct Account {
    pub id: AccountId,
    /// 3–32 of `a-z0-9._-`; never changes.
    pub username: String,
    pub display_name: String,
    /// As typed. Compared in lower case.
    pub email: String,
    pub email_verified_at: Option<Timestamp>,
    /// A PHC string.
    pub password_hash: String,
    pub role: Role,
    /// Folded username and display name, for the operators' search.
    pub search: String,
    pub created_at: Timestamp,
    /// When its owner deleted it: the row stays as a pseudonym for the audit.
    pub deleted_at: Option<Timestamp>,
}

/// A signed-in browser or program.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub id: SessionId,
    pub account_id: AccountId,
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    pub created_at: Timestamp,
    /// Written at most every five minutes.
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// When the password was last given.
    pub reauthenticated_at: Timestamp,
    pub user_agent: Option<String>,
}

text_enum! {
    /// What a token in a mail is for.
    pub enum MailTokenPurpose {
        /// Proves an address.
        VerifyEmail = "VERIFY_EMAIL",
        /// Allows a new password.
        ResetPassword = "RESET_PASSWORD",
        /// Makes the first admin; printed by the server, not mailed.
        Setup = "SETUP",
    }
}

impl MailTokenPurpose {
    /// How long such a token lives, in seconds.
    pub const fn lifetime_seconds(self) -> i64 {
        match self {
            Self::VerifyEmail => 24 * 3600,
            Self::ResetPassword | Self::Setup => 30 * 60,
        }
    }
}

/// A token that was sent: stored hashed, used once.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = mail_tokens)]
pub struct MailToken {
    pub token_hash: Vec<u8>,
    pub account_id: Option<AccountId>,
    pub purpose: MailTokenPurpose,
    /// The address that it proves.
    pub email: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

//! Outgoing mail.
//!
//! A [`Mail`] is stored sealed in a job, as it may contain a token. The job renders it from its templates
//! (`templates/<name>/`: subject, text, HTML) and passes it to the [`Mailer`].

mod address;
mod mailer;
mod render;
mod smtp_url;

#[cfg(test)]
mod smtp_server;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use address::{is_address, normalize_address};
pub use mailer::{Mailer, SendError};
pub use render::Rendered;
pub use smtp_url::{SmtpUrl, SmtpUrlError};

use crate::jobs::{JobKind, JobPriority};
use crate::secrets::{SealContext, Sealer, SealingError, Secret};

/// Seal context of mails. It does not contain the row, as a mail is sealed before its job has an id.
const SEAL_CONTEXT: SealContext<'static> = SealContext::new("jobs", b"", "mail");

/// Jobs that send one mail. The payload is a sealed [`Mail`]. With the queue's backoff the attempts span about a day.
pub static SEND_MAIL: JobKind =
    JobKind { name: "send_mail", priority: JobPriority::High, max_attempts: 32, sealed_payload: Some(SEAL_CONTEXT) };

/// The templates. A template's name is that of its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Link that verifies the address of a new account or a new address.
    VerifyEmail,
    /// Notice of an attempt to register with an address that has an account.
    EmailTaken,
    /// Link that permits to set a new password.
    PasswordReset,
    /// Notice that the password was changed.
    PasswordChanged,
    /// Notice to the previous address that the account's address was changed.
    EmailChanged,
    /// Notice that the account was deleted.
    AccountDeleted,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 6] = [
        Self::VerifyEmail,
        Self::EmailTaken,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::AccountDeleted,
    ];

    /// Returns the name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::EmailTaken => "email_taken",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::AccountDeleted => "account_deleted",
        }
    }
}

/// A mail to send. Contains an address and possibly a token: `Debug` omits them, and it is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    pub template: Template,
    /// Values of the template's variables; a missing one is an error.
    #[serde(rename = "data")]
    pub variables: BTreeMap<String, String>,
}

impl Mail {
    /// Creates the mail with the link that verifies an address (valid for 24 hours).
    pub fn verify_email(to: &str, username: &str, token: &Secret) -> Self {
        Self::new(to, Template::VerifyEmail, username).with_token(token)
    }

    /// Creates the notice that an address was used for another registration.
    pub fn email_taken(to: &str, username: &str) -> Self {
        Self::new(to, Template::EmailTaken, username)
    }

    /// Creates the mail with the link to set a new password (valid for 30 minutes).
    pub fn password_reset(to: &str, username: &str, token: &Secret) -> Self {
        Self::new(to, Template::PasswordReset, username).with_token(token)
    }

    /// Creates the notice that a password was changed.
    pub fn password_changed(to: &str, username: &str) -> Self {
        Self::new(to, Template::PasswordChanged, username)
    }

    /// Creates the notice to the previous address. It does not contain the new address, as the previous one may belong
    /// to another person now.
    pub fn email_changed(to: &str, username: &str) -> Self {
        Self::new(to, Template::EmailChanged, username)
    }

    /// Creates the notice that an account was deleted.
    pub fn account_deleted(to: &str, username: &str) -> Self {
        Self::new(to, Template::AccountDeleted, username)
    }

    fn new(to: &str, template: Template, username: &str) -> Self {
        let variables = BTreeMap::from([("username".to_owned(), username.to_owned())]);
        Self { to: to.to_owned(), template, variables }
    }

    fn with_token(mut self, token: &Secret) -> Self {
        self.variables.insert("token".to_owned(), token.expose().to_owned());
        self
    }

    /// Seals the mail for storage in a job.
    ///
    /// # Errors
    /// When the sealer has no key.
    pub fn seal(&self, sealer: &Sealer) -> Result<Vec<u8>, SealingError> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(self).map_err(|_| SealingError::Failed)?);
        sealer.seal(&SEAL_CONTEXT, &text)
    }

    /// Opens a stored mail.
    ///
    /// # Errors
    /// When the bytes cannot be opened or were written by an incompatible version of the program.
    pub fn open(sealer: &Sealer, sealed: &[u8]) -> Result<Self, SealingError> {
        serde_json::from_slice(&sealer.open(&SEAL_CONTEXT, sealed)?).map_err(|_| SealingError::Damaged)
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("template", &self.template).finish_non_exhaustive()
    }
}

/// Returns whether `text` is the sender of a mail: an address, or a name and an address, as in `Phones <x@y.example>`.
pub fn is_sender(text: &str) -> bool {
    let mailbox = text.parse::<lettre::message::Mailbox>();
    !text.contains(char::is_control) && mailbox.is_ok_and(|mailbox| is_address(mailbox.email.as_ref()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn a_stored_mail_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(folder.path(), None, Arc::new(SeededRng::new(1))).unwrap();
        let token = Secret::new("dG9rZW4");
        let mail = Mail::password_reset("arthur@example.org", "arthur", &token);
        let sealed = mail.seal(&sealer).unwrap();
        let shown = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!shown.contains(token.expose()) && !shown.contains("arthur"));
        assert_eq!(Mail::open(&sealer, &sealed).unwrap(), mail);
        assert!(Mail::open(&sealer, b"{}").is_err());
        assert_eq!(format!("{mail:?}"), "Mail { template: PasswordReset, .. }");
    }
}

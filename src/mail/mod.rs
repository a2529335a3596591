//! Mail: what is said to people outside the program.
//!
//! A [`Mail`] waits sealed in a job, since it holds a token; when its time comes it is rendered from its templates
//! (`templates/<name>/`: subject, text, HTML) and given to the [`Mailer`].

mod mailer;
mod render;
mod smtp_url;

#[cfg(test)]
mod smtp_server;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use mailer::{Mailer, SendError};
pub use render::Rendered;
pub use smtp_url::{SmtpUrl, SmtpUrlError};

use crate::secrets::{SealContext, Sealer, SealingError, Secret};

/// What sealed mails are sealed for. The row is left open: a mail is sealed before its job has an id.
const SEAL_CONTEXT: SealContext<'static> = SealContext::new("jobs", b"", "mail");

/// The mails there are. The name is that of the template's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Somebody registered, or gave a new address: the link verifies it.
    VerifyEmail,
    /// Somebody tried to register with an address that has an account already.
    EmailTaken,
    /// Somebody asked for a new password: the link allows it.
    PasswordReset,
    /// Notice that the password was changed.
    PasswordChanged,
    /// Notice to the old address that the account has another one now.
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

    /// The name for logs and metrics.
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

/// A mail to be sent. It holds a token and an address, so it does not print them, and is stored sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// What it says.
    pub template: Template,
    /// With what words: each template names those it needs, and one that is missing is an error.
    pub data: BTreeMap<String, String>,
}

impl Mail {
    /// The mail with the link that verifies an address (24 hours).
    pub fn verify_email(to: &str, username: &str, token: &Secret) -> Self {
        Self::new(to, Template::VerifyEmail, username).with_token(token)
    }

    /// The mail to somebody whose address was used for another registration.
    pub fn email_taken(to: &str, username: &str) -> Self {
        Self::new(to, Template::EmailTaken, username)
    }

    /// The mail with the link that allows a new password (30 minutes).
    pub fn password_reset(to: &str, username: &str, token: &Secret) -> Self {
        Self::new(to, Template::PasswordReset, username).with_token(token)
    }

    /// The notice that a password was changed.
    pub fn password_changed(to: &str, username: &str) -> Self {
        Self::new(to, Template::PasswordChanged, username)
    }

    /// The notice to the old address, that the account has another now. It does not say which: who reads the old
    /// one may be somebody else by now.
    pub fn email_changed(to: &str, username: &str) -> Self {
        Self::new(to, Template::EmailChanged, username)
    }

    /// The notice that an account was deleted.
    pub fn account_deleted(to: &str, username: &str) -> Self {
        Self::new(to, Template::AccountDeleted, username)
    }

    fn new(to: &str, template: Template, username: &str) -> Self {
        let data = BTreeMap::from([("username".to_owned(), username.to_owned())]);
        Self { to: to.to_owned(), template, data }
    }

    fn with_token(mut self, token: &Secret) -> Self {
        self.data.insert("token".to_owned(), token.expose().to_owned());
        self
    }

    /// The mail as a job stores it.
    ///
    /// # Errors
    /// When the sealer has no key.
    pub fn seal(&self, sealer: &Sealer) -> Result<Vec<u8>, SealingError> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(self).map_err(|_| SealingError::Failed)?);
        sealer.seal(&SEAL_CONTEXT, &text)
    }

    /// The same mail sealed with the newest key; nothing where it is already.
    ///
    /// # Errors
    /// When the bytes do not open.
    pub fn reseal(sealer: &Sealer, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
        sealer.reseal(&SEAL_CONTEXT, sealed)
    }

    /// The mail that a job stored.
    ///
    /// # Errors
    /// When the bytes do not open, or were written by another version of the program.
    pub fn open(sealer: &Sealer, sealed: &[u8]) -> Result<Self, SealingError> {
        serde_json::from_slice(&sealer.open(&SEAL_CONTEXT, sealed)?).map_err(|_| SealingError::Damaged)
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("template", &self.template).finish_non_exhaustive()
    }
}

/// Whether a mail could be sent to `text`: one address (RFC 5321, section 4.1.2) of at most 254 bytes, without a name.
pub fn is_address(text: &str) -> bool {
    text.len() <= 254 && text.parse::<lettre::Address>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn a_mail_waits_sealed() {
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

    #[test]
    fn an_address_is_one_address() {
        for text in ["a@example.org", "arthur.dent+camp@sub.example.org", "zoë@example.org", "a@[192.0.2.1]"] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "",
            "a",
            "a@",
            "@b",
            "a@b c",
            "Arthur <a@example.org>",
            "a@b.c,d@e.f",
            "a@example.org\r\nBcc: b@example.org",
            &format!("{}@example.org", "a".repeat(300)),
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}

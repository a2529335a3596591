//! What a person types to sign in.

use platform::error::InternalError;
use platform::mail::normalize_address;
use platform::store::Conn;

use crate::model::Account;
use crate::queries;

/// Maximum length of a login that is looked up, in bytes: that of an address.
const MAX_BYTES: usize = 254;

/// A username or an e-mail address in its canonical form. Equal logins have equal forms, whether an account has them or
/// not, so counting by login does not reveal which accounts exist.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Login(String);

impl Login {
    /// Canonicalizes a typed login. Text that no account can have is kept, shortened, as a login without an account.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let address = if text.contains('@') { normalize_address(text) } else { None };
        let mut login = address.unwrap_or_else(|| text.chars().take(MAX_BYTES).collect()).to_ascii_lowercase();
        login.retain(|character| character != '\0');
        Self(login)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Loads the account: by its verified address if the login has an `@`, which no username has.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn account(&self, conn: &mut Conn) -> Result<Option<Account>, InternalError> {
        Ok(if self.0.contains('@') {
            queries::account_by_verified_email(conn, &self.0).await?
        } else {
            queries::account_by_username(conn, &self.0).await?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Login;

    #[test]
    fn equal_logins_have_one_form() {
        for (typed, login) in [
            (" Arthur ", "arthur"),
            ("Arthur@EXÄMPLE.org", "arthur@xn--exmple-cua.org"),
            ("arthur@xn--exmple-cua.org", "arthur@xn--exmple-cua.org"),
            ("not an@ address", "not an@ address"),
            ("a\0b", "ab"),
        ] {
            assert_eq!(Login::parse(typed).as_str(), login);
        }
        assert_eq!(Login::parse(&"x".repeat(300_000)).as_str().len(), 254);
    }
}

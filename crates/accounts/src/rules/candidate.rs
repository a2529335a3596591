//! New accounts: validation and creation.

use platform::access::{Caller, Permit, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::locks;
use platform::passwords::Password;
use platform::services::Services;
use platform::transaction::Tx;

use super::{clean_display_name, clean_email, clean_username, search_text};
use crate::model::Account;
use crate::queries;

/// Input of a registration.
pub struct RegisterAccount {
    pub username: String,
    pub display_name: String,
    pub email: String,
    pub password: String,
}

/// Whether the names of staff and of mailboxes with a fixed meaning (RFC 2142) may be chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReservedNames {
    Permitted,
    Refused,
}

/// Whether the e-mail address of a new account counts as verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EmailStatus {
    Verified,
    Unverified,
}

/// Names that the audit uses for actors without an account.
const ACTOR_NAMES: [&str; 2] = ["guest", "system"];

/// Names that read as those of staff or of the server.
const RESERVED_NAMES: [&str; 22] = [
    "abuse",
    "admin",
    "administrator",
    "anonymous",
    "daemon",
    "guest",
    "helpdesk",
    "hostmaster",
    "info",
    "key",
    "mailerdaemon",
    "moderator",
    "noreply",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "support",
    "switchboard",
    "system",
    "webmaster",
];

/// A validated registration.
pub(super) struct Candidate {
    username: String,
    display_name: String,
    pub(super) email: String,
    password: Password,
}

/// A validated registration with the hash of its password.
pub(super) struct HashedCandidate {
    username: String,
    display_name: String,
    pub(super) email: String,
    password_hash: String,
}

impl Candidate {
    /// Validates the input. Reports all invalid fields together.
    ///
    /// # Errors
    /// INVALID, WEAK_PASSWORD, or ALREADY_EXISTS at `username` for a reserved name.
    pub(super) fn new(input: &RegisterAccount, reserved: ReservedNames) -> Result<Self, Error> {
        let mut errors = Vec::new();
        let username = new_username(&input.username, reserved).map_err(|error| errors.push(error)).ok();
        let display_name = clean_display_name(&input.display_name).map_err(|error| errors.push(error)).ok();
        let email = clean_email(&input.email).map_err(|error| errors.push(error)).ok();
        let context = [input.username.as_str(), input.email.split('@').next().unwrap_or_default()];
        let password = Password::choose(&input.password, &context, "password").map_err(|error| errors.push(error)).ok();
        match (username, display_name, email, password) {
            (Some(username), Some(display_name), Some(email), Some(password)) => {
                Ok(Self { username, display_name, email, password })
            }
            _ => Err(errors.into()),
        }
    }

    /// Hashes the password, after a look-up whether the username is taken, which is cheaper.
    ///
    /// # Errors
    /// ALREADY_EXISTS at `username`; when too many passwords wait to be hashed.
    pub(super) async fn hash(self, services: &Services, caller: &Caller) -> Result<HashedCandidate, Error> {
        let mut conn = services.store.read().await?;
        if queries::is_username_taken(&mut conn, &self.username).await? {
            return Err(username_taken().into());
        }
        drop(conn);
        let password_hash = services.hasher.hash(caller.address, &self.password).await?;
        let Self { username, display_name, email, .. } = self;
        Ok(HashedCandidate { username, display_name, email, password_hash })
    }
}

impl HashedCandidate {
    /// Inserts the account.
    ///
    /// # Errors
    /// ALREADY_EXISTS at `username`.
    pub(super) async fn insert(
        self,
        tx: &mut Tx<'_>,
        permit: &Permit,
        role: Role,
        email: EmailStatus,
    ) -> Result<Account, Error> {
        // Of two registrations of one name at the same time, the second one sees the first.
        locks::named(tx.conn, &format!("username {}", self.username)).await?;
        if queries::is_username_taken(tx.conn, &self.username).await? {
            return Err(username_taken().into());
        }
        let account = Account {
            id: AccountId::new(tx.rng(), tx.now),
            search: search_text(&self.username, &self.display_name),
            username: self.username,
            display_name: self.display_name,
            email: self.email,
            email_verified_at: (email == EmailStatus::Verified).then_some(tx.now),
            password_hash: self.password_hash,
            role,
            created_at: tx.now,
            deleted_at: None,
        };
        queries::insert(tx.conn, permit, &account).await?;
        tx.audit(permit, Some(account.id.global()), format!("{} joined as {}", account.username, role.as_str()))
            .await?;
        Ok(account)
    }
}

fn username_taken() -> UserError {
    UserError::new(UserErrorKind::AlreadyExists, "username", "This username is taken.")
}

/// Validates the username of a new account.
fn new_username(input: &str, reserved: ReservedNames) -> Result<String, UserError> {
    let username = clean_username(input)?;
    if !username.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return Err(UserError::invalid("username", "A username has at least one letter or digit."));
    }
    let is_reserved = reserved == ReservedNames::Refused && resembles_reserved_name(&username);
    if is_reserved || ACTOR_NAMES.contains(&username.as_str()) {
        return Err(username_taken());
    }
    Ok(username)
}

/// Whether a username reads as a reserved name: without dots, underscores and hyphens, and with the digits that look
/// like letters read as those (`4dm1n.`).
fn resembles_reserved_name(username: &str) -> bool {
    let letters = |one: char| -> String {
        let read = |character| match character {
            '0' => Some('o'),
            '1' => Some(one),
            '3' => Some('e'),
            '4' => Some('a'),
            '5' => Some('s'),
            '7' => Some('t'),
            '.' | '_' | '-' => None,
            other => Some(other),
        };
        username.chars().filter_map(read).collect()
    };
    RESERVED_NAMES.iter().any(|name| *name == letters('i') || *name == letters('l'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_as_staff_are_reserved() {
        for name in ["admin", "Admin.", "adm1n", "4dm1n", "r00t", "post-master", "System", "supp0rt_"] {
            assert_eq!(
                new_username(name, ReservedNames::Refused).unwrap_err().kind,
                UserErrorKind::AlreadyExists,
                "{name}"
            );
        }
        for name in ["arthur", "administration", "keyboard", "r2d2", "rooter"] {
            assert_eq!(new_username(name, ReservedNames::Refused).as_deref(), Ok(name));
        }
        for name in ["admin", "operator", "adm1n"] {
            assert_eq!(new_username(name, ReservedNames::Permitted).as_deref(), Ok(name));
        }
        for name in ["guest", "system"] {
            assert!(new_username(name, ReservedNames::Permitted).is_err(), "{name}");
        }
        for name in ["---", "...", "_._"] {
            assert_eq!(
                new_username(name, ReservedNames::Permitted).unwrap_err().kind,
                UserErrorKind::Invalid,
                "{name}"
            );
        }
    }
}

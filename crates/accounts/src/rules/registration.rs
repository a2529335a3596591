//! Registration, verification of e-mail addresses, and creation of admins.

use std::sync::Arc;

use platform::access::{Caller, Permit, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::mail::Mail;
use platform::passwords::Password;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::{
    Accepted, Changed, clean_display_name, clean_email, clean_username, enqueue_mail, search_text, token_expired,
};
use crate::actions;
use crate::model::{Account, MailToken, MailTokenPurpose};
use crate::token::Token;
use crate::{queries, session_queries};

/// Maximum number of mails of one purpose that an account is sent per hour.
const MAX_MAILS_PER_HOUR: i64 = 5;

/// Input of a registration.
pub struct RegisterAccount {
    pub username: String,
    pub display_name: String,
    pub email: String,
    pub password: String,
}

/// A validated registration.
struct Candidate {
    username: String,
    display_name: String,
    email: String,
    password_hash: String,
}

/// Whether the e-mail address of a new account counts as verified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EmailStatus {
    Verified,
    Unverified,
}

/// Validates a username and rejects the actor names that the audit uses for guests and the system.
fn unreserved_username(input: &str) -> Result<String, UserError> {
    let username = clean_username(input)?;
    if matches!(username.as_str(), "guest" | "system") {
        return Err(UserError::new(UserErrorKind::AlreadyExists, "username", "This username is taken."));
    }
    Ok(username)
}

impl Candidate {
    /// Validates the input and hashes the password. Reports all invalid fields together.
    async fn new(services: &Services, input: RegisterAccount) -> Result<Self, Error> {
        let mut errors = Vec::new();
        let username = unreserved_username(&input.username).map_err(|error| errors.push(error)).ok();
        let display_name = clean_display_name(&input.display_name).map_err(|error| errors.push(error)).ok();
        let email = clean_email(&input.email).map_err(|error| errors.push(error)).ok();
        let context = [input.username.as_str(), input.email.split('@').next().unwrap_or_default()];
        let password = Password::choose(&input.password, &context, "password").map_err(|error| errors.push(error)).ok();
        match (username, display_name, email, password) {
            (Some(username), Some(display_name), Some(email), Some(password)) => {
                let password_hash = services.hasher.hash(&password).await?;
                Ok(Self { username, display_name, email, password_hash })
            }
            _ => Err(errors.into()),
        }
    }

    /// Inserts the account.
    ///
    /// # Errors
    /// ALREADY_EXISTS at `username`.
    async fn insert(self, tx: &mut Tx<'_>, permit: &Permit, role: Role, email: EmailStatus) -> Result<Account, Error> {
        if queries::is_username_taken(tx.conn, &self.username).await? {
            return Err(UserError::new(UserErrorKind::AlreadyExists, "username", "This username is taken.").into());
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

/// Registers an account. A registration with an address that another account has verified succeeds like any other, but
/// the other account's owner gets a notice and no verification link is sent.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned.
pub async fn register(services: &Services, caller: &Arc<Caller>, input: RegisterAccount) -> Result<Changed, Error> {
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::REGISTER_ACCOUNT, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let owner = queries::account_by_verified_email(tx.conn, &candidate.email).await?;
        let account = candidate.insert(tx, &permit, Role::User, EmailStatus::Unverified).await?;
        match owner {
            Some(owner) => enqueue_mail(tx, &Mail::email_taken(&owner.email, &owner.username)).await?,
            None => send_verification(tx, &account, &account.email.clone()).await?,
        }
        Ok(Changed { account: account.id })
    })
    .await
}

/// Mails a link that verifies `email`. Older links become invalid.
pub(super) async fn send_verification(tx: &mut Tx<'_>, account: &Account, email: &str) -> Result<(), Error> {
    let token = issue_mail_token(tx, Some(account.id), MailTokenPurpose::VerifyEmail, Some(email)).await?;
    enqueue_mail(tx, &Mail::verify_email(email, &account.username, &token.reveal())).await
}

/// Creates a mail token. Older tokens of the same purpose and account become invalid.
pub(super) async fn issue_mail_token(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    purpose: MailTokenPurpose,
    email: Option<&str>,
) -> Result<Token, Error> {
    session_queries::invalidate_mail_tokens(tx.conn, account, purpose, tx.now).await?;
    let token = Token::generate(tx.rng());
    let row = MailToken {
        token_hash: token.hash().as_bytes().to_vec(),
        account_id: account,
        purpose,
        email: email.map(str::to_owned),
        created_at: tx.now,
        expires_at: tx.now.plus_seconds(purpose.lifetime_seconds()),
        used_at: None,
    };
    session_queries::insert_mail_token(tx.conn, &row).await?;
    Ok(token)
}

/// Whether the account may be sent another mail of this purpose now.
pub(super) async fn is_below_mail_limit(
    tx: &mut Tx<'_>,
    account: AccountId,
    purpose: MailTokenPurpose,
) -> Result<bool, Error> {
    let sent = session_queries::count_mail_tokens(tx.conn, account, purpose, tx.now.plus_seconds(-3600)).await?;
    Ok(sent < MAX_MAILS_PER_HOUR)
}

/// Verifies an address with the token from the mail: the first address of an account, or a new one.
///
/// # Errors
/// TOKEN_EXPIRED; ALREADY_EXISTS if another account has verified the address in the meantime.
pub async fn verify_email(services: &Services, caller: &Arc<Caller>, token: &str) -> Result<Changed, Error> {
    let hash = Token::parse(token).ok_or_else(token_expired)?.hash();
    transact!(services, caller, actions::VERIFY_EMAIL, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let used = session_queries::consume_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::VerifyEmail, tx.now)
            .await?;
        let used = used.ok_or_else(token_expired)?;
        let (Some(id), Some(email)) = (used.account_id, used.email) else { return Err(token_expired().into()) };
        platform::locks::named(tx.conn, &format!("email {}", email.to_ascii_lowercase())).await?;
        let account = queries::account_by_id(tx.conn, id)
            .await?
            .filter(|account| account.deleted_at.is_none())
            .ok_or_else(token_expired)?;
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

/// Mails a new verification link if an account has this unverified address. The result does not reveal whether one has.
///
/// # Errors
/// INVALID at `email` if the text is not an address.
pub async fn resend_verification(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    transact!(services, caller, actions::RESEND_VERIFICATION, Mode::Commit, |tx| {
        let account = queries::account_by_unverified_email(tx.conn, &email).await?;
        let owner = queries::account_by_verified_email(tx.conn, &email).await?;
        if let (Some(account), None) = (account, owner)
            && is_below_mail_limit(tx, account.id, MailTokenPurpose::VerifyEmail).await?
        {
            send_verification(tx, &account, &account.email.clone()).await?;
        }
        Ok(Accepted)
    })
    .await
}

/// Creates an admin with a verified address, for the command line.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned.
pub async fn create_admin(services: &Services, caller: &Arc<Caller>, input: RegisterAccount) -> Result<Changed, Error> {
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::CREATE_ADMIN, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = candidate.insert(tx, &permit, Role::Admin, EmailStatus::Verified).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

/// Creates a single-use setup token if no account exists yet. Older setup tokens become invalid.
///
/// # Errors
/// When the database fails.
pub async fn issue_setup_token(services: &Services) -> Result<Option<Token>, Error> {
    let inner = services.clone();
    services
        .store
        .write(move |conn| {
            Box::pin(async move {
                if queries::has_accounts(conn).await? {
                    return Ok(None);
                }
                let now = inner.now();
                session_queries::invalidate_mail_tokens(conn, None, MailTokenPurpose::Setup, now).await?;
                let token = Token::generate(&*inner.rng);
                let row = MailToken {
                    token_hash: token.hash().as_bytes().to_vec(),
                    account_id: None,
                    purpose: MailTokenPurpose::Setup,
                    email: None,
                    created_at: now,
                    expires_at: now.plus_seconds(MailTokenPurpose::Setup.lifetime_seconds()),
                    used_at: None,
                };
                session_queries::insert_mail_token(conn, &row).await?;
                Ok(Some(token))
            })
        })
        .await
}

/// Creates the first admin with the token of the setup link.
///
/// # Errors
/// TOKEN_EXPIRED if the link was used or has expired, or an admin exists; INVALID and WEAK_PASSWORD at the field
/// concerned.
pub async fn complete_setup(
    services: &Services,
    caller: &Arc<Caller>,
    token: &str,
    input: RegisterAccount,
) -> Result<Changed, Error> {
    let hash = Token::parse(token).ok_or_else(token_expired)?.hash();
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::COMPLETE_SETUP, Mode::Commit, |tx| {
        platform::locks::named(tx.conn, "admins").await?;
        let permit = tx.permit().await?;
        let used =
            session_queries::consume_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::Setup, tx.now).await?;
        if used.is_none() || queries::count_admins(tx.conn).await? > 0 {
            return Err(token_expired().into());
        }
        let account = candidate.insert(tx, &permit, Role::Admin, EmailStatus::Verified).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

//! Registering, proving an address, and the first admin.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::{Accepted, Changed, clean_display_name, clean_email, clean_username, search_text, send, token_expired};
use crate::model::{Account, MailToken, MailTokenPurpose};
use crate::token::Token;
use crate::{proof_queries, queries};
use platform::access::{Caller, Permit, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::mail::Mail;
use platform::passwords::Password;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// How many mails of one kind an account is sent in an hour: enough for an impatient person, too few to pester.
const MAILS_AN_HOUR: i64 = 5;

/// What a guest says of themselves.
pub struct RegisterAccount {
    pub username: String,
    pub display_name: String,
    pub email: String,
    pub password: String,
}

/// An account that was made.
pub type CreatedAccount = Changed;

/// A checked registration, ready to be stored.
struct Candidate {
    username: String,
    display_name: String,
    email: String,
    password_hash: String,
}

/// A username that does not pass for the program itself or for a guest in the audit.
fn free_username(input: &str) -> Result<String, UserError> {
    let username = clean_username(input)?;
    if matches!(username.as_str(), "guest" | "system") {
        return Err(UserError::new(UserErrorKind::AlreadyExists, "username", "This username is taken."));
    }
    Ok(username)
}

impl Candidate {
    async fn new(services: &Services, input: RegisterAccount) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let username = free_username(&input.username).map_err(|problem| problems.push(problem)).ok();
        let display_name = clean_display_name(&input.display_name).map_err(|problem| problems.push(problem)).ok();
        let email = clean_email(&input.email).map_err(|problem| problems.push(problem)).ok();
        let words = [input.username.as_str(), input.email.split('@').next().unwrap_or_default()];
        let password =
            Password::choose(&input.password, &words, "password").map_err(|problem| problems.push(problem)).ok();
        match (username, display_name, email, password) {
            (Some(username), Some(display_name), Some(email), Some(password)) => {
                let password_hash = services.hasher.hash(&password).await?;
                Ok(Self { username, display_name, email, password_hash })
            }
            _ => Err(problems.into()),
        }
    }

    async fn store(self, tx: &mut Tx<'_>, permit: &Permit, role: Role, is_verified: bool) -> Result<Account, Error> {
        if queries::is_username_taken(tx.conn, &self.username).await? {
            return Err(UserError::new(UserErrorKind::AlreadyExists, "username", "This username is taken.").into());
        }
        let account = Account {
            id: AccountId::new(tx.rng(), tx.now),
            search: search_text(&self.username, &self.display_name),
            username: self.username,
            display_name: self.display_name,
            email: self.email,
            email_verified_at: is_verified.then_some(tx.now),
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

/// Registers an account. A taken username is ALREADY_EXISTS; a known address looks like any other success, and its owner gets a
/// mail instead of the link.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned.
pub async fn register(
    services: &Services,
    caller: &Arc<Caller>,
    input: RegisterAccount,
) -> Result<CreatedAccount, Error> {
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::REGISTER_ACCOUNT, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let owner = queries::by_verified_email(tx.conn, &candidate.email).await?;
        let account = candidate.store(tx, &permit, Role::User, false).await?;
        match owner {
            Some(owner) => send(tx, &Mail::email_taken(&owner.email, &owner.username)).await?,
            None => send_verification(tx, &account, &account.email.clone()).await?,
        }
        Ok(Changed { account: account.id })
    })
    .await
}

/// Sends the link that proves `email`; older links stop being good.
pub(super) async fn send_verification(tx: &mut Tx<'_>, account: &Account, email: &str) -> Result<(), Error> {
    let token = issue(tx, Some(account.id), MailTokenPurpose::VerifyEmail, Some(email)).await?;
    send(tx, &Mail::verify_email(email, &account.username, &token.reveal())).await
}

/// Makes a token; older ones of its kind for the same account stop being good.
pub(super) async fn issue(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    purpose: MailTokenPurpose,
    email: Option<&str>,
) -> Result<Token, Error> {
    proof_queries::void_mail_tokens(tx.conn, account, purpose, tx.now).await?;
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
    proof_queries::insert_mail_token(tx.conn, &row).await?;
    Ok(token)
}

/// Whether the account may be sent another mail of this kind now.
pub(super) async fn may_mail(tx: &mut Tx<'_>, account: AccountId, purpose: MailTokenPurpose) -> Result<bool, Error> {
    let sent = proof_queries::count_mail_tokens(tx.conn, account, purpose, tx.now.plus_seconds(-3600)).await?;
    Ok(sent < MAILS_AN_HOUR)
}

/// Proves an address with the token from the mail: the account's first, or the one it changes to.
///
/// # Errors
/// TOKEN_EXPIRED; ALREADY_EXISTS when somebody else has proved the address meanwhile.
pub async fn verify_email(services: &Services, caller: &Arc<Caller>, token: &str) -> Result<Changed, Error> {
    let hash = Token::parse(token).ok_or_else(token_expired)?.hash();
    transact!(services, caller, actions::VERIFY_EMAIL, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let used =
            proof_queries::use_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::VerifyEmail, tx.now).await?;
        let used = used.ok_or_else(token_expired)?;
        let (Some(id), Some(email)) = (used.account_id, used.email) else { return Err(token_expired().into()) };
        platform::locks::named(tx.conn, &format!("email {}", email.to_ascii_lowercase())).await?;
        let account = queries::by_id(tx.conn, id)
            .await?
            .filter(|account| account.deleted_at.is_none())
            .ok_or_else(token_expired)?;
        let other = queries::by_verified_email(tx.conn, &email).await?.filter(|other| other.id != id);
        if other.is_some() {
            let message = "Another account has proved this address already.";
            return Err(UserError::new(UserErrorKind::AlreadyExists, "token", message).into());
        }
        queries::set_verified_email(tx.conn, &permit, id, &email, tx.now).await?;
        if account.email_verified_at.is_some() && !account.email.eq_ignore_ascii_case(&email) {
            send(tx, &Mail::email_changed(&account.email, &account.username)).await?;
        }
        tx.audit(&permit, Some(id.global()), format!("{} proved an e-mail address", account.username)).await?;
        Ok(Changed { account: id })
    })
    .await
}

/// Sends the link once more, if an account waits for it; the answer never tells.
///
/// # Errors
/// INVALID when the text is no address.
pub async fn resend_verification(services: &Services, caller: &Arc<Caller>, email: &str) -> Result<Accepted, Error> {
    let email = clean_email(email)?;
    transact!(services, caller, actions::RESEND_VERIFICATION, Mode::Commit, |tx| {
        let account = queries::by_unverified_email(tx.conn, &email).await?;
        let owner = queries::by_verified_email(tx.conn, &email).await?;
        if let (Some(account), None) = (account, owner)
            && may_mail(tx, account.id, MailTokenPurpose::VerifyEmail).await?
        {
            send_verification(tx, &account, &account.email.clone()).await?;
        }
        Ok(Accepted)
    })
    .await
}

/// Makes an admin whose address counts as proved: for the command line, and for the setup link.
///
/// # Errors
/// INVALID, WEAK_PASSWORD or ALREADY_EXISTS at the field concerned.
pub async fn create_admin(
    services: &Services,
    caller: &Arc<Caller>,
    input: RegisterAccount,
) -> Result<CreatedAccount, Error> {
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::CREATE_ADMIN, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = candidate.store(tx, &permit, Role::Admin, true).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

/// Makes a one-time setup token where no account exists yet; an older one stops being good.
///
/// # Errors
/// When the database refuses.
pub async fn setup_token(services: &Services) -> Result<Option<Token>, Error> {
    let inner = services.clone();
    services
        .store
        .write(move |conn| {
            Box::pin(async move {
                if !queries::is_empty(conn).await? {
                    return Ok(None);
                }
                let now = inner.now();
                proof_queries::void_mail_tokens(conn, None, MailTokenPurpose::Setup, now).await?;
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
                proof_queries::insert_mail_token(conn, &row).await?;
                Ok(Some(token))
            })
        })
        .await
}

/// Makes the first admin with the setup link's token.
///
/// # Errors
/// TOKEN_EXPIRED when the link is used or old, or somebody was faster; INVALID and WEAK_PASSWORD at the field concerned.
pub async fn complete_setup(
    services: &Services,
    caller: &Arc<Caller>,
    token: &str,
    input: RegisterAccount,
) -> Result<CreatedAccount, Error> {
    let hash = Token::parse(token).ok_or_else(token_expired)?.hash();
    let candidate = Candidate::new(services, input).await?;
    transact!(services, caller, actions::COMPLETE_SETUP, Mode::Commit, |tx| {
        platform::locks::named(tx.conn, "admins").await?;
        let permit = tx.permit().await?;
        let used = proof_queries::use_mail_token(tx.conn, hash.as_bytes(), MailTokenPurpose::Setup, tx.now).await?;
        if used.is_none() || queries::count_admins(tx.conn).await? > 0 {
            return Err(token_expired().into());
        }
        let account = candidate.store(tx, &permit, Role::Admin, true).await?;
        Ok(Changed { account: account.id })
    })
    .await
}

//! Signing in.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::guessing::Guesses;
use crate::model::{Account, Session};
use crate::token::Token;
use crate::{proof_queries, queries};
use platform::access::Caller;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, SessionId};
use platform::passwords::Password;
use platform::passwords::Verdict;
use platform::services::Services;
use platform::transaction::Mode;
use restrictions::RestrictionEffect;

/// How long a session lasts, in seconds: 30 days.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;

/// A new session.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct SignedIn {
    /// Whose it is.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// Its token, shown this once.
    #[serde(skip)]
    pub token: Option<Token>,
}

/// Signs in with a username or a verified address. An unknown login costs the same time as a wrong password and is told in the
/// same words.
///
/// # Errors
/// CREDENTIALS_REJECTED; RATE_LIMITED after many failures; RESTRICTED with the reason, after a right password alone.
pub async fn sign_in(
    services: &Services,
    caller: &Arc<Caller>,
    login: &str,
    password: &str,
) -> Result<SignedIn, Error> {
    admit_address(services, caller)?;
    let login = login.trim().to_owned();
    let presented = Password::presented(password);
    let account = find(services, &login).await?;
    let guesses = account.as_ref().map_or_else(|| Guesses::of_login(&login), |account| Guesses::of_account(account.id));
    guesses.admit(services).await?;
    let verdict = match &account {
        Some(account) => services.hasher.verify(&presented, &account.password_hash).await?,
        None => {
            services.hasher.verify_nothing(&presented).await?;
            Verdict::Wrong
        }
    };
    let (Some(account), Verdict::Right | Verdict::RightButCheap) = (account, &verdict) else {
        guesses.failed(services).await?;
        return Err(rejected().into());
    };
    let dearer_hash = match verdict {
        Verdict::RightButCheap => Some(services.hasher.hash(&presented).await?),
        _ => None,
    };
    open_session(services, caller, account, guesses, dearer_hash).await
}

/// Refuses an address that tries too often, whatever it tries.
fn admit_address(services: &Services, caller: &Caller) -> Result<(), UserError> {
    if !caller.is_rated {
        return Ok(());
    }
    services.sign_ins.take(caller.address, 1).map_err(|retry| {
        let retry_after_seconds = i32::try_from(retry.seconds).unwrap_or(i32::MAX);
        UserError::new(
            UserErrorKind::RateLimited { retry_after_seconds },
            "",
            "Too many sign-ins from this address. Wait a moment.",
        )
    })
}

async fn find(services: &Services, login: &str) -> Result<Option<Account>, Error> {
    let mut conn = services.store.read().await?;
    if login.contains('@') {
        return Ok(queries::by_verified_email(&mut conn, login).await?);
    }
    Ok(queries::by_username(&mut conn, &login.to_ascii_lowercase()).await?)
}

async fn open_session(
    services: &Services,
    caller: &Arc<Caller>,
    account: Account,
    guesses: Guesses,
    dearer_hash: Option<String>,
) -> Result<SignedIn, Error> {
    transact!(services, caller, actions::SIGN_IN, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let restrictions = restrictions::of_account(tx.conn, account.id).await?;
        if let Some(ban) = restrictions.iter().find(|restriction| restriction.has(RestrictionEffect::NoSignIn)) {
            let message = format!("This account is restricted: {}", ban.reason);
            return Err(UserError::new(UserErrorKind::Restricted, "", message).into());
        }
        if let Some(hash) = dearer_hash {
            queries::set_password(tx.conn, account.id, &hash).await?;
        }
        proof_queries::clear_failures(tx.conn, guesses.hash()).await?;
        let token = Token::generate(tx.rng());
        let session = Session {
            id: SessionId::new(tx.rng(), tx.now),
            account_id: account.id,
            token_hash: token.hash().as_bytes().to_vec(),
            created_at: tx.now,
            last_seen_at: tx.now,
            expires_at: tx.now.plus_seconds(SESSION_SECONDS),
            reauthenticated_at: tx.now,
            user_agent: tx.caller().user_agent.as_ref().map(|agent| agent.chars().take(200).collect()),
        };
        proof_queries::insert_session(tx.conn, &session).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} signed in", account.username)).await?;
        Ok(SignedIn { account: account.id, session: session.id, token: Some(token) })
    })
    .await
}

/// Told alike, whether the account exists or not.
pub(super) fn rejected() -> UserError {
    UserError::new(UserErrorKind::CredentialsRejected, "", "The login or the password is not right.")
}

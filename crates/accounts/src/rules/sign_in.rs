//! Sign-in with username or e-mail address and password.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, SessionId};
use platform::passwords::{Password, PasswordCheck};
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;
use restrictions::RestrictionEffect;

use super::throttle::SignInThrottle;
use crate::actions;
use crate::model::{Account, Session};
use crate::token::Token;
use crate::{queries, session_queries};

/// Lifetime of a session, in seconds: 30 days.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;

/// A new session.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    /// The token of the session, which is returned only once.
    #[serde(skip)]
    pub token: Option<Token>,
}

/// Signs in with a username or a verified address. An unknown login takes the same time and gives the same error as a
/// wrong password.
///
/// # Errors
/// CREDENTIALS_REJECTED; RATE_LIMITED after many failures; RESTRICTED with the reason, only after a correct password.
pub async fn sign_in(
    services: &Services,
    caller: &Arc<Caller>,
    login: &str,
    password: &str,
) -> Result<SignedIn, Error> {
    check_address_rate(services, caller)?;
    let login = login.trim().to_owned();
    let password = Password::from_input(password);
    let account = account_by_login(services, &login).await?;
    let throttle = account
        .as_ref()
        .map_or_else(|| SignInThrottle::for_unknown_login(&login), |account| SignInThrottle::for_account(account.id));
    throttle.check(services).await?;
    let outcome = match &account {
        Some(account) => services.hasher.verify(&password, &account.password_hash).await?,
        None => {
            services.hasher.verify_dummy(&password).await?;
            PasswordCheck::Mismatch
        }
    };
    let (Some(account), PasswordCheck::Match | PasswordCheck::MatchNeedsRehash) = (account, &outcome) else {
        throttle.record_failure(services).await?;
        return Err(credentials_rejected().into());
    };
    let new_hash = match outcome {
        PasswordCheck::MatchNeedsRehash => Some(services.hasher.hash(&password).await?),
        _ => None,
    };
    open_session(services, caller, account, throttle, new_hash).await
}

/// Limits the rate of sign-ins per client address, whatever the login.
fn check_address_rate(services: &Services, caller: &Caller) -> Result<(), UserError> {
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

async fn account_by_login(services: &Services, login: &str) -> Result<Option<Account>, Error> {
    let mut conn = services.store.read().await?;
    if login.contains('@') {
        return Ok(queries::account_by_verified_email(&mut conn, login).await?);
    }
    Ok(queries::account_by_username(&mut conn, &login.to_ascii_lowercase()).await?)
}

/// Creates a session. `new_hash` replaces the password hash if it was made with a lower cost.
async fn open_session(
    services: &Services,
    caller: &Arc<Caller>,
    account: Account,
    throttle: SignInThrottle,
    new_hash: Option<String>,
) -> Result<SignedIn, Error> {
    transact!(services, caller, actions::SIGN_IN, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let restrictions = restrictions::of_account(tx.conn, account.id).await?;
        if let Some(ban) = restrictions.iter().find(|restriction| restriction.has(RestrictionEffect::NoSignIn)) {
            let message = format!("This account is restricted: {}", ban.reason);
            return Err(UserError::new(UserErrorKind::Restricted, "", message).into());
        }
        if let Some(hash) = new_hash {
            queries::set_password(tx.conn, account.id, &hash).await?;
        }
        session_queries::delete_sign_in_failures(tx.conn, throttle.key()).await?;
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
        session_queries::insert_session(tx.conn, &session).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} signed in", account.username)).await?;
        Ok(SignedIn { account: account.id, session: session.id, token: Some(token) })
    })
    .await
}

/// Error for a wrong password and for an unknown login alike.
pub(super) fn credentials_rejected() -> UserError {
    UserError::new(UserErrorKind::CredentialsRejected, "", "The login or the password is not right.")
}

//! Sign-in with username or e-mail address and password.

use std::sync::Arc;

use platform::access::{Caller, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, SessionId};
use platform::locks::LockMode;
use platform::notifications::Notification;
use platform::passwords::Password;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use restrictions::RestrictionEffect;

use super::login::Login;
use super::proof::Proof;
use super::take_hashes;
use super::throttle::Throttle;
use crate::actions;
use crate::model::{Account, Session};
use crate::token::Token;
use crate::{queries, session_queries};

/// Number of times that a password is verified: again if its hash was replaced meanwhile, by a new password or by a
/// concurrent sign-in that raised the cost.
const MAX_VERIFICATIONS: u32 = 2;

/// A new session.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct SignedIn {
    pub account: AccountId,
    pub session: SessionId,
    /// The token of the session, which is returned only once.
    #[serde(skip)]
    pub token: Option<Token>,
}

/// Signs in with a username or a verified address. An unknown login takes the same time, leaves the same rows and gives
/// the same error as a wrong password.
///
/// # Errors
/// CREDENTIALS_REJECTED; RATE_LIMITED after many failures; RESTRICTED with the reason, only after a correct password.
pub async fn sign_in(
    services: &Services,
    caller: &Arc<Caller>,
    login: &str,
    password: &str,
) -> Result<SignedIn, Error> {
    take_hashes(services, caller, 1)?;
    let login = Login::parse(login);
    let throttle = Arc::new(Throttle::for_login(&login, caller.address));
    let guess = throttle.admit(services).await?;
    let password = Password::from_input(password);
    for _ in 0..MAX_VERIFICATIONS {
        let account = login.account(&mut *services.store.read().await?).await?;
        let Some(proof) = Proof::of_sign_in(services, caller, account.as_ref(), &password).await? else { break };
        let new_hash =
            if proof.needs_rehash() { Some(services.hasher.hash(caller.address, &password).await?) } else { None };
        if let Some(signed_in) = open_session(services, caller, proof, Arc::clone(&throttle), new_hash).await? {
            return Ok(signed_in);
        }
    }
    guess.fail(services, caller).await?;
    Err(UserError::new(UserErrorKind::CredentialsRejected, "", "The login or the password is not right.").into())
}

/// Creates a session, unless the verified password is no longer the account's. `new_hash` replaces the password hash if
/// it was made with a lower cost.
async fn open_session(
    services: &Services,
    caller: &Arc<Caller>,
    proof: Proof,
    throttle: Arc<Throttle>,
    new_hash: Option<String>,
) -> Result<Option<SignedIn>, Error> {
    transact!(services, caller, actions::SIGN_IN, Mode::Commit, |tx| {
        // Shared: a new password, a ban and a deletion, which end sessions, hold the lock exclusively.
        let Some(account) = proof.redeem(tx, LockMode::Shared).await? else { return Ok(None) };
        let permit = tx.permit().await?;
        let restrictions = restrictions::of_account(tx.conn, account.id).await?;
        if let Some(ban) = restrictions.iter().find(|restriction| restriction.has(RestrictionEffect::NoSignIn)) {
            let message = format!("This account is restricted: {}", ban.reason);
            return Err(UserError::new(UserErrorKind::Restricted, "", message).into());
        }
        if let Some(hash) = new_hash {
            queries::replace_password_hash(tx.conn, account.id, proof.verified_hash(), &hash).await?;
        }
        throttle.forget(tx.conn).await?;
        end_replaced_session(tx, &permit).await?;
        let token = Token::generate(tx.rng());
        let session = new_session(tx, &account, &token);
        session_queries::insert_session(tx.conn, &session).await?;
        tx.audit(&permit, Some(account.id.global()), format!("{} signed in", account.username)).await?;
        Ok(Some(SignedIn { account: account.id, session: session.id, token: Some(token) }))
    })
    .await
}

/// Ends the session of the browser that signs in again: its cookie is about to be replaced.
async fn end_replaced_session(tx: &mut Tx<'_>, permit: &Permit) -> Result<(), Error> {
    if !tx.caller().has_session_cookie {
        return Ok(());
    }
    let Some(person) = tx.actor().person().cloned() else { return Ok(()) };
    if session_queries::delete_session(tx.conn, permit, person.id, person.session).await? {
        tx.notify(Notification::SessionEnded(person.session));
    }
    Ok(())
}

fn new_session(tx: &Tx<'_>, account: &Account, token: &Token) -> Session {
    Session {
        id: SessionId::new(tx.rng(), tx.now),
        account_id: account.id,
        token_hash: token.hash().as_bytes().to_vec(),
        created_at: tx.now,
        last_seen_at: tx.now,
        expires_at: Session::expiry(tx.now, tx.now),
        reauthenticated_at: tx.now,
        user_agent: tx.caller().user_agent.as_ref().map(|agent| agent.chars().take(200).collect()),
    }
}

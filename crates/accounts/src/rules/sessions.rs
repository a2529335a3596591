//! End of sessions, and re-authentication.

use std::sync::Arc;

use platform::access::{Action, Caller};
use platform::error::{AuthError, Error, UserError};
use platform::ids::SessionId;
use platform::locks::LockMode;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::Accepted;
use super::proof::{OwnPassword, Proof};
use crate::actions;
use crate::session_queries;

/// Ends the caller's own session.
///
/// # Errors
/// [`AuthError`] for any caller but a signed-in person.
pub async fn sign_out(services: &Services, caller: &Arc<Caller>) -> Result<Accepted, Error> {
    let session = caller.actor.demand_person()?.session;
    end_session(services, caller, actions::SIGN_OUT, session).await
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// NOT_FOUND at `id`.
pub async fn revoke_session(services: &Services, caller: &Arc<Caller>, id: &str) -> Result<Accepted, Error> {
    caller.actor.demand(platform::access::Role::User)?;
    let session =
        SessionId::from_global(id).ok_or_else(|| UserError::invalid("id", "This is not the id of a session."))?;
    end_session(services, caller, actions::REVOKE_SESSION, session).await
}

async fn end_session(
    services: &Services,
    caller: &Arc<Caller>,
    action: Action,
    session: SessionId,
) -> Result<Accepted, Error> {
    transact!(services, caller, action, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = permit.actor().account().ok_or(AuthError::Forbidden)?;
        if !session_queries::delete_session(tx.conn, &permit, account, session).await? {
            return Err(UserError::not_found("id", "You have no such session.").into());
        }
        tx.notify(Notification::SessionEnded(session));
        tx.audit(&permit, Some(session.global()), "A session was ended").await?;
        Ok(Accepted)
    })
    .await
}

/// Ends all sessions of the caller, including the current one.
///
/// # Errors
/// [`AuthError`] for any caller but a signed-in person.
pub async fn revoke_all_sessions(services: &Services, caller: &Arc<Caller>) -> Result<Accepted, Error> {
    transact!(services, caller, actions::REVOKE_ALL_SESSIONS, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = permit.actor().account().ok_or(AuthError::Forbidden)?;
        session_queries::delete_sessions(tx.conn, &permit, account, None).await?;
        tx.notify(Notification::AccountEnded(account));
        tx.audit(&permit, Some(account.global()), "All sessions were ended").await?;
        Ok(Accepted)
    })
    .await
}

/// Verifies the password again. For 15 minutes the caller may then read and change credentials and API keys.
///
/// # Errors
/// CREDENTIALS_REJECTED at `password`; RATE_LIMITED after many failures.
pub async fn reauthenticate(services: &Services, caller: &Arc<Caller>, password: &str) -> Result<Accepted, Error> {
    let session = caller.actor.demand_person()?.session;
    let proof = Proof::of_caller(services, caller, OwnPassword { password, field: "password", hashes: 1 }).await?;
    transact!(services, caller, actions::REAUTHENTICATE, Mode::Commit, |tx| {
        proof.redeem_at(tx, LockMode::Shared, "password").await?;
        let permit = tx.permit().await?;
        session_queries::reauthenticate_session(tx.conn, &permit, session, tx.now).await?;
        tx.audit(&permit, Some(session.global()), "The password was given again").await?;
        Ok(Accepted)
    })
    .await
}

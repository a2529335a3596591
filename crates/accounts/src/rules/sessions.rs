//! Sessions: seeing, ending, and proving again who is there.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::Accepted;
use super::passwords::prove;
use crate::proof_queries;
use platform::access::{Action, Caller};
use platform::error::{AuthError, Error, UserError};
use platform::ids::SessionId;
use platform::notifications::Notification;
use platform::services::Services;
use platform::transaction::Mode;

/// Ends the caller's own session.
///
/// # Errors
/// [`AuthError`] for anybody but a signed-in person.
pub async fn sign_out(services: &Services, caller: &Arc<Caller>) -> Result<Accepted, Error> {
    let session = caller.actor.demand_person()?.session;
    end(services, caller, actions::SIGN_OUT, session).await
}

/// Ends one of the caller's sessions.
///
/// # Errors
/// NOT_FOUND at `id`.
pub async fn revoke_session(services: &Services, caller: &Arc<Caller>, id: &str) -> Result<Accepted, Error> {
    caller.actor.demand(platform::access::Role::User)?;
    let session =
        SessionId::from_global(id).ok_or_else(|| UserError::invalid("id", "This is not the id of a session."))?;
    end(services, caller, actions::REVOKE_SESSION, session).await
}

async fn end(services: &Services, caller: &Arc<Caller>, action: Action, session: SessionId) -> Result<Accepted, Error> {
    transact!(services, caller, action, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = permit.actor().account().ok_or(AuthError::Forbidden)?;
        if !proof_queries::end_session(tx.conn, &permit, account, session).await? {
            return Err(UserError::not_found("id", "You have no such session.").into());
        }
        tx.notify(Notification::SessionEnded(session));
        tx.audit(&permit, Some(session.global()), "A session was ended").await?;
        Ok(Accepted)
    })
    .await
}

/// Ends all the caller's sessions, this one too.
///
/// # Errors
/// [`AuthError`] for anybody but a signed-in person.
pub async fn revoke_all_sessions(services: &Services, caller: &Arc<Caller>) -> Result<Accepted, Error> {
    transact!(services, caller, actions::REVOKE_ALL_SESSIONS, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = permit.actor().account().ok_or(AuthError::Forbidden)?;
        proof_queries::end_sessions(tx.conn, &permit, account, None).await?;
        tx.notify(Notification::AccountEnded(account));
        tx.audit(&permit, Some(account.global()), "All sessions were ended").await?;
        Ok(Accepted)
    })
    .await
}

/// Opens the 15 minutes in which credentials and keys may be seen and changed.
///
/// # Errors
/// CREDENTIALS_REJECTED at `password`; RATE_LIMITED after many failures.
pub async fn reauthenticate(services: &Services, caller: &Arc<Caller>, password: &str) -> Result<Accepted, Error> {
    let session = caller.actor.demand_person()?.session;
    prove(services, caller, password, "password").await?;
    transact!(services, caller, actions::REAUTHENTICATE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        proof_queries::reauthenticate_session(tx.conn, &permit, session, tx.now).await?;
        tx.audit(&permit, Some(session.global()), "The password was given again").await?;
        Ok(Accepted)
    })
    .await
}

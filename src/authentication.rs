//! From a token to whoever holds it.

use std::sync::Arc;

use crate::access::{Actor, Key, Person};
use crate::accounts;
use crate::accounts::token::{ApiKey, Token};
use crate::api_keys;
use crate::clock::Timestamp;
use crate::problem::Stop;
use crate::services::Services;

/// How old the time of the last visit may grow before it is written again, in seconds.
const LAST_SEEN_SECONDS: i64 = 300;

/// Finds out whose token this is: a session's or an API key's. `None` when it is unknown, expired or revoked.
///
/// # Errors
/// When the database cannot be asked.
pub async fn actor_of(services: &Services, token: &str) -> Result<Option<Actor>, Stop> {
    if ApiKey::is_meant_by(token) {
        let Some(presented) = ApiKey::parse(token) else { return Ok(None) };
        Ok(key_of(services, &presented).await?.map(|key| Actor::Key(Arc::new(key))))
    } else {
        let Some(presented) = Token::parse(token) else { return Ok(None) };
        Ok(person_of(services, &presented).await?.map(|person| Actor::Person(Arc::new(person))))
    }
}

async fn key_of(services: &Services, presented: &ApiKey) -> Result<Option<Key>, Stop> {
    let now = services.now();
    let found = api_keys::queries::by_token(&mut *services.store.read().await?, presented, now).await?;
    let Some((key, last_used_at)) = found else { return Ok(None) };
    if last_used_at.is_none_or(|at| is_long_ago(at, now)) {
        let id = key.id;
        services
            .store
            .write(move |conn| Box::pin(async move { Ok(api_keys::queries::touch(conn, id, now).await?) }))
            .await?;
    }
    Ok(Some(key))
}

async fn person_of(services: &Services, presented: &Token) -> Result<Option<Person>, Stop> {
    let now = services.now();
    let hash = presented.hash();
    let found =
        accounts::proof_queries::session_by_token(&mut *services.store.read().await?, hash.as_bytes(), now).await?;
    let Some((session, account)) = found else { return Ok(None) };
    if is_long_ago(session.last_seen_at, now) {
        let id = session.id;
        services
            .store
            .write(move |conn| {
                Box::pin(async move { Ok(accounts::proof_queries::touch_session(conn, id, now).await?) })
            })
            .await?;
    }
    Ok(Some(Person {
        id: account.id,
        username: account.username,
        role: account.role,
        session: session.id,
        reauthenticated_at: session.reauthenticated_at,
        email_verified: account.email_verified_at.is_some(),
    }))
}

fn is_long_ago(seen: Timestamp, now: Timestamp) -> bool {
    now > seen.plus_seconds(LAST_SEEN_SECONDS)
}

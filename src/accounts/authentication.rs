//! From a token to whoever holds it.

use std::sync::Arc;

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;

use super::queries;
use super::token::{ApiKey, Token, TokenHash};
use crate::access::{Actor, ApiKeyScope, Key, Person};
use crate::clock::Timestamp;
use crate::ids::{ApiKeyId, EventId, ServiceTypeId};
use crate::problem::Stop;
use crate::query;
use crate::services::Services;
use crate::store::Conn;
use crate::store::schema::{api_key_events, api_key_service_types, api_keys};

/// How old the time of the last visit may grow before it is written again, in seconds.
const LAST_SEEN_SECONDS: i64 = 300;

/// Finds out whose token this is: a session's or an API key's. `None` when it is unknown, expired or revoked.
///
/// # Errors
/// When the database cannot be asked.
pub async fn actor_of(services: &Services, token: &str) -> Result<Option<Actor>, Stop> {
    let now = services.now();
    let mut conn = services.store.read().await?;
    if ApiKey::is_meant_by(token) {
        let Some(presented) = ApiKey::parse(token) else { return Ok(None) };
        let found = key(&mut conn, &presented, now).await?;
        drop(conn);
        return Ok(match found {
            None => None,
            Some((key, last_used)) => {
                if last_used.is_none_or(|at| now > at.plus_seconds(LAST_SEEN_SECONDS)) {
                    let id = key.id;
                    services
                        .store
                        .write(move |conn| Box::pin(async move { Ok(touch_key(conn, id, now).await?) }))
                        .await?;
                }
                Some(Actor::Key(Arc::new(key)))
            }
        });
    }
    let Some(presented) = Token::parse(token) else { return Ok(None) };
    let Some((session, account)) = queries::session_by_token(&mut conn, presented.hash().as_bytes(), now).await? else {
        return Ok(None);
    };
    drop(conn);
    if now > session.last_seen_at.plus_seconds(LAST_SEEN_SECONDS) {
        let id = session.id;
        services
            .store
            .write(move |conn| Box::pin(async move { Ok(queries::touch_session(conn, id, now).await?) }))
            .await?;
    }
    Ok(Some(Actor::Person(Arc::new(Person {
        id: account.id,
        username: account.username,
        role: account.role,
        session: session.id,
        reauthenticated_at: session.reauthenticated_at,
        email_verified: account.email_verified_at.is_some(),
    }))))
}

type KeyRow = (ApiKeyId, Vec<u8>, String, bool, Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);

async fn key(conn: &mut Conn, presented: &ApiKey, now: Timestamp) -> Result<Option<(Key, Option<Timestamp>)>, Stop> {
    let prefix = presented.id().as_str();
    let row: Option<KeyRow> = query!(conn, c => api_keys::table
        .filter(api_keys::prefix.eq(prefix))
        .select((api_keys::id, api_keys::secret_hash, api_keys::scopes, api_keys::all_events, api_keys::expires_at, api_keys::revoked_at, api_keys::last_used_at))
        .first(c)
        .await
        .optional())?;
    let Some((id, hash, scopes, all_events, expires_at, revoked_at, last_used_at)) = row else { return Ok(None) };
    let is_right = TokenHash::from_bytes(&hash).is_some_and(|stored| stored == presented.hash());
    if !is_right || revoked_at.is_some() || expires_at.is_some_and(|at| at <= now) {
        return Ok(None);
    }
    let service_types: Vec<ServiceTypeId> = query!(conn, c => api_key_service_types::table
        .filter(api_key_service_types::api_key_id.eq(id))
        .select(api_key_service_types::service_type_id)
        .load(c)
        .await)?;
    let events: Vec<EventId> = query!(conn, c => api_key_events::table
        .filter(api_key_events::api_key_id.eq(id))
        .select(api_key_events::event_id)
        .load(c)
        .await)?;
    let scopes = scopes.split(' ').filter_map(|name| name.parse::<ApiKeyScope>().ok()).collect();
    Ok(Some((Key { id, prefix: prefix.to_owned(), scopes, service_types, events, all_events }, last_used_at)))
}

async fn touch_key(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> diesel::QueryResult<()> {
    query!(conn, c => diesel::update(api_keys::table.find(id)).set(api_keys::last_used_at.eq(Some(now))).execute(c).await)?;
    Ok(())
}

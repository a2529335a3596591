//! Queries of API keys.

use accounts::token::{ApiKeyToken, TokenHash};
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use platform::access::{Key, Permit};
use platform::clock::Timestamp;
use platform::ids::{ApiKeyId, EventId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{api_key_events, api_key_service_types, api_keys};

use crate::model::ApiKey;

/// All keys, newest first.
pub async fn all_api_keys(conn: &mut Conn) -> QueryResult<Vec<ApiKey>> {
    query!(conn, |c| api_keys::table.order(api_keys::id.desc()).select(ApiKey::as_select()).load(c).await)
}

/// The key with this id, revoked and expired ones included.
pub async fn api_key_by_id(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Option<ApiKey>> {
    query!(conn, |c| api_keys::table.find(id).select(ApiKey::as_select()).get_result(c).await.optional())
}

/// A valid key that was found by its token.
pub struct AuthenticatedKey {
    pub key: Key,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// The key of this token; `None` if it is unknown, expired or revoked.
pub async fn api_key_by_token(
    conn: &mut Conn,
    token: &ApiKeyToken,
    now: Timestamp,
) -> QueryResult<Option<AuthenticatedKey>> {
    let prefix = token.prefix().as_str();
    let row: Option<ApiKey> = query!(&mut *conn, |c| api_keys::table
        .filter(api_keys::prefix.eq(prefix))
        .select(ApiKey::as_select())
        .get_result(c)
        .await
        .optional())?;
    let matches = |row: &ApiKey| TokenHash::from_bytes(&row.secret_hash).is_some_and(|stored| stored == token.hash());
    let Some(row) = row.filter(|row| matches(row) && row.is_valid(now)) else { return Ok(None) };
    let (expires_at, last_used_at) = (row.expires_at, row.last_used_at);
    Ok(Some(AuthenticatedKey { key: load_key(conn, row).await?, expires_at, last_used_at }))
}

/// The key with this id as an actor; `None` if it is unknown, expired or revoked.
pub async fn active_key_by_id(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> QueryResult<Option<Key>> {
    match api_key_by_id(conn, id).await?.filter(|row| row.is_valid(now)) {
        Some(row) => Ok(Some(load_key(conn, row).await?)),
        None => Ok(None),
    }
}

/// Loads the limits of a key.
async fn load_key(conn: &mut Conn, row: ApiKey) -> QueryResult<Key> {
    let service_types = service_types_of_api_key(conn, row.id).await?;
    let events = events_of_api_key(conn, row.id).await?;
    let scopes = row.scopes();
    Ok(Key { id: row.id, prefix: row.prefix, scopes, service_types, events, all_events: row.all_events })
}

/// Updates the time at which a key was last used.
pub async fn touch_api_key(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(api_keys::table.find(id))
        .set(api_keys::last_used_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// The service types that a key is limited to.
pub async fn service_types_of_api_key(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Vec<ServiceTypeId>> {
    query!(conn, |c| api_key_service_types::table
        .filter(api_key_service_types::api_key_id.eq(id))
        .select(api_key_service_types::service_type_id)
        .load(c)
        .await)
}

/// The events that a key is limited to.
pub async fn events_of_api_key(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| api_key_events::table
        .filter(api_key_events::api_key_id.eq(id))
        .select(api_key_events::event_id)
        .load(c)
        .await)
}

pub(super) async fn insert(
    conn: &mut Conn,
    _: &Permit,
    key: &ApiKey,
    types: &[ServiceTypeId],
    events: &[EventId],
) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(api_keys::table).values(key).execute(c).await)?;
    for service_type in types {
        query!(conn, |c| diesel::insert_into(api_key_service_types::table)
            .values((
                api_key_service_types::api_key_id.eq(key.id),
                api_key_service_types::service_type_id.eq(service_type)
            ))
            .execute(c)
            .await)?;
    }
    for event in events {
        query!(conn, |c| diesel::insert_into(api_key_events::table)
            .values((api_key_events::api_key_id.eq(key.id), api_key_events::event_id.eq(event)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

pub(super) async fn revoke(conn: &mut Conn, _: &Permit, id: ApiKeyId, at: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(api_keys::table.find(id).filter(api_keys::revoked_at.is_null()))
        .set(api_keys::revoked_at.eq(Some(at)))
        .execute(c)
        .await)?;
    Ok(())
}

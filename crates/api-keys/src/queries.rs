//! API keys in the database.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::model::ApiKey;
use platform::access::{Key, Permit};
use accounts::token::{self, TokenHash};
use platform::clock::Timestamp;
use platform::ids::{ApiKeyId, EventId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{api_key_events, api_key_service_types, api_keys};

/// All keys, newest first.
pub async fn all(conn: &mut Conn) -> QueryResult<Vec<ApiKey>> {
    query!(conn, |c| api_keys::table.order(api_keys::id.desc()).select(ApiKey::as_select()).load(c).await)
}

/// A key by its id.
pub async fn by_id(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Option<ApiKey>> {
    query!(conn, |c| api_keys::table.find(id).select(ApiKey::as_select()).get_result(c).await.optional())
}

/// A key that was found by its token.
pub struct FoundKey {
    pub key: Key,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// The key of this token; `None` when it is unknown, expired or revoked.
pub async fn by_token(conn: &mut Conn, presented: &token::ApiKey, now: Timestamp) -> QueryResult<Option<FoundKey>> {
    let prefix = presented.id().as_str();
    let row: Option<ApiKey> = query!(&mut *conn, |c| api_keys::table
        .filter(api_keys::prefix.eq(prefix))
        .select(ApiKey::as_select())
        .get_result(c)
        .await
        .optional())?;
    let is_right =
        |row: &ApiKey| TokenHash::from_bytes(&row.secret_hash).is_some_and(|stored| stored == presented.hash());
    let Some(row) = row.filter(|row| is_right(row) && row.is_valid(now)) else { return Ok(None) };
    let (expires_at, last_used_at) = (row.expires_at, row.last_used_at);
    Ok(Some(FoundKey { key: key(conn, row).await?, expires_at, last_used_at }))
}

/// The key of this id, as it acts; `None` when it is unknown, expired or revoked.
pub async fn acting(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> QueryResult<Option<Key>> {
    match by_id(conn, id).await?.filter(|row| row.is_valid(now)) {
        Some(row) => Ok(Some(key(conn, row).await?)),
        None => Ok(None),
    }
}

async fn key(conn: &mut Conn, row: ApiKey) -> QueryResult<Key> {
    let service_types = service_types_of(conn, row.id).await?;
    let events = events_of(conn, row.id).await?;
    let scopes = row.scopes();
    Ok(Key { id: row.id, prefix: row.prefix, scopes, service_types, events, all_events: row.all_events })
}

/// Records that a key was used.
pub async fn touch(conn: &mut Conn, id: ApiKeyId, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(api_keys::table.find(id))
        .set(api_keys::last_used_at.eq(Some(now)))
        .execute(c)
        .await)?;
    Ok(())
}

/// The service types that a key is limited to.
pub async fn service_types_of(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Vec<ServiceTypeId>> {
    query!(conn, |c| api_key_service_types::table
        .filter(api_key_service_types::api_key_id.eq(id))
        .select(api_key_service_types::service_type_id)
        .load(c)
        .await)
}

/// The events that a key is limited to.
pub async fn events_of(conn: &mut Conn, id: ApiKeyId) -> QueryResult<Vec<EventId>> {
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

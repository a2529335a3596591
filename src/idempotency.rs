//! Requests that may be repeated: the outcome is recorded in the mutation's own transaction.
//!
//! A record names what the mutation made or changed, not what it answered: a repetition reads the objects anew, and secrets
//! that are shown once are not in it. Records live for 24 hours, per actor.

use diesel::prelude::{Insertable, Queryable, Selectable};
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use serde::de::DeserializeOwned;

use crate::access::{Action, Actor, Caller};
use crate::changes::locks;
use crate::clock::Timestamp;
use crate::problem::{Fault, Stop};
use crate::query;
use crate::store::Conn;
use crate::store::schema::idempotency_records;
use crate::store::types::JsonValue;

/// How long a record holds, in seconds.
pub const RETENTION_SECONDS: i64 = 24 * 3600;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_records)]
struct Record {
    actor: String,
    key: String,
    request_hash: Vec<u8>,
    outcome: JsonValue,
    created_at: Timestamp,
}

/// The outcome of the same request, if it was made before. A twin that is under way is waited for.
///
/// # Errors
/// [`Stop::IdempotencyMismatch`] when the key stands for another request.
pub async fn recall<T: DeserializeOwned>(conn: &mut Conn, caller: &Caller, action: Action) -> Result<Option<T>, Stop> {
    let Some(idempotency) = &caller.idempotency else { return Ok(None) };
    let actor = actor_key(caller);
    locks::rule(conn, &format!("idempotency {actor} {}", idempotency.key)).await?;
    let record: Option<Record> = query!(conn, c => idempotency_records::table
        .find((&actor, &idempotency.key))
        .select(Record::as_select())
        .get_result(c)
        .await
        .optional())?;
    let Some(record) = record else { return Ok(None) };
    if record.request_hash != idempotency.request_hash || record.outcome.0["action"] != action.as_str() {
        return Err(Stop::IdempotencyMismatch);
    }
    serde_json::from_value(record.outcome.0["value"].clone()).map(Some).map_err(|error| Fault::internal(error).into())
}

/// Records the outcome for a repetition.
///
/// # Errors
/// When the database refuses.
pub async fn remember(
    conn: &mut Conn,
    caller: &Caller,
    action: Action,
    value: serde_json::Value,
    now: Timestamp,
) -> Result<(), Stop> {
    let Some(idempotency) = &caller.idempotency else { return Ok(()) };
    let record = Record {
        actor: actor_key(caller),
        key: idempotency.key.clone(),
        request_hash: idempotency.request_hash.to_vec(),
        outcome: JsonValue(serde_json::json!({ "action": action.as_str(), "value": value })),
        created_at: now,
    };
    query!(conn, c => diesel::insert_into(idempotency_records::table).values(&record).execute(c).await)?;
    Ok(())
}

/// Forgets the records that are older than a day.
///
/// # Errors
/// When the database refuses.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> QueryResult<usize> {
    let oldest = now.plus_seconds(-RETENTION_SECONDS);
    query!(conn, c => diesel::delete(idempotency_records::table)
        .filter(idempotency_records::created_at.lt(oldest))
        .execute(c)
        .await)
}

/// Whose key it is. Guests have no identity; their address stands for one.
fn actor_key(caller: &Caller) -> String {
    match &caller.actor {
        Actor::Person(person) => format!("account:{}", person.id.0.simple()),
        Actor::Key(key) => format!("key:{}", key.prefix),
        Actor::Guest => format!("guest:{}", caller.address),
        Actor::System(name) => format!("system:{name}"),
    }
}

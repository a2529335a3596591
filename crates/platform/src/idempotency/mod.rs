//! Idempotency records: the outcome of a request with an idempotency key, written in the mutation's transaction.
//!
//! A record contains the ids of created and changed objects, not the response. A repeated request reads the objects
//! again, and receives no secrets that are shown once. Records are kept for 24 hours, per actor.

mod model;
mod queries;

pub use queries::prune;

use serde::de::DeserializeOwned;

use crate::access::{Action, Actor, Caller, Permit};
use crate::clock::Timestamp;
use crate::error::{Error, InternalError};
use crate::ids::AccountId;
use crate::locks;
use crate::store::Conn;
use crate::store::types::JsonValue;
use model::Record;

/// How long a record is kept, in seconds.
pub const RETENTION_SECONDS: i64 = 24 * 3600;

/// Returns the recorded outcome of an earlier request with the same key. Waits for a concurrent request with that key.
///
/// # Errors
/// [`Error::IdempotencyMismatch`] when the record belongs to a different request, [`Error::Internal`] when the
/// statement fails or the record cannot be deserialized.
pub async fn find_outcome<T: DeserializeOwned>(
    conn: &mut Conn,
    caller: &Caller,
    action: Action,
) -> Result<Option<T>, Error> {
    let Some(idempotency) = &caller.idempotency else { return Ok(None) };
    let actor = actor_key(caller);
    locks::named(conn, &format!("idempotency {actor} {}", idempotency.key)).await?;
    let Some(record) = queries::find(conn, &actor, &idempotency.key).await? else { return Ok(None) };
    if record.request_hash != idempotency.request_hash || record.outcome.0["action"] != action.name() {
        return Err(Error::IdempotencyMismatch);
    }
    serde_json::from_value(record.outcome.0["value"].clone())
        .map(Some)
        .map_err(|error| InternalError::new(error).into())
}

/// Records the outcome of a request that has an idempotency key.
///
/// # Errors
/// [`Error::Internal`] when the statement fails.
pub async fn record_outcome(
    conn: &mut Conn,
    caller: &Caller,
    action: Action,
    value: serde_json::Value,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(idempotency) = &caller.idempotency else { return Ok(()) };
    let record = Record {
        actor: actor_key(caller),
        key: idempotency.key.clone(),
        request_hash: idempotency.request_hash.to_vec(),
        outcome: JsonValue(serde_json::json!({ "action": action.name(), "value": value })),
        created_at: now,
    };
    Ok(queries::insert(conn, &record).await?)
}

/// Deletes the records of an account that is being deleted.
///
/// # Errors
/// [`Error::Internal`] when the statement fails.
pub async fn delete_by_account(conn: &mut Conn, _: &Permit, account: AccountId) -> Result<(), Error> {
    Ok(queries::delete_by_actor(conn, &account_key(account)).await?)
}

/// Returns the namespace of the actor's keys. Guests are distinguished by their address.
fn actor_key(caller: &Caller) -> String {
    match &caller.actor {
        Actor::Person(person) => account_key(person.id),
        Actor::Key(key) => format!("key:{}", key.prefix),
        Actor::Guest => caller.address.map_or_else(|| "guest:".to_owned(), |address| format!("guest:{address}")),
        Actor::System(name) => format!("system:{name}"),
    }
}

fn account_key(account: AccountId) -> String {
    format!("account:{}", account.0.simple())
}

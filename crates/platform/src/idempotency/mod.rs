//! Requests that may be repeated: the outcome is recorded in the mutation's own transaction.
//!
//! A record names what the mutation made or changed, not what it answered: a repetition reads the objects anew, and secrets
//! that are shown once are not in it. Records live for 24 hours, per actor.

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

/// How long a record holds, in seconds.
pub const RETENTION_SECONDS: i64 = 24 * 3600;

/// The outcome of the same request, if it was made before. A twin that is under way is waited for.
///
/// # Errors
/// [`Error::IdempotencyMismatch`] when the key stands for another request.
pub async fn recall<T: DeserializeOwned>(conn: &mut Conn, caller: &Caller, action: Action) -> Result<Option<T>, Error> {
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

/// Forgets the records of an account that is deleted.
///
/// # Errors
/// When the database refuses.
pub async fn forget(conn: &mut Conn, _: &Permit, account: AccountId) -> Result<(), Error> {
    Ok(queries::delete_of(conn, &account_key(account)).await?)
}

/// Whose key it is. Guests have no identity; their address stands for one.
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

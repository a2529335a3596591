//! Transaction locks, taken in one fixed order so that writers cannot deadlock.
//!
//! 1. The owner's account and the service type: shared by a writer of an extension, exclusive for a ban, for a deletion
//!    and for a change of the type.
//! 2. The events, in the order of their ids.
//! 3. Only then does the transaction read the rows that it changes.
//!
//! On PostgreSQL these are advisory locks of the transaction; SQLite has one writer and needs none.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl as _;

use crate::ids::{AccountId, EventId, ServiceTypeId};
use crate::store::Conn;

/// The name of the lock that [`accounts`] shares in exclusive mode and [`all_accounts`] takes exclusively.
const ALL_ACCOUNTS: &str = "every account";
/// The class of the locks of [`named`].
const NAMED: &str = "rule";

/// Whether other transactions may hold the lock at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockMode {
    Shared,
    Exclusive,
}

/// Whether taking a lock may block until another writer commits, so that rows read before must be read again. On SQLite
/// a write transaction is the only writer from its start.
pub const fn may_block(conn: &Conn) -> bool {
    matches!(conn, Conn::Postgres(_))
}

/// Takes the locks of accounts, in the order of their ids.
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn accounts(conn: &mut Conn, ids: &[AccountId], mode: LockMode) -> QueryResult<()> {
    if mode == LockMode::Exclusive && matches!(conn, Conn::Postgres(_)) {
        lock(conn, lock_key(NAMED, ALL_ACCOUNTS.as_bytes()), LockMode::Shared).await?;
    }
    lock_all(conn, "account", ids.iter().map(|id| id.0).collect(), mode).await
}

/// Prevents that any account is banned or deleted meanwhile. Replaces [`accounts`] in a transaction that writes
/// extensions of more owners than PostgreSQL's lock table has room for.
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn all_accounts(conn: &mut Conn) -> QueryResult<()> {
    named(conn, ALL_ACCOUNTS).await
}

/// Takes the locks of service types, in the order of their ids. Accounts come first.
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn service_types(conn: &mut Conn, ids: &[ServiceTypeId], mode: LockMode) -> QueryResult<()> {
    lock_all(conn, "service_type", ids.iter().map(|id| id.0).collect(), mode).await
}

/// Takes the locks of events, in the order of their ids. Accounts and service types come first.
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn events(conn: &mut Conn, ids: &[EventId]) -> QueryResult<()> {
    lock_all(conn, "event", ids.iter().map(|id| id.0).collect(), LockMode::Exclusive).await
}

/// Takes the lock of a number outside every event, in E.164. Events come first.
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn e164_number(conn: &mut Conn, number: &str) -> QueryResult<()> {
    named(conn, &format!("number {number}")).await
}

/// Takes the exclusive lock of a name, for an invariant that spans many rows, such as "at least one admin".
///
/// # Errors
/// A database error, such as a lock wait that exceeds the timeout.
pub async fn named(conn: &mut Conn, name: &str) -> QueryResult<()> {
    let Conn::Postgres(_) = conn else { return Ok(()) };
    lock(conn, lock_key(NAMED, name.as_bytes()), LockMode::Exclusive).await
}

async fn lock_all(conn: &mut Conn, class: &str, mut ids: Vec<uuid::Uuid>, mode: LockMode) -> QueryResult<()> {
    let Conn::Postgres(_) = conn else { return Ok(()) };
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        lock(conn, lock_key(class, id.as_bytes()), mode).await?;
    }
    Ok(())
}

async fn lock(conn: &mut Conn, key: i64, mode: LockMode) -> QueryResult<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let statement = match mode {
        LockMode::Shared => "SELECT pg_advisory_xact_lock_shared($1)",
        LockMode::Exclusive => "SELECT pg_advisory_xact_lock($1)",
    };
    diesel::sql_query(statement).bind::<BigInt, _>(key).execute(conn).await.map(drop)
}

/// The 64-bit key of an advisory lock: the first bytes of SHA-256 over class and id. A collision only makes two
/// transactions wait for each other needlessly.
fn lock_key(class: &str, id: &[u8]) -> i64 {
    use sha2::{Digest as _, Sha256};
    let hash: [u8; 32] = Sha256::new().chain_update(class).chain_update(id).finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

//! Writers take turns, in one order, so that no two can wait for each other.
//!
//! 1. The owner's account and the service type: shared by those who write an extension, exclusive for a ban, a deletion and
//!    a change of the type.
//! 2. The events, by id.
//! 3. Only then may be read what is to be changed and marked.
//!
//! On PostgreSQL these are advisory locks of the transaction; SQLite has one writer and needs none.

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl as _;

use crate::ids::{AccountId, EventId, ServiceTypeId};
use crate::store::Conn;

/// The rule that one who changes accounts shares, and [`every_account`] has alone.
const EVERY_ACCOUNT: &str = "every account";

/// Whether others may hold the lock at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    Shared,
    Exclusive,
}

/// Whether taking a lock may wait for another writer, so that what was read before it has to be read again. The embedded
/// database's one writer holds every lock from the beginning of its transaction.
pub const fn may_wait(conn: &Conn) -> bool {
    matches!(conn, Conn::Postgres(_))
}

/// Takes the locks of accounts, in the order of their ids.
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn accounts(conn: &mut Conn, ids: &[AccountId], hold: Hold) -> QueryResult<()> {
    if hold == Hold::Exclusive && matches!(conn, Conn::Postgres(_)) {
        lock(conn, key("rule", EVERY_ACCOUNT.as_bytes()), Hold::Shared).await?;
    }
    take(conn, "account", ids.iter().map(|id| id.0).collect(), hold).await
}

/// Keeps every account from being banned or deleted, for a transaction that writes extensions of more owners than a server
/// has room for as single locks. It stands in the place of [`accounts`].
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn every_account(conn: &mut Conn) -> QueryResult<()> {
    rule(conn, EVERY_ACCOUNT).await
}

/// Takes the locks of service types, in the order of their ids. Accounts come first.
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn service_types(conn: &mut Conn, ids: &[ServiceTypeId], hold: Hold) -> QueryResult<()> {
    take(conn, "service_type", ids.iter().map(|id| id.0).collect(), hold).await
}

/// Takes the locks of events, in the order of their ids. Accounts and service types come first.
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn events(conn: &mut Conn, ids: &[EventId]) -> QueryResult<()> {
    take(conn, "event", ids.iter().map(|id| id.0).collect(), Hold::Exclusive).await
}

/// Takes the lock of a number outside every event, in E.164. Events come first.
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn e164_number(conn: &mut Conn, number: &str) -> QueryResult<()> {
    rule(conn, &format!("number {number}")).await
}

/// Takes a lock of its own for a rule that spans many rows, such as "never without an admin".
///
/// # Errors
/// When the database refuses or the wait is too long.
pub async fn rule(conn: &mut Conn, name: &str) -> QueryResult<()> {
    let Conn::Postgres(_) = conn else { return Ok(()) };
    lock(conn, key("rule", name.as_bytes()), Hold::Exclusive).await
}

async fn take(conn: &mut Conn, class: &str, mut ids: Vec<uuid::Uuid>, hold: Hold) -> QueryResult<()> {
    let Conn::Postgres(_) = conn else { return Ok(()) };
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        lock(conn, key(class, id.as_bytes()), hold).await?;
    }
    Ok(())
}

async fn lock(conn: &mut Conn, key: i64, hold: Hold) -> QueryResult<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let statement = match hold {
        Hold::Shared => "SELECT pg_advisory_xact_lock_shared($1)",
        Hold::Exclusive => "SELECT pg_advisory_xact_lock($1)",
    };
    diesel::sql_query(statement).bind::<BigInt, _>(key).execute(conn).await.map(drop)
}

/// A lock's 64-bit key. Two ids that fall on one key wait for each other needlessly, and nothing worse.
fn key(class: &str, id: &[u8]) -> i64 {
    use sha2::{Digest as _, Sha256};
    let hash: [u8; 32] = Sha256::new().chain_update(class).chain_update(id).finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

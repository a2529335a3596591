//! Sealing of audit rows into the hash chain, and its verification.

use super::anchor::Anchor;
use super::chain::{GENESIS, Link, unkeyed_link};
use super::log::{AuditLog, hash_input};
use super::model::Seal;
use super::queries;
use crate::error::{Error, InternalError};
use crate::locks;
use crate::services::Services;
use crate::store::Conn;

/// Number of rows that one transaction seals or one query of the verification reads.
const BATCH_SIZE: i64 = 500;

/// Number of rows before the newest sealed row that are searched for rows whose transactions committed late.
const LOOKBACK: i64 = 10_000;

/// Before every sequence number. The database begins with 1, but a forged row can have any number.
const START: i64 = i64::MIN;

/// Name of the lock that serializes the instances that seal.
pub(super) const CHAIN_LOCK: &str = "audit chain";

/// Seals one batch of unsealed rows and moves the anchor; returns the number of rows. A lock serializes concurrent
/// instances.
///
/// Searches a limited number of rows, so that its cost is independent of the audit's size. [`seal_all`] finds rows that
/// were committed even later.
///
/// # Errors
/// When the database fails or the anchor cannot be written.
pub async fn seal(services: &Services) -> Result<usize, Error> {
    seal_batch(services, Some(LOOKBACK)).await
}

/// Seals every unsealed row.
///
/// # Errors
/// When the database fails or the anchor cannot be written.
pub async fn seal_all(services: &Services) -> Result<(), Error> {
    while seal_batch(services, None).await? > 0 {}
    Ok(())
}

/// The result of sealing one batch.
struct Sealed {
    count: usize,
    end: Option<Anchor>,
    /// Sequence numbers of rows that this program has not written.
    forged: Vec<i64>,
}

async fn seal_batch(services: &Services, lookback: Option<i64>) -> Result<usize, Error> {
    let log = services.clone();
    let sealed =
        services.store.write(move |conn| Box::pin(async move { seal_rows(conn, &log.audit, lookback).await })).await?;
    for seq in sealed.forged {
        tracing::error!(audit.seq = seq, "an audit row was not written by this program: run `audit verify`");
    }
    if let Some(end) = &sealed.end {
        services.audit.anchor().advance(end).map_err(InternalError::Io)?;
    }
    Ok(sealed.count)
}

async fn seal_rows(conn: &mut Conn, audit: &AuditLog, lookback: Option<i64>) -> Result<Sealed, Error> {
    locks::named(conn, CHAIN_LOCK).await?;
    let newest = queries::last_seal(conn).await?.map_or(0, |seal| seal.seq);
    let rows = queries::unsealed(conn, lookback.map_or(START, |lookback| newest - lookback), BATCH_SIZE).await?;
    let (mut position, mut last) = end_of_chain(conn).await?;
    let mut forged = Vec::new();
    for row in &rows {
        position += 1;
        last = audit.link(position, &last, row)?;
        if !audit.is_genuine(position, row)? {
            forged.push(row.seq);
        }
        queries::insert_seal(conn, &Seal { position, seq: row.seq, hash: last.to_vec() }).await?;
    }
    let end = (position > 0).then_some(Anchor { position, link: last });
    Ok(Sealed { count: rows.len(), end, forged })
}

/// Seals the rows of an earlier version as that version would have; returns the position of the last.
pub(super) async fn seal_unkeyed(conn: &mut Conn) -> Result<i64, Error> {
    let (mut position, mut last) = end_of_chain(conn).await?;
    loop {
        let rows = queries::unsealed(conn, START, BATCH_SIZE).await?;
        if rows.is_empty() {
            return Ok(position);
        }
        for row in &rows {
            position += 1;
            last = unkeyed_link(&last, row.seq, &hash_input(row));
            queries::insert_seal(conn, &Seal { position, seq: row.seq, hash: last.to_vec() }).await?;
        }
    }
}

async fn end_of_chain(conn: &mut Conn) -> Result<(i64, Link), Error> {
    let Some(seal) = queries::last_seal(conn).await? else { return Ok((0, GENESIS)) };
    Ok((seal.position, to_link(&seal.hash)?))
}

fn to_link(hash: &[u8]) -> Result<Link, InternalError> {
    hash.try_into().map_err(|_| InternalError::new("a seal of the audit is not 32 bytes"))
}

/// Result of a verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    /// Every link is valid, this program has written every row, and the chain reaches the anchor.
    Intact {
        rows: i64,
        last: Link,
        /// Number of rows that are not in the chain yet.
        unsealed: i64,
        /// Whether the data folder has an anchor. Without one a cut at the end is not found.
        anchored: bool,
    },
    /// The link of this row is invalid: it or an earlier row was modified, removed or inserted.
    Broken { seq: i64 },
    /// This program has not written this row.
    Forged { seq: i64 },
    /// Rows at the end are missing: the chain ends at `position`, or has another link there than the anchor.
    Cut { position: i64, anchor: i64 },
}

/// Verifies every row and every link, page by page, then compares the end with the anchor. Seals nothing, as a link to a
/// forged row would make it look genuine.
///
/// # Errors
/// When the database or the anchor cannot be read.
pub async fn verify(services: &Services) -> Result<Verification, Error> {
    let audit = &services.audit;
    let anchor = audit.anchor().read().map_err(InternalError::Io)?;
    let (mut position, mut last) = (0, GENESIS);
    let mut is_at_anchor = anchor.is_none();
    loop {
        let rows = queries::sealed_after(&mut *services.store.read().await?, position, BATCH_SIZE).await?;
        if rows.is_empty() {
            break;
        }
        for (event, seal) in rows {
            position += 1;
            last = audit.link(position, &last, &event)?;
            if seal.position != position || seal.hash != last {
                return Ok(Verification::Broken { seq: event.seq });
            }
            if !audit.is_genuine(position, &event)? {
                return Ok(Verification::Forged { seq: event.seq });
            }
            is_at_anchor |= anchor == Some(Anchor { position, link: last });
        }
    }
    // A seal without its row is not among the rows above. A server that runs may have sealed rows since.
    let end = queries::last_seal(&mut *services.store.read().await?).await?.map_or(0, |seal| seal.position);
    if end > position && queries::sealed_after(&mut *services.store.read().await?, position, 1).await?.is_empty() {
        return Ok(Verification::Cut { position, anchor: end });
    }
    if let Some(anchor) = anchor.filter(|_| !is_at_anchor) {
        return Ok(Verification::Cut { position, anchor: anchor.position });
    }
    verify_unsealed(services, position, last, anchor.is_some()).await
}

/// Checks that this program has written the rows that are not in the chain yet.
async fn verify_unsealed(
    services: &Services,
    position: i64,
    last: Link,
    anchored: bool,
) -> Result<Verification, Error> {
    let (mut unsealed, mut after) = (0, START);
    loop {
        let rows = queries::unsealed(&mut *services.store.read().await?, after, BATCH_SIZE).await?;
        let Some(newest) = rows.last() else {
            return Ok(Verification::Intact { rows: position, last, unsealed, anchored });
        };
        after = newest.seq;
        for event in &rows {
            unsealed += 1;
            if !services.audit.is_genuine(position + unsealed, event)? {
                return Ok(Verification::Forged { seq: event.seq });
            }
        }
    }
}

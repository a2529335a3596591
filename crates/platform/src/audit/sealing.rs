//! Sealing of audit rows into the hash chain, and its verification.

use super::chain::{self, GENESIS, Link, Row};
use super::model::{AuditEvent, Seal};
use super::queries;
use crate::error::{Error, InternalError};
use crate::locks;
use crate::store::{Conn, Store};

/// Number of rows that one transaction seals or one query of the verification reads.
const BATCH_SIZE: i64 = 500;

/// Number of rows before the newest sealed row that are searched for rows whose transactions committed late.
const LOOKBACK: i64 = 10_000;

/// Seals one batch of unsealed rows; returns their number. A lock serializes concurrent instances.
///
/// Searches a limited number of rows, so that its cost is independent of the audit's size. [`seal_all`] finds rows that
/// were committed even later.
///
/// # Errors
/// When the database fails.
pub async fn seal(store: &Store) -> Result<usize, Error> {
    seal_batch(store, Some(LOOKBACK)).await
}

/// Seals every unsealed row.
///
/// # Errors
/// When the database fails.
pub async fn seal_all(store: &Store) -> Result<(), Error> {
    while seal_batch(store, None).await? > 0 {}
    Ok(())
}

async fn seal_batch(store: &Store, lookback: Option<i64>) -> Result<usize, Error> {
    store
        .write(move |conn| {
            Box::pin(async move {
                locks::named(conn, "audit chain").await?;
                let newest = queries::last_seal(conn).await?.map_or(0, |seal| seal.seq);
                let rows =
                    queries::unsealed(conn, lookback.map_or(0, |lookback| newest - lookback), BATCH_SIZE).await?;
                let (mut position, mut last) = end_of_chain(conn).await?;
                for row in &rows {
                    last = chain::link(&last, &hash_input(row));
                    position += 1;
                    queries::insert_seal(conn, &Seal { position, seq: row.seq, hash: last.to_vec() }).await?;
                }
                Ok(rows.len())
            })
        })
        .await
}

async fn end_of_chain(conn: &mut Conn) -> Result<(i64, Link), Error> {
    let Some(seal) = queries::last_seal(conn).await? else { return Ok((0, GENESIS)) };
    let hash =
        Link::try_from(seal.hash.as_slice()).map_err(|_| InternalError::new("a seal of the audit is not 32 bytes"))?;
    Ok((seal.position, hash))
}

fn hash_input(event: &AuditEvent) -> Row {
    Row {
        seq: event.seq,
        at: event.at,
        actor: event.actor.clone(),
        via: event.via.clone(),
        action: event.action.clone(),
        entity: event.entity.clone(),
        summary: event.summary.clone(),
        request_id: event.request_id.clone(),
    }
}

/// Result of a verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    /// Every link is valid. The operator can record the last link to detect a later truncation.
    Intact { rows: i64, last: Link },
    /// The link of this row is invalid: it or an earlier row was modified, removed or inserted.
    Broken { seq: i64 },
}

/// Verifies every link, page by page.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(store: &Store) -> Result<Verification, Error> {
    let (mut position, mut last) = (0, GENESIS);
    loop {
        let rows = queries::sealed_after(&mut *store.read().await?, position, BATCH_SIZE).await?;
        if rows.is_empty() {
            return Ok(Verification::Intact { rows: position, last });
        }
        for (event, seal) in rows {
            last = chain::link(&last, &hash_input(&event));
            position += 1;
            if seal.position != position || seal.hash != last {
                return Ok(Verification::Broken { seq: event.seq });
            }
        }
    }
}

//! Chaining what was appended, and checking the chain.

use super::chain::{self, BEGINNING, Link, Row};
use super::model::{AuditEvent, Seal};
use super::queries;
use crate::error::{Error, InternalError};
use crate::locks;
use crate::store::{Conn, Store};

/// How many rows one transaction seals, and how many are read at a time to verify.
const BATCH: i64 = 500;

/// How far before the newest link is looked for rows whose transactions committed late.
const LATE: i64 = 10_000;

/// Seals the rows that wait, one batch; tells how many there were. Instances take turns.
///
/// It looks no further back than some thousand rows, so that its cost does not grow with the audit; a row that came later still
/// is found by [`seal_all`].
///
/// # Errors
/// When the database refuses.
pub async fn seal(store: &Store) -> Result<usize, Error> {
    batch(store, Some(LATE)).await
}

/// Seals every row that waits, however old.
///
/// # Errors
/// When the database refuses.
pub async fn seal_all(store: &Store) -> Result<(), Error> {
    while batch(store, None).await? > 0 {}
    Ok(())
}

async fn batch(store: &Store, late: Option<i64>) -> Result<usize, Error> {
    store
        .write(move |conn| {
            Box::pin(async move {
                locks::rule(conn, "audit chain").await?;
                let newest = queries::last_seal(conn).await?.map_or(0, |seal| seal.seq);
                let rows = queries::unsealed(conn, late.map_or(0, |late| newest - late), BATCH).await?;
                let (mut position, mut last) = end_of_chain(conn).await?;
                for row in &rows {
                    last = chain::link(&last, &hashed(row));
                    position += 1;
                    queries::insert_seal(conn, &Seal { position, seq: row.seq, hash: last.to_vec() }).await?;
                }
                Ok(rows.len())
            })
        })
        .await
}

async fn end_of_chain(conn: &mut Conn) -> Result<(i64, Link), Error> {
    let Some(seal) = queries::last_seal(conn).await? else { return Ok((0, BEGINNING)) };
    let hash =
        Link::try_from(seal.hash.as_slice()).map_err(|_| InternalError::new("a seal of the audit is not 32 bytes"))?;
    Ok((seal.position, hash))
}

fn hashed(event: &AuditEvent) -> Row {
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

/// What checking the chain found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    /// Every link fits; so many rows, and the last link, which an operator may note.
    Whole { rows: i64, last: Link },
    /// The chain does not fit from this row on: it, or one before it, was changed, taken out or put in.
    Broken { seq: i64 },
}

/// Checks every link, page by page.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(store: &Store) -> Result<Verification, Error> {
    let (mut position, mut last) = (0, BEGINNING);
    loop {
        let rows = queries::sealed_after(&mut *store.read().await?, position, BATCH).await?;
        if rows.is_empty() {
            return Ok(Verification::Whole { rows: position, last });
        }
        for (event, seal) in rows {
            last = chain::link(&last, &hashed(&event));
            position += 1;
            if seal.position != position || seal.hash != last {
                return Ok(Verification::Broken { seq: event.seq });
            }
        }
    }
}

//! Importing extensions: one engine for the mutation and for the command.
//!
//! First everything that the rows need is loaded, a few hundred rows at a time; then each row is judged by itself
//! ([`judge`]), and what rows say of each other is resolved ([`links`]); only then is anything written ([`write`]). All of it
//! is one transaction and, of each feed, one revision.

mod ground;
mod judge;
mod links;
mod write;

use crate::actions;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::row::{ExtensionRow, RowFailure, RowFile};
use crate::rules::{ChangeKind, check_phase, find_event};
use ground::ImportContext;
use platform::access::{Caller, Role};
use platform::error::{Error, UserError};
use platform::services::Services;
use platform::transaction::{Mode, Tx, transact};

/// Rows for an event: each creates the extension of its number, or makes it what the row says.
pub struct Import {
    /// The event's slug.
    pub event: String,
    /// What the file holds, with what is wrong with it.
    pub file: RowFile,
    /// Tell what would happen, and change nothing.
    pub dry_run: bool,
    /// All rows or none.
    pub atomic: bool,
    /// Told how far it is.
    pub progress: Arc<Progress>,
}

/// How far an import is, for whoever waits for it.
#[derive(Default, Debug)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Steps that are done, and how many there are as far as is known.
    pub fn steps(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn expect(&self, steps: usize) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// What an import did, or in a dry run would have done.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// What is wrong, by line. An atomic import with any did nothing.
    pub failures: Vec<RowFailure>,
}

/// Imports rows with an operator's rights, by the rules of assigning a number. The command restores what was exported: it
/// also writes what only telephone systems write, and memberships as they were; an operator's new members are asked first.
///
/// # Errors
/// NOT_FOUND and EVENT_CLOSED at `event`. What is wrong with rows is in the outcome.
pub async fn import(services: &Services, caller: &Arc<Caller>, input: Import) -> Result<Imported, Error> {
    let mode = Mode::dry_run(input.dry_run);
    transact(services, caller, actions::IMPORT_EXTENSIONS, mode, move |tx| {
        Box::pin(async move { run(tx, input).await })
    })
    .await
}

async fn run(tx: &mut Tx<'_>, input: Import) -> Result<Imported, Error> {
    tx.actor().demand(Role::Operator)?;
    let Import { event, file: RowFile { rows, mut failures }, atomic, progress, .. } = input;
    let event = find_event(tx, &event).await?;
    ground::lock(tx, &event, &rows).await?;
    let permit = tx.permit().await?;
    let event = events::event_by_id(tx.conn, event.id).await?;
    let event = event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?;
    check_phase(&event, &permit, ChangeKind::Assignment).map_err(|problem| problem.at(["event"]))?;
    progress.expect(2 * rows.len());
    let ground = ImportContext::load(tx, &permit, event, &rows).await?;
    let (planned, failed) = judge::all(tx, &permit, &ground, rows, &progress, &mut failures).await?;
    let planned = links::resolve(tx, &permit, &ground, links::Rows { planned, failed, atomic }, &mut failures).await?;
    failures.sort_by_key(|failure| failure.line);
    if atomic && !failures.is_empty() {
        return Ok(Imported { failures, ..Imported::default() });
    }
    let mut imported = write::all(tx, &permit, &ground, planned, &progress).await?;
    imported.failures = failures;
    Ok(imported)
}

/// Notes what is wrong with a row.
fn fail(failures: &mut Vec<RowFailure>, line: u64, column: &str, problem: UserError) {
    failures.push(RowFailure { line, column: Some(column.to_owned()), kind: problem.kind, message: problem.message });
}

/// The numbers that rows name beside their own.
fn referred(rows: &[(u64, ExtensionRow)]) -> HashSet<&str> {
    let fallbacks = rows.iter().filter_map(|(_, row)| row.fallback_number.as_ref());
    let members = rows.iter().flat_map(|(_, row)| row.members.iter().flatten().map(|member| &member.number));
    fallbacks.chain(members).map(AsRef::as_ref).collect()
}

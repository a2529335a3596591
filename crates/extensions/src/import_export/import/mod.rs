//! Import of extensions, for the mutation and for the command.
//!
//! An import loads the state that the rows refer to in batches ([`context`]), validates each row on its own ([`validate`]),
//! resolves the references between rows ([`resolve`]) and only then writes ([`write`]). It is one transaction, and one
//! revision of each feed.

mod context;
mod resolve;
mod validate;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use platform::access::{Caller, Role};
use platform::error::{Error, UserError};
use platform::services::Services;
use platform::transaction::{Mode, Tx, transact};
use serde::{Deserialize, Serialize};

use self::context::ImportContext;
use self::resolve::ValidatedRows;
use super::row::{ExtensionRow, RowFailure, RowFile};
use crate::actions;
use crate::rules::{ChangeKind, check_phase, find_event};

/// Input of an import. Each row creates the extension of its number, or changes it to the content of the row.
pub struct Import {
    /// The event's slug.
    pub event: String,
    /// The rows and failures of the file.
    pub file: RowFile,
    /// Whether to report the outcome without saving it.
    pub dry_run: bool,
    /// Whether a failure of one row prevents the import of all rows.
    pub atomic: bool,
    /// Progress that the import updates.
    pub progress: Arc<Progress>,
}

/// Progress of an import, for a progress bar.
#[derive(Default, Debug)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Returns the number of completed steps and the total number of steps.
    pub fn steps(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn add_steps(&self, steps: usize) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    fn complete_step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Outcome of an import or a dry run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// Failures by line. An atomic import with a failure changes nothing.
    pub failures: Vec<RowFailure>,
}

/// Imports rows with the rights of an operator. The command restores an export: it also writes the parameters of telephone
/// systems, and memberships with their state. For other callers, a new member of another owner becomes an invitation.
///
/// # Errors
/// FORBIDDEN for a caller without the role of an operator; NOT_FOUND and EVENT_CLOSED at `event`. Failures of rows are part
/// of the outcome.
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
    context::lock(tx, &event, &rows).await?;
    let permit = tx.permit().await?;
    let event = events::event_by_id(tx.conn, event.id).await?;
    let event = event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?;
    check_phase(&event, &permit, ChangeKind::Assignment).map_err(|problem| problem.at(["event"]))?;
    progress.add_steps(2 * rows.len());
    let context = ImportContext::load(tx, &permit, event, &rows).await?;
    let (planned, failed) = validate::validate_all(tx, &permit, &context, rows, &progress, &mut failures).await?;
    let planned =
        resolve::resolve_references(tx, &permit, &context, ValidatedRows { planned, failed, atomic }, &mut failures)
            .await?;
    failures.sort_by_key(|failure| failure.line);
    if atomic && !failures.is_empty() {
        return Ok(Imported { failures, ..Imported::default() });
    }
    let mut imported = write::write_all(tx, &permit, &context, planned, &progress).await?;
    imported.failures = failures;
    Ok(imported)
}

/// Records a failure of a row.
fn fail(failures: &mut Vec<RowFailure>, line: u64, column: &str, problem: UserError) {
    failures.push(RowFailure { line, column: Some(column.to_owned()), kind: problem.kind, message: problem.message });
}

/// Returns the numbers that rows refer to as fallbacks or members.
fn referenced_numbers(rows: &[(u64, ExtensionRow)]) -> HashSet<&str> {
    let fallbacks = rows.iter().filter_map(|(_, row)| row.fallback_number.as_ref());
    let members = rows.iter().flat_map(|(_, row)| row.members.iter().flatten().map(|member| &member.number));
    fallbacks.chain(members).map(AsRef::as_ref).collect()
}

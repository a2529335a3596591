//! `--dry-run`: reports what a snapshot would change and rolls every change back.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::config::{Config, Driver};
use super::database::Database;
use super::drivers;
use super::entry::Batch;
use super::error::{AgentError, RecordErrors};
use super::feed_client::FeedClient;
use super::prune_guard;
use super::replica::{Replica, ReplicaRow};
use super::snapshot::Snapshot;

/// Returns the report: a line for each changed extension, the totals, and the records that would fail.
///
/// # Errors
/// [`AgentError`] when the server or the database cannot be read, or the server does not know the consumer.
pub async fn report(config: Config) -> Result<Report, AgentError> {
    let feed = FeedClient::new(Arc::clone(&config.feed))?;
    let Snapshot::Complete { entries, cursor } = feed.snapshot().await? else {
        let mut report = Report::default();
        report.line("The event is archived: nothing would change.");
        return Ok(report);
    };
    feed.check_consumer().await?;
    let mut database = Database::open(&config.read_only_state_url()).await?;
    // The transaction includes the creation of the agent's tables. It is rolled back at the end.
    database.internal_batch("BEGIN").await?;
    let mut replica = Replica::open(database, &feed.name()).await?;
    let rows = replica.rows().await?;
    let batch = replica.diff(entries, cursor).await?;
    let mut report = Report::default();
    report.add_batch(&rows, &batch);
    if prune_guard::exceeds(config.guard, batch.removals.len(), rows.len()) {
        report.line("The prune guard would stop here; --allow-prune permits it once.");
        report.is_guarded = true;
    }
    let errors = try_apply(&config, &feed, &mut replica, &batch, &mut report).await?;
    report.add_errors(errors);
    replica.rollback().await.ok();
    Ok(report)
}

/// Executes the statements of the `sql` driver within the transaction, or compares the file of the `file` driver.
async fn try_apply(
    config: &Config,
    feed: &FeedClient,
    replica: &mut Replica,
    batch: &Batch,
    report: &mut Report,
) -> Result<RecordErrors, AgentError> {
    match &config.driver {
        Driver::Sql(sql) => drivers::sql::apply(&mut replica.database, sql, batch).await,
        Driver::File(file) => {
            let rendered = drivers::file::render(feed, file, batch).await?;
            let current = tokio::fs::read(&file.path).await.unwrap_or_default();
            let (path, before, after) = (file.path.display(), current.len(), rendered.text.len());
            let outcome = if current == rendered.text { "would stay as it is" } else { "would be rewritten" };
            report.line(format_args!("{path} {outcome} ({before} → {after} bytes)."));
            Ok(rendered.errors)
        }
        Driver::Http(_) | Driver::Script(_) => Ok(RecordErrors::new()),
    }
}

/// What an agent would do.
#[derive(Default)]
pub struct Report {
    pub text: String,
    /// Number of extensions that would fail.
    failures: usize,
    /// The prune guard would stop the agent.
    is_guarded: bool,
}

impl Report {
    /// Returns whether the agent would apply everything.
    ///
    /// # Errors
    /// A sentence for the operator when it would not.
    pub fn outcome(&self) -> Result<(), String> {
        match self.failures {
            0 if self.is_guarded => Err("the prune guard would stop the agent".to_owned()),
            0 => Ok(()),
            1 => Err("1 extension would fail".to_owned()),
            failures => Err(format!("{failures} extensions would fail")),
        }
    }

    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a string is infallible.
        let _ = writeln!(self.text, "{line}");
    }

    fn change(&mut self, sign: char, number: &str, id: &str) {
        self.line(format_args!("{sign} {number:<15} {id}"));
    }

    fn add_batch(&mut self, rows: &HashMap<String, ReplicaRow>, batch: &Batch) {
        let (mut created, mut changed) = (0, 0);
        for entry in &batch.upserts {
            match rows.get(&entry.id) {
                None => {
                    created += 1;
                    self.change('+', &entry.number, &entry.id);
                }
                Some(row) if row.version != entry.version => {
                    changed += 1;
                    self.change('~', &entry.number, &entry.id);
                }
                Some(_) => {}
            }
        }
        for removal in &batch.removals {
            self.change('-', removal.keys.first().map_or("?", |keys| &keys.number), &removal.id);
        }
        let (removed, total) = (batch.removals.len(), batch.upserts.len());
        self.line(format_args!("{created} new, {changed} changed, {removed} gone, {total} in all."));
    }

    fn add_errors(&mut self, errors: RecordErrors) {
        self.failures = errors.len();
        let mut errors: Vec<_> = errors.into_iter().collect();
        errors.sort_by(|left, right| left.0.cmp(&right.0));
        for (id, error) in errors {
            self.line(format_args!("! {id} would fail: {} {}", error.code, error.message));
        }
    }
}

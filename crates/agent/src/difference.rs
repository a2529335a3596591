//! `--dry-run`: what a snapshot of now would change, told and undone.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::config::{Config, Driver};
use super::copy::Copy;
use super::database::Database;
use super::drivers;
use super::entry::Batch;
use super::guard;
use super::source::{Snapshot, Source};
use super::trouble::{Refusal, Trouble};

/// The difference, for a person: a line for each extension, then the sums.
///
/// # Errors
/// [`Trouble`] when the server or the database cannot be read.
pub async fn tell(config: Config) -> Result<String, Trouble> {
    let source = Source::new(Arc::clone(&config.feed))?;
    let Snapshot::Whole { entries, cursor } = source.snapshot().await? else {
        return Ok("The event is archived: nothing would change.\n".to_owned());
    };
    let mut database = Database::open(&config.dry_state_url()).await?;
    // Everything from here on is undone, the agent's own tables too.
    database.own_batch("BEGIN").await?;
    let mut copy = Copy::open(database, &source.name()).await?;
    let known = copy.all().await?;
    let batch = copy.against(entries, cursor).await?;
    let mut out = String::new();
    let (mut new, mut changed) = (0, 0);
    for entry in &batch.upserts {
        let mark = match known.get(&entry.id) {
            None => {
                new += 1;
                '+'
            }
            Some(known) if known.version != entry.version => {
                changed += 1;
                '~'
            }
            Some(_) => continue,
        };
        line(&mut out, mark, &entry.number, &entry.id);
    }
    for removal in &batch.removals {
        line(&mut out, '-', removal.keys.first().map_or("?", |keys| &keys.number), &removal.id);
    }
    let removed = batch.removals.len();
    push(&mut out, format!("{new} new, {changed} changed, {removed} gone, {} in all.", batch.upserts.len()));
    if guard::asks(config.guard, removed, known.len()) {
        push(&mut out, "The prune guard would stop here; --allow-prune lets it pass once.".to_owned());
    }
    let failed = tried(&config, &source, &mut copy, &batch, &mut out).await?;
    let mut failed: Vec<_> = failed.into_iter().collect();
    failed.sort_by(|one, other| one.0.cmp(&other.0));
    for (id, refusal) in failed {
        push(&mut out, format!("! {id} would fail: {} {}", refusal.code, refusal.message));
    }
    copy.undo().await.ok();
    Ok(out)
}

/// Runs the statements that will be undone, or compares the file.
async fn tried(
    config: &Config,
    source: &Source,
    copy: &mut Copy,
    batch: &Batch,
    out: &mut String,
) -> Result<HashMap<String, Refusal>, Trouble> {
    match &config.driver {
        Driver::Sql(sql) => drivers::sql::apply(&mut copy.database, sql, batch).await,
        Driver::File(file) => {
            let rendered = drivers::file::render(source, file, batch).await?;
            let before = tokio::fs::read(&file.path).await.unwrap_or_default();
            let said = if before == rendered.text { "would stay as it is" } else { "would be written anew" };
            push(out, format!("{} {said} ({} → {} bytes).", file.path.display(), before.len(), rendered.text.len()));
            Ok(rendered.failed)
        }
        Driver::Http(_) | Driver::Script(_) => Ok(HashMap::new()),
    }
}

fn line(out: &mut String, mark: char, number: &str, id: &str) {
    push(out, format!("{mark} {number:<15} {id}"));
}

fn push(out: &mut String, line: String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

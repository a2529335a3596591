//! `switchboard agent`: the reference feed consumer.
//!
//! Follows one feed and applies it to one telephone system with one of four drivers. A page is applied in two phases,
//! all deletions before all upserts. An error of one extension's record is reported and does not stop the others. The
//! cursor is stored together with the applied records (`replica.rs`), so an agent that is killed resumes where it
//! stopped.

mod config;
mod database;
mod diff;
mod drivers;
mod dry_run;
mod entry;
mod error;
mod feed_client;
mod hooks;
mod prune_guard;
mod replica;
mod snapshot;
mod sync_loop;
mod template;

use std::io::Write as _;
use std::path::Path;

use platform::secrets::Secret;

/// Command-line options of the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Prints the pending changes and applies none.
    pub dry_run: bool,
    /// Permits one deletion that exceeds the prune guard's limit.
    pub allow_prune: bool,
    /// Exits at the feed's head instead of waiting for more changes. Fails if an extension could not be applied.
    pub once: bool,
    /// Starts with a snapshot, for a telephone system that was restored from a backup.
    pub resync: bool,
}

/// Runs the agent with the settings in `file`. `key` overrides the API key file that the settings name.
///
/// # Errors
/// A sentence for the operator: an invalid setting with its line, or a permanent error; with `once` and `dry_run` also
/// when something could not or would not be applied.
pub async fn run(file: &Path, key: Option<Secret>, options: Options) -> Result<(), String> {
    let config = config::Config::read(file, key)?;
    if options.dry_run {
        let report = dry_run::report(config).await.map_err(|error| error.to_string())?;
        let mut output = std::io::stdout().lock();
        let written = output.write_all(report.text.as_bytes()).and_then(|()| output.flush());
        written.map_err(|error| format!("standard output: {error}"))?;
        return report.outcome();
    }
    sync_loop::Agent::open(config, options).await?.run().await
}

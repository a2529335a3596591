//! `switchboard agent`: the consumer that nobody should have to write.
//!
//! It follows one feed and applies it to one telephone system with one of four drivers. A page is applied in two phases, all
//! deletions before all upserts; what one extension's record is refused for is reported and does not stop the others. The
//! cursor is stored with what was applied (`copy.rs`), so that an agent that is killed anywhere goes on where it was.

mod calls;
mod config;
mod copy;
mod database;
mod difference;
mod drivers;
mod entry;
mod follow;
mod guard;
mod source;
mod template;
mod trouble;

use std::path::Path;

use platform::secrets::Secret;

/// How the agent is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Tells what would change, and changes nothing.
    pub dry_run: bool,
    /// Lets one deletion pass that the prune guard would ask about.
    pub allow_prune: bool,
    /// Ends at the feed's head instead of waiting for more.
    pub once: bool,
    /// Begins with a snapshot, as after the telephone system itself was restored.
    pub resync: bool,
}

/// Runs the agent with the settings in `file`. `key` stands in for the file of the key.
///
/// # Errors
/// A sentence for whoever started it: wrong settings with their line, or why a person has to look.
pub async fn run(file: &Path, key: Option<Secret>, options: Options) -> Result<(), String> {
    let config = config::Config::read(file, key)?;
    if options.dry_run {
        print!("{}", difference::tell(config).await.map_err(|trouble| trouble.to_string())?);
        return Ok(());
    }
    follow::Agent::open(config, options).await?.run().await
}

//! The agent's days: read, apply, acknowledge, wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::calls;
use super::config::{Config, Content, Driver};
use super::copy::Copy;
use super::database::Database;
use super::drivers;
use super::entry::{Answer, Batch};
use super::source::{Acknowledged, Snapshot, Source};
use super::trouble::{Refusal, Trouble};
use super::{Options, guard};
use platform::outgoing;

/// How long one reading waits for something to tell.
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long it waits while a call is owed.
const SHORT_POLL: Duration = Duration::from_secs(2);
/// The first pause after trouble; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One telephone system and its feed.
pub struct Agent {
    config: Config,
    source: Source,
    copy: Copy,
    client: reqwest::Client,
    options: Options,
    /// The cursor that was acknowledged last by this process.
    acknowledged: Option<String>,
    /// The server has said that the copy differs, and a snapshot was taken for it.
    has_differed: bool,
    /// The copy has to be opened anew.
    is_broken: bool,
    retry_at: Instant,
}

/// How far one step has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// There is more to read at once.
    Behind,
    /// Everything is applied and acknowledged.
    AtHead,
    /// The event is archived.
    Closed,
}

impl Agent {
    /// Opens the copy and makes the clients.
    ///
    /// # Errors
    /// A sentence when a person has to look. A system that is still starting when the agent does is waited for.
    pub async fn open(config: Config, options: Options) -> Result<Self, String> {
        let source = Source::new(Arc::clone(&config.feed)).map_err(|trouble| trouble.to_string())?;
        let copy = waited(&config, &source).await?;
        let builder = outgoing::client(None)?;
        let client = builder.build().map_err(|error| outgoing::words(&error))?;
        let retry_at = Instant::now() + config.retry;
        Ok(Self {
            config,
            source,
            copy,
            client,
            options,
            acknowledged: None,
            has_differed: false,
            is_broken: false,
            retry_at,
        })
    }

    /// Follows the feed until it is closed, or, with `once`, until its head is reached.
    ///
    /// # Errors
    /// A sentence when a person has to look: the key is not good, the prune guard asks, a statement is wrong.
    pub async fn run(mut self) -> Result<(), String> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.step().await {
                Ok(Step::Closed) => {
                    tracing::info!(feed = self.source.name(), "the event is archived: the copy stays as it is");
                    return Ok(());
                }
                Ok(Step::AtHead) if self.options.once => return Ok(()),
                Ok(_) => pause = FIRST_PAUSE,
                Err(Trouble::Lasting(what)) => return Err(what),
                Err(Trouble::Passing(what)) => {
                    tracing::warn!(
                        error = what,
                        pause_ms = pause.as_millis(),
                        "the agent cannot go on and tries again"
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    self.is_broken = true;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Step, Trouble> {
        if self.is_broken {
            // A connection may be gone, a transaction half done: what was not committed is undone with the connection.
            self.copy = copy(&self.config, &self.source).await?;
            self.is_broken = false;
        }
        let is_silent = self.make_calls().await;
        let Some(cursor) = self.copy.cursor.clone().filter(|_| !self.options.resync) else {
            return self.take_snapshot().await;
        };
        if self.retry_at <= Instant::now() {
            self.retry_at = Instant::now() + self.config.retry;
            self.retry().await?;
        }
        let wait = match (self.options.once, is_silent) {
            (true, _) => Duration::ZERO,
            (false, true) if self.acknowledged.as_ref() == Some(&cursor) => LONG_POLL.min(self.config.retry),
            _ => SHORT_POLL.min(self.config.retry),
        };
        match self.source.changes(&cursor, wait).await? {
            Answer::Closed => Ok(Step::Closed),
            Answer::Reset(reason) => {
                tracing::info!(feed = self.source.name(), reason, "the changes cannot be told: a snapshot is taken");
                self.take_snapshot().await
            }
            Answer::Page { batch, .. } if !batch.is_empty() && self.needs_all() => self.take_snapshot().await,
            Answer::Page { batch, has_more } => {
                if !batch.is_empty() || batch.cursor != cursor {
                    self.apply(&batch).await?;
                }
                self.acknowledge(!has_more).await?;
                Ok(if has_more { Step::Behind } else { Step::AtHead })
            }
        }
    }

    /// Whether the driver writes everything each time.
    const fn needs_all(&self) -> bool {
        matches!(&self.config.driver, Driver::File(file) if matches!(file.content, Content::Local(_)))
    }

    async fn take_snapshot(&mut self) -> Result<Step, Trouble> {
        let Snapshot::Whole { entries, cursor } = self.source.snapshot().await? else { return Ok(Step::Closed) };
        let batch = self.copy.against(entries, cursor).await?;
        self.apply(&batch).await?;
        self.options.resync = false;
        self.acknowledge(true).await?;
        // What was committed during the snapshot is read before anything is called done.
        Ok(Step::Behind)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let count = self.copy.count().await?;
        guard::check(self.config.guard, batch.removals.len(), count, &mut self.options.allow_prune)?;
        let failed = match &self.config.driver {
            Driver::Sql(sql) => {
                self.copy.begin().await?;
                drivers::sql::apply(&mut self.copy.database, sql, batch).await?
            }
            driver => {
                if matches!(driver, Driver::Http(_) | Driver::Script(_)) && !batch.is_empty() {
                    self.copy.intend(batch).await?;
                }
                let failed = self.drive(batch).await?;
                self.copy.begin().await?;
                failed
            }
        };
        if self.config.gone.is_some() {
            calls::owe(&mut self.copy, batch).await?;
        }
        self.copy.settle(batch, &failed).await?;
        self.copy.commit().await?;
        for (id, refusal) in &failed {
            tracing::warn!(
                extension.id = id,
                code = refusal.code,
                error = refusal.message,
                "an extension could not be applied"
            );
        }
        tracing::info!(
            feed = self.source.name(),
            upserts = batch.upserts.len(),
            removals = batch.removals.len(),
            failed = failed.len(),
            "applied"
        );
        self.make_calls().await;
        Ok(())
    }

    async fn drive(&self, batch: &Batch) -> Result<HashMap<String, Refusal>, Trouble> {
        match &self.config.driver {
            Driver::Sql(_) => Ok(HashMap::new()),
            _ if batch.is_empty() && !batch.is_whole => Ok(HashMap::new()),
            Driver::File(file) => drivers::file::apply(&self.source, file, batch).await,
            Driver::Http(http) => drivers::http::apply(&self.client, http, batch).await,
            Driver::Script(script) => drivers::script::apply(script, batch).await,
        }
    }

    /// Makes the calls that are owed; whether none is left.
    async fn make_calls(&mut self) -> bool {
        let Some(gone) = &self.config.gone else { return true };
        match calls::make(&mut self.copy, &self.client, gone).await {
            Ok(()) => true,
            Err(trouble) => {
                tracing::warn!(error = %trouble, "numbers that are gone could not be called off yet");
                false
            }
        }
    }

    /// Tries again what failed, with its state of now.
    async fn retry(&mut self) -> Result<(), Trouble> {
        let standing = self.copy.standing().await?;
        if standing.failing.is_empty() {
            return Ok(());
        }
        if self.needs_all() {
            return self.take_snapshot().await.map(drop);
        }
        let Snapshot::Whole { entries, cursor } = self.source.snapshot().await? else { return Ok(()) };
        let mut batch = self.copy.against(entries, cursor).await?;
        let is_failing = |id: &str| standing.failing.iter().any(|(failing, _)| failing == id);
        batch.upserts.retain(|entry| is_failing(&entry.id));
        batch.previous.retain(|deletion| is_failing(&deletion.id));
        batch.removals.retain(|deletion| is_failing(&deletion.id));
        batch.is_whole = false;
        // The rest of the feed stays where it was: its changes are still to be told.
        batch.cursor = self.copy.cursor.clone().unwrap_or_default();
        self.acknowledged = None;
        self.apply(&batch).await
    }

    /// Says how far the copy has come, unless that was said already, or a number is still to be called off.
    async fn acknowledge(&mut self, is_at_head: bool) -> Result<(), Trouble> {
        let Some(cursor) = self.copy.cursor.clone() else { return Ok(()) };
        if self.acknowledged.as_ref() == Some(&cursor) || !self.copy.owed_calls().await?.is_empty() {
            return Ok(());
        }
        loop {
            let standing = self.copy.standing().await?;
            let digest = (is_at_head && standing.failing.is_empty()).then(|| self.copy.digest());
            match self.source.acknowledge(&cursor, digest.as_deref(), &standing).await? {
                Acknowledged::Done { differs } => {
                    self.copy.told(&standing.resolved).await?;
                    self.acknowledged = Some(cursor);
                    self.compared(differs, digest.is_some());
                    return Ok(());
                }
                Acknowledged::ForeignCursor => return Ok(()),
                Acknowledged::UnknownExtension(place) => match standing.failing.get(place) {
                    Some((id, _)) => self.copy.drop_error(id).await?,
                    None => return Err(Trouble::lasting("the server refuses an error that it was not told")),
                },
            }
        }
    }

    /// A copy that differs although everything was read is taken anew, once.
    fn compared(&mut self, differs: bool, was_compared: bool) {
        match (differs, self.has_differed) {
            (true, false) => {
                tracing::warn!(feed = self.source.name(), "the copy differs from the feed: a snapshot is taken");
                self.has_differed = true;
                self.options.resync = true;
            }
            (true, true) => {
                tracing::error!(feed = self.source.name(), "the copy differs from the feed, after a snapshot too")
            }
            (false, _) => self.has_differed = self.has_differed && !was_compared,
        }
    }
}

async fn copy(config: &Config, source: &Source) -> Result<Copy, Trouble> {
    Copy::open(Database::open(&config.state_url()).await?, &source.name()).await
}

/// Opens the copy as soon as its database is there.
async fn waited(config: &Config, source: &Source) -> Result<Copy, String> {
    let mut pause = FIRST_PAUSE;
    loop {
        match copy(config, source).await {
            Ok(copy) => return Ok(copy),
            Err(Trouble::Lasting(what)) => return Err(what),
            Err(Trouble::Passing(what)) => {
                tracing::warn!(error = what, pause_ms = pause.as_millis(), "the agent cannot begin and tries again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

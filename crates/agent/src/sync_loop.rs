//! The agent's main loop: read changes, apply them, acknowledge them, wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::config::{Config, Content, Driver};
use super::database::Database;
use super::drivers;
use super::entry::{Batch, Changes};
use super::error::{AgentError, RecordErrors};
use super::feed_client::{Acknowledgement, FeedClient};
use super::hooks;
use super::replica::Replica;
use super::snapshot::Snapshot;
use super::{Options, prune_guard};
use platform::outgoing;

/// Maximum time that one request for changes waits at the server.
const LONG_POLL: Duration = Duration::from_secs(25);
/// The same while a hook or an acknowledgement is pending.
const SHORT_POLL: Duration = Duration::from_secs(2);
/// Delay before the first retry after a transient error; each further retry doubles it.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Time without success after which a single run ends with an error.
const ONCE_PATIENCE: Duration = Duration::from_secs(15);

/// Applies one feed to one telephone system.
pub struct Agent {
    config: Config,
    feed: FeedClient,
    replica: Replica,
    client: reqwest::Client,
    options: Options,
    /// Cursor of this process's last acknowledgement.
    acknowledged: Option<String>,
    /// The server reported a digest mismatch, and a snapshot was requested because of it.
    has_digest_mismatch: bool,
    /// The connection to the replica's database may be broken.
    needs_reopen: bool,
    next_retry: Instant,
}

/// Result of one step of the loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    /// More changes can be read at once.
    Behind,
    /// Everything is applied and acknowledged.
    AtHead,
    /// The event is archived.
    Closed,
}

impl Agent {
    /// Opens the replica and creates the HTTP clients. Retries while the replica's database is not available yet.
    ///
    /// # Errors
    /// A sentence for the operator when the error is permanent.
    pub async fn open(config: Config, options: Options) -> Result<Self, String> {
        let feed = FeedClient::new(Arc::clone(&config.feed)).map_err(|error| error.to_string())?;
        if config.requests().iter().any(|request| request.sends_clear_credentials) {
            tracing::warn!("the credentials of `authorization_file` go to another machine over http://, in clear text");
        }
        let replica = open_with_retries(&config, &feed, options.once).await?;
        let builder = outgoing::client_builder(None)?;
        let client = builder.build().map_err(|error| outgoing::describe(&error))?;
        // A single run applies failed records again, as there is no later time.
        let next_retry = if options.once { Instant::now() } else { Instant::now() + config.retry };
        Ok(Self {
            config,
            feed,
            replica,
            client,
            options,
            acknowledged: None,
            has_digest_mismatch: false,
            needs_reopen: false,
            next_retry,
        })
    }

    /// Follows the feed until the event is archived or, with `once`, until the feed's head is reached.
    ///
    /// # Errors
    /// A sentence for the operator when the error is permanent: an invalid key, the prune guard, an invalid statement.
    /// With `once` also when something is not applied at the feed's head, or the server stays unreachable.
    pub async fn run(mut self) -> Result<(), String> {
        let mut backoff = Backoff::new(self.options.once);
        loop {
            match self.step().await {
                Ok(Progress::Closed) => {
                    tracing::info!(feed = self.feed.name(), "the event is archived: the replica stays as it is");
                    return Ok(());
                }
                Ok(Progress::AtHead) if self.options.once && !self.options.resync => return self.check_applied().await,
                Ok(_) => backoff = Backoff::new(self.options.once),
                Err(AgentError::Permanent(message)) => return Err(message),
                Err(AgentError::Transient(message)) => {
                    backoff.wait(&message).await?;
                    self.needs_reopen = true;
                }
            }
        }
    }

    /// Checks at the end of a single run that everything is applied.
    async fn check_applied(mut self) -> Result<(), String> {
        let failing = self.replica.status().await.map_err(|error| error.to_string())?.failing;
        for failed in &failing {
            let (code, message) = (&failed.error.code, &failed.error.message);
            tracing::warn!(extension.id = failed.id, code, error = message, "an extension is not applied");
        }
        let hooks = self.replica.pending_hooks().await.map_err(|error| error.to_string())?.len();
        match (failing.len(), hooks) {
            (0, 0) if self.has_digest_mismatch => Err("the replica differs from the feed even after a snapshot".into()),
            (0, 0) => Ok(()),
            (0, hooks) => Err(format!("{hooks} release hooks could not be sent; the next run sends them")),
            (1, _) => Err("1 extension could not be applied; the next run applies it again".into()),
            (count, _) => Err(format!("{count} extensions could not be applied; the next run applies them again")),
        }
    }

    async fn step(&mut self) -> Result<Progress, AgentError> {
        if self.needs_reopen {
            // Closing the previous connection rolls an open transaction back.
            self.replica = open_replica(&self.config, &self.feed).await?;
            self.needs_reopen = false;
        }
        let hooks_done = self.run_hooks().await;
        let Some(cursor) = self.replica.cursor.clone().filter(|_| !self.options.resync) else {
            return self.apply_snapshot().await;
        };
        if self.next_retry <= Instant::now() {
            self.next_retry = Instant::now() + self.config.retry;
            self.retry_failed().await?;
        }
        let wait = if self.options.once {
            Duration::ZERO
        } else if hooks_done && self.acknowledged.as_ref() == Some(&cursor) {
            LONG_POLL.min(self.config.retry)
        } else {
            SHORT_POLL.min(self.config.retry)
        };
        match self.feed.changes(&cursor, wait).await? {
            Changes::Closed => Ok(Progress::Closed),
            Changes::Reset(reason) => {
                tracing::info!(feed = self.feed.name(), reason, "the feed was reset: reading a snapshot");
                self.apply_snapshot().await
            }
            Changes::Page { batch, .. } if !batch.is_empty() && self.needs_complete_feed() => {
                self.apply_snapshot().await
            }
            Changes::Page { batch, has_more } => {
                if !batch.is_empty() || batch.cursor != cursor {
                    self.apply(&batch).await?;
                }
                let progress = if has_more { Progress::Behind } else { Progress::AtHead };
                self.acknowledge(progress).await?;
                Ok(progress)
            }
        }
    }

    /// Returns whether the driver renders every extension each time.
    const fn needs_complete_feed(&self) -> bool {
        matches!(&self.config.driver, Driver::File(file) if matches!(file.content, Content::Local(_)))
    }

    async fn apply_snapshot(&mut self) -> Result<Progress, AgentError> {
        let Snapshot::Complete { entries, cursor } = self.feed.snapshot().await? else {
            return Ok(Progress::Closed);
        };
        let batch = self.replica.diff(entries, cursor).await?;
        self.apply(&batch).await?;
        self.options.resync = false;
        self.acknowledge(Progress::AtHead).await?;
        // Changes committed while the snapshot was read follow before the head is reached.
        Ok(Progress::Behind)
    }

    async fn apply(&mut self, batch: &Batch) -> Result<(), AgentError> {
        let count = self.replica.count().await?;
        prune_guard::check(self.config.guard, batch.removals.len(), count, &mut self.options.allow_prune)?;
        let errors = match &self.config.driver {
            Driver::Sql(sql) => {
                self.replica.begin().await?;
                drivers::sql::apply(&mut self.replica.database, sql, batch).await?
            }
            driver => {
                if matches!(driver, Driver::Http(_) | Driver::Script(_)) && !batch.is_empty() {
                    self.replica.write_intent(batch).await?;
                }
                let errors = self.apply_external(batch).await?;
                self.replica.begin().await?;
                errors
            }
        };
        if self.config.release_hook.is_some() {
            hooks::enqueue_for_batch(&mut self.replica, batch).await?;
        }
        self.replica.record_batch(batch, &errors).await?;
        self.replica.commit().await?;
        self.log_applied(batch, &errors);
        self.run_hooks().await;
        Ok(())
    }

    fn log_applied(&self, batch: &Batch, errors: &RecordErrors) {
        for (id, error) in errors {
            tracing::warn!(
                extension.id = id,
                code = error.code,
                error = error.message,
                "an extension could not be applied"
            );
        }
        tracing::info!(
            feed = self.feed.name(),
            upserts = batch.upserts.len(),
            removals = batch.removals.len(),
            failed = errors.len(),
            "applied"
        );
    }

    /// Applies a batch with a driver that does not write to the replica's database.
    async fn apply_external(&self, batch: &Batch) -> Result<RecordErrors, AgentError> {
        match &self.config.driver {
            Driver::Sql(_) => Ok(RecordErrors::new()),
            _ if batch.is_empty() && !batch.is_snapshot => Ok(RecordErrors::new()),
            Driver::File(file) => drivers::file::apply(&self.feed, file, batch).await,
            Driver::Http(http) => drivers::http::apply(&self.client, http, batch).await,
            Driver::Script(script) => drivers::script::apply(script, batch).await,
        }
    }

    /// Sends the pending release hooks; returns whether none is left.
    async fn run_hooks(&mut self) -> bool {
        let Some(request) = &self.config.release_hook else { return true };
        match hooks::run_pending(&mut self.replica, &self.client, request).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = %error, "release hooks could not be sent and stay pending");
                false
            }
        }
    }

    /// Applies the current state of every failed extension again.
    async fn retry_failed(&mut self) -> Result<(), AgentError> {
        let status = self.replica.status().await?;
        if status.failing.is_empty() {
            return Ok(());
        }
        if self.needs_complete_feed() {
            return self.apply_snapshot().await.map(drop);
        }
        let Snapshot::Complete { entries, cursor } = self.feed.snapshot().await? else { return Ok(()) };
        let mut batch = self.replica.diff(entries, cursor).await?;
        let is_failing = |id: &str| status.failing.iter().any(|failed| failed.id == id);
        batch.upserts.retain(|entry| is_failing(&entry.id));
        batch.previous.retain(|deletion| is_failing(&deletion.id));
        batch.removals.retain(|deletion| is_failing(&deletion.id));
        batch.is_snapshot = false;
        // The cursor stays: the changes of all other extensions are still to be read.
        batch.cursor = self.replica.cursor.clone().unwrap_or_default();
        self.acknowledged = None;
        self.apply(&batch).await
    }

    /// Acknowledges the replica's cursor, unless it is acknowledged already or a release hook is pending. The digest is
    /// sent at the feed's head only, where it is comparable.
    async fn acknowledge(&mut self, progress: Progress) -> Result<(), AgentError> {
        let Some(cursor) = self.replica.cursor.clone() else { return Ok(()) };
        if self.acknowledged.as_ref() == Some(&cursor) || !self.replica.pending_hooks().await?.is_empty() {
            return Ok(());
        }
        loop {
            let status = self.replica.status().await?;
            let is_comparable = progress == Progress::AtHead && status.failing.is_empty();
            let digest = is_comparable.then(|| self.replica.digest());
            match self.feed.acknowledge(&cursor, digest.as_deref(), &status).await? {
                Acknowledgement::Accepted { digest_differs } => {
                    self.replica.clear_resolved(&status.resolved).await?;
                    self.acknowledged = Some(cursor);
                    if digest_differs {
                        self.handle_digest_mismatch();
                    } else if is_comparable {
                        self.has_digest_mismatch = false;
                    }
                    return Ok(());
                }
                Acknowledgement::ForeignCursor => return Ok(()),
                Acknowledgement::UnknownExtension(index) => match status.failing.get(index) {
                    Some(failed) => self.replica.clear_error(&failed.id).await?,
                    None => return Err(AgentError::permanent("the server refused an error that was not reported")),
                },
            }
        }
    }

    /// Requests a snapshot after the first mismatch; logs an error if the mismatch remains after the snapshot.
    fn handle_digest_mismatch(&mut self) {
        if self.has_digest_mismatch {
            tracing::error!(feed = self.feed.name(), "the replica differs from the feed even after a snapshot");
        } else {
            tracing::warn!(feed = self.feed.name(), "the replica differs from the feed: reading a snapshot");
            self.has_digest_mismatch = true;
            self.options.resync = true;
        }
    }
}

/// Exponential backoff between retries, which a single run gives up after a time without success.
struct Backoff {
    delay: Duration,
    give_up_at: Option<Instant>,
}

impl Backoff {
    fn new(once: bool) -> Self {
        Self { delay: MIN_BACKOFF, give_up_at: once.then(|| Instant::now() + ONCE_PATIENCE) }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The error of the last attempt, when there is no further one.
    async fn wait(&mut self, error: &str) -> Result<(), String> {
        if self.give_up_at.is_some_and(|time| time < Instant::now() + self.delay) {
            return Err(error.to_owned());
        }
        tracing::warn!(error, backoff_ms = self.delay.as_millis(), "transient error, retrying");
        tokio::time::sleep(self.delay).await;
        self.delay = (self.delay * 2).min(MAX_BACKOFF);
        Ok(())
    }
}

async fn open_replica(config: &Config, feed: &FeedClient) -> Result<Replica, AgentError> {
    Replica::open(Database::open(&config.state_url()).await?, &feed.name()).await
}

async fn open_with_retries(config: &Config, feed: &FeedClient, once: bool) -> Result<Replica, String> {
    let mut backoff = Backoff::new(once);
    loop {
        match open_replica(config, feed).await {
            Ok(replica) => return Ok(replica),
            Err(AgentError::Permanent(message)) => return Err(message),
            Err(AgentError::Transient(message)) => backoff.wait(&message).await?,
        }
    }
}

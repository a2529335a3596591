//! Transactions of operations: rows, audit events, feed changes, jobs and the idempotency record are committed
//! together.
//!
//! An operation runs in [`transact`] and collects feed changes, audit rows, jobs and notifications in its [`Tx`]. They
//! are written before the commit. Waiting readers of this process are notified after it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::{self, Action, Actor, Caller, Permit};
use crate::audit::{self, NewAuditEvent};
use crate::clock::{Rng, Timestamp};
use crate::error::{Error, InternalError};
use crate::feed_log::{self, AppendedRevision, ChangeSet};
use crate::idempotency;
use crate::jobs::{self, NewJob};
use crate::notifications::{CHANNEL, Notification};
use crate::secrets::Sealer;
use crate::services::Services;
use crate::store::{self, Conn};

/// The open transaction of an operation.
pub struct Tx<'c> {
    /// The connection, inside the transaction.
    pub conn: &'c mut Conn,
    /// The time of the transaction: one value for all its rows.
    pub now: Timestamp,
    /// The entries of feeds that the transaction changes.
    pub changes: ChangeSet,
    action: Action,
    services: &'c Services,
    caller: &'c Arc<Caller>,
    notifications: Vec<Notification>,
}

/// The result of an operation, stored in the idempotency record: ids and timestamps, from which a repeated request is
/// answered. Secrets that are shown once are excluded with `#[serde(skip)]`.
pub trait Outcome: Serialize + DeserializeOwned + Send + 'static {}
impl<T: Serialize + DeserializeOwned + Send + 'static> Outcome for T {}

/// Whether a transaction is committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The transaction is committed.
    Commit,
    /// The transaction is rolled back after its result is known (`dryRun`).
    DryRun,
}

impl Mode {
    /// Returns the mode for an input's `dryRun`.
    pub const fn dry_run(dry: bool) -> Self {
        if dry { Self::DryRun } else { Self::Commit }
    }
}

impl Tx<'_> {
    /// Returns the random number generator.
    pub fn rng(&self) -> &dyn Rng {
        &*self.services.rng
    }

    /// Returns the random number generator, for use while the connection is borrowed.
    pub fn rng_handle(&self) -> Arc<dyn Rng> {
        Arc::clone(&self.services.rng)
    }

    /// Returns the sealer of stored secrets.
    pub fn sealer(&self) -> &Sealer {
        &self.services.sealer
    }

    /// Returns the sealer, for use while the connection is borrowed.
    pub fn sealer_handle(&self) -> Arc<Sealer> {
        Arc::clone(&self.services.sealer)
    }

    /// Returns the actor of the request.
    pub fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// Returns the request.
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// Creates the permit for the transaction's action, from the current role and restrictions of the caller. Locks
    /// that the operation needs are taken before.
    ///
    /// # Errors
    /// As [`access::permit`].
    pub async fn permit(&mut self) -> Result<Permit, Error> {
        access::permit(&self.services.hooks, self.conn, &self.caller.actor, self.action).await
    }

    /// Returns the action of the transaction.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Returns the services, for use while the connection is borrowed.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// Appends a row to the audit. `entity` is the global id of the object; `summary` contains no secrets.
    ///
    /// # Errors
    /// [`Error::Internal`] when the statement fails.
    pub async fn audit(
        &mut self,
        permit: &Permit,
        entity: Option<String>,
        summary: impl Into<String>,
    ) -> Result<(), Error> {
        let event = self.audit_event(permit, entity, summary.into())?;
        Ok(audit::append(self.conn, &event).await?)
    }

    /// Appends several rows to the audit: pairs of entity and summary, as for [`Self::audit`].
    ///
    /// # Errors
    /// [`Error::Internal`] when a statement fails.
    pub async fn audit_all(&mut self, permit: &Permit, rows: Vec<(Option<String>, String)>) -> Result<(), Error> {
        let row = |(entity, summary)| self.audit_event(permit, entity, summary);
        let events = rows.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(audit::append_all(self.conn, &events).await?)
    }

    fn audit_event(
        &self,
        permit: &Permit,
        entity: Option<String>,
        summary: String,
    ) -> Result<NewAuditEvent, InternalError> {
        let via = match permit.actor() {
            Actor::System(_) => "command",
            _ => "graphql",
        };
        let mut event = NewAuditEvent {
            at: self.now,
            actor: permit.actor().label(),
            via,
            action: permit.action().name(),
            entity,
            summary,
            request_id: self.caller.request_id.clone(),
            mac: None,
        };
        self.services.audit.sign(&mut event)?;
        Ok(event)
    }

    /// Enqueues a job in the transaction. It runs after the commit.
    ///
    /// # Errors
    /// [`Error::Internal`] when the statement fails.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<(), Error> {
        jobs::enqueue(self.conn, &job, self.new_job_id(), self.now).await?;
        self.notify(Notification::Jobs);
        Ok(())
    }

    /// Sends a notification after the commit. Equal notifications are sent once.
    pub fn notify(&mut self, notification: Notification) {
        if !self.notifications.contains(&notification) {
            self.notifications.push(notification);
        }
    }

    fn new_job_id(&self) -> crate::ids::JobId {
        crate::ids::JobId::new(&*self.services.rng, self.now)
    }

    /// Writes the feed changes and, on PostgreSQL, the notifications for other instances, which PostgreSQL sends at the
    /// commit.
    async fn finish(mut self) -> Result<(Vec<Notification>, Vec<AppendedRevision>), Error> {
        let changes = std::mem::take(&mut self.changes);
        let recorded = feed_log::append(self.conn, changes, &*self.services.rng, self.now).await?;
        let mut notifications = self.notifications;
        notifications.extend(recorded.iter().map(|recorded| Notification::Feed(recorded.id)));
        if let Conn::Postgres(conn) = self.conn {
            use diesel_async::RunQueryDsl as _;
            for notification in &notifications {
                let payload = serde_json::to_string(notification).map_err(InternalError::new)?;
                diesel::sql_query("SELECT pg_notify($1, $2)")
                    .bind::<diesel::sql_types::Text, _>(CHANNEL)
                    .bind::<diesel::sql_types::Text, _>(payload)
                    .execute(conn)
                    .await?;
            }
        }
        Ok((notifications, recorded))
    }
}

/// Runs `work` as one transaction of `action`. A request with a known idempotency key is answered from its record, if
/// the caller may still perform the action.
///
/// # Errors
/// The error of `work`, [`Error::IdempotencyMismatch`], or [`Error::Internal`] when a statement or the commit fails.
/// The transaction is then rolled back.
pub async fn transact<T, F>(
    services: &Services,
    caller: &Arc<Caller>,
    action: Action,
    mode: Mode,
    work: F,
) -> Result<T, Error>
where
    T: Outcome,
    F: for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
{
    let (inner, request) = (services.clone(), Arc::clone(caller));
    let (value, notifications) = services
        .store
        .write(move |conn| {
            Box::pin(async move {
                let now = inner.clock.now();
                if mode == Mode::Commit
                    && let Some(recorded) = idempotency::find_outcome(conn, &request, action).await?
                {
                    // The caller may have lost the privilege since the first request.
                    access::permit(&inner.hooks, conn, &request.actor, action).await?;
                    return Ok((recorded, Vec::new()));
                }
                if mode == Mode::DryRun {
                    store::begin_nested(conn).await?;
                }
                let mut tx = Tx {
                    conn,
                    now,
                    changes: ChangeSet::default(),
                    action,
                    services: &inner,
                    caller: &request,
                    notifications: Vec::new(),
                };
                let result = work(&mut tx).await;
                if mode == Mode::DryRun {
                    // Also after an error: an open savepoint would prevent the commit of the writer's other
                    // transactions.
                    store::end_nested(tx.conn, false).await?;
                    return result.map(|value| (value, Vec::new()));
                }
                let value = result?;
                let record = serde_json::to_value(&value).map_err(InternalError::new)?;
                idempotency::record_outcome(tx.conn, &request, action, record, now).await?;
                let (notifications, _) = tx.finish().await?;
                Ok((value, notifications))
            })
        })
        .await?;
    for notification in notifications {
        services.notifier.notify(notification);
    }
    Ok(value)
}

/// Runs a block as one transaction of an action: `transact!(services, caller, action, mode, |tx| { … })`. It expands to
/// [`transaction::transact`](crate::transaction::transact) with the block as a boxed future. The block may use `?` on
/// everything that converts into an [`Error`], and captures by move.
#[macro_export]
macro_rules! transact {
    ($services:expr, $caller:expr, $action:expr, $mode:expr, |$tx:ident| $body:block) => {
        $crate::transaction::transact($services, $caller, $action, $mode, move |$tx| Box::pin(async move $body))
    };
}

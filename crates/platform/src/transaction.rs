//! One unit of work: the rows, the audit event, the feed change, the job and the idempotency record, all or none.
//!
//! A rule runs in [`transact`]. What it changes beside its own rows it tells the [`Tx`]: marks for feeds, audit rows, jobs,
//! rings of the doorbell. They are written before the commit; the doorbell rings after it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::{self, Action, Actor, Caller, Permit};
use crate::audit::{self, NewAuditEvent};
use crate::clock::{Rng, Timestamp};
use crate::error::{Error, InternalError};
use crate::feed_log::{self, AppendedRevision, ChangeSet};
use crate::hooks::Hooks;
use crate::idempotency;
use crate::jobs::{self, NewJob};
use crate::notifications::{CHANNEL, Notification};
use crate::secrets::Sealer;
use crate::services::Services;
use crate::store::{self, Conn};

/// The transaction that a rule works in.
pub struct Tx<'c> {
    /// The connection, inside its transaction.
    pub conn: &'c mut Conn,
    /// The instant of the whole transaction.
    pub now: Timestamp,
    /// What a feed must tell again.
    pub changes: ChangeSet,
    action: Action,
    services: &'c Services,
    caller: &'c Arc<Caller>,
    notifications: Vec<Notification>,
}

/// What a rule gives back: ids and instants, from which a repeated request is answered anew. Secrets that are shown once
/// are left out with `#[serde(skip)]`.
pub trait Outcome: Serialize + DeserializeOwned + Send + 'static {}
impl<T: Serialize + DeserializeOwned + Send + 'static> Outcome for T {}

/// Whether what the work did is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It is committed.
    Commit,
    /// It is told and undone (`dryRun`).
    DryRun,
}

impl Mode {
    /// The mode of an input's `dryRun`.
    pub const fn dry_run(dry: bool) -> Self {
        if dry { Self::DryRun } else { Self::Commit }
    }
}

impl Tx<'_> {
    /// Randomness.
    pub fn rng(&self) -> &dyn Rng {
        &*self.services.rng
    }

    /// Randomness that outlives a borrow of the transaction.
    pub fn rng_handle(&self) -> Arc<dyn Rng> {
        Arc::clone(&self.services.rng)
    }

    /// Seals secrets at rest.
    pub fn sealer(&self) -> &Sealer {
        &self.services.sealer
    }

    /// The sealer, for whoever needs the connection beside it.
    pub fn sealer_handle(&self) -> Arc<Sealer> {
        Arc::clone(&self.services.sealer)
    }

    /// Who asked for the transaction.
    pub fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// The request behind the transaction.
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// Makes the permit for the transaction's action, from the caller's role and restrictions of this instant. Take the locks
    /// first.
    ///
    /// # Errors
    /// As [`access::permit`].
    pub async fn permit(&mut self) -> Result<Permit, Error> {
        access::permit(&self.services.hooks, self.conn, &self.caller.actor, self.action).await
    }

    /// What the transaction does.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The hooks that the layers above have registered.
    pub fn hooks(&self) -> &Hooks {
        &self.services.hooks
    }

    /// The hooks, independent of a borrow of the transaction.
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// Appends to the audit. `entity` is the global id of what was acted on; `summary` holds no secrets.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit(
        &mut self,
        permit: &Permit,
        entity: Option<String>,
        summary: impl Into<String>,
    ) -> Result<(), Error> {
        let event = self.audit_event(permit, entity, summary.into());
        Ok(audit::append(self.conn, &event).await?)
    }

    /// Appends many rows to the audit: entities and summaries as for [`Self::audit`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audit_all(&mut self, permit: &Permit, rows: Vec<(Option<String>, String)>) -> Result<(), Error> {
        let row = |(entity, summary)| self.audit_event(permit, entity, summary);
        let events: Vec<NewAuditEvent> = rows.into_iter().map(row).collect();
        Ok(audit::append_all(self.conn, &events).await?)
    }

    fn audit_event(&self, permit: &Permit, entity: Option<String>, summary: String) -> NewAuditEvent {
        let via = match permit.actor() {
            Actor::System(_) => "command",
            _ => "graphql",
        };
        NewAuditEvent {
            at: self.now,
            actor: permit.actor().label(),
            via,
            action: permit.action().name(),
            entity,
            summary,
            request_id: self.caller.request_id.clone(),
        }
    }

    /// Puts a job beside the change: it runs after the commit, or never if there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<(), Error> {
        jobs::enqueue(self.conn, &job, self.rng_id(), self.now).await?;
        self.notify(Notification::Jobs);
        Ok(())
    }

    /// Rings the doorbell once the transaction has committed.
    pub fn notify(&mut self, ring: Notification) {
        if !self.notifications.contains(&ring) {
            self.notifications.push(ring);
        }
    }

    /// Runs a part of the work in a savepoint: when it fails, it alone is undone, marks and rings included.
    ///
    /// # Errors
    /// What the part gives.
    pub async fn attempt<T, F>(&mut self, part: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Self) -> BoxFuture<'t, Result<T, Error>>,
    {
        let (changes, notifications) = (self.changes.clone(), self.notifications.clone());
        store::begin_nested(self.conn).await?;
        let result = part(self).await;
        store::end_nested(self.conn, result.is_ok()).await?;
        if result.is_err() {
            self.changes = changes;
            self.notifications = notifications;
        }
        result
    }

    fn rng_id(&self) -> crate::ids::JobId {
        crate::ids::JobId::new(&*self.services.rng, self.now)
    }

    /// Writes the marks and, on PostgreSQL, rings for the other instances in the same transaction.
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

/// Runs `work` as one transaction of `action`. A request repeated under its idempotency key is answered from the record.
///
/// # Errors
/// What `work` gives; then nothing is changed.
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
                    && let Some(recorded) = idempotency::recall(conn, &request, action).await?
                {
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
                    // Also when it failed: a savepoint left open would keep the writer's whole group from its commit.
                    store::end_nested(tx.conn, false).await?;
                    return result.map(|value| (value, Vec::new()));
                }
                let value = result?;
                let record = serde_json::to_value(&value).map_err(InternalError::new)?;
                idempotency::remember(tx.conn, &request, action, record, now).await?;
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
/// [`transaction::transact`](crate::transaction::transact) with the block as a boxed future; the block may use `?` on
/// everything that becomes an [`Error`], and captures by move.
#[macro_export]
macro_rules! transact {
    ($services:expr, $caller:expr, $action:expr, $mode:expr, |$tx:ident| $body:block) => {
        $crate::transaction::transact($services, $caller, $action, $mode, move |$tx| Box::pin(async move $body))
    };
}

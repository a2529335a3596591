//! Background tasks: jobs, audit sealing, number expiry, pruning, web hooks, and notifications of other instances.

mod job_handlers;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

pub use job_handlers::JOBS;

use crate::app::App;
use platform::audit;
use platform::error::Error;
use platform::idempotency;
use platform::jobs;
use platform::notifications::{CHANNEL, Notification};
use provisioning::web_hooks;

/// Interval of the frequent tasks, which also run on a notification.
const FAST_INTERVAL: Duration = Duration::from_secs(1);
/// Interval of pruning.
const SLOW_INTERVAL: Duration = Duration::from_secs(600);

/// Retention of ended device links in seconds.
const DEVICE_LINK_RETENTION_SECONDS: i64 = 24 * 3600;

/// Event that starts a task before its interval has elapsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trigger {
    /// The interval only.
    Interval,
    /// A notification of a new job.
    Jobs,
}

/// A task that runs at a fixed interval.
struct PeriodicTask {
    name: &'static str,
    interval: Duration,
    trigger: Trigger,
    run: fn(Arc<App>) -> BoxFuture<'static, Result<(), Error>>,
}

const PERIODIC_TASKS: [PeriodicTask; 5] = [
    PeriodicTask {
        name: "jobs",
        interval: FAST_INTERVAL,
        trigger: Trigger::Jobs,
        run: |app| Box::pin(async move { run_due_jobs(&app).await }),
    },
    PeriodicTask {
        name: "audit",
        interval: FAST_INTERVAL,
        trigger: Trigger::Interval,
        run: |app| Box::pin(async move { seal_audit(&app).await }),
    },
    PeriodicTask {
        name: "pruning",
        interval: SLOW_INTERVAL,
        trigger: Trigger::Interval,
        run: |app| Box::pin(async move { prune(&app).await }),
    },
    PeriodicTask {
        name: "numbers",
        interval: FAST_INTERVAL,
        trigger: Trigger::Interval,
        run: |app| Box::pin(async move { numbers::expire_due(&app.services).await }),
    },
    PeriodicTask {
        name: "sealing key",
        interval: FAST_INTERVAL,
        trigger: Trigger::Interval,
        run: |app| {
            Box::pin(async move {
                app.services.sealer.reload_if_changed();
                Ok(())
            })
        },
    },
];

/// Starts every task. Dropping the set aborts them.
pub fn start(app: &Arc<App>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for task in PERIODIC_TASKS {
        tasks.spawn(run_periodically(Arc::clone(app), task));
    }
    tasks.spawn(call_web_hooks(Arc::clone(app)));
    tasks.spawn(listen(Arc::clone(app)));
    tasks
}

/// Runs a task until the shutdown. Failures are logged.
async fn run_periodically(app: Arc<App>, task: PeriodicTask) {
    let mut notifications = app.services.notifier.listen();
    let mut stopping = app.stopping.subscribe();
    loop {
        match AssertUnwindSafe((task.run)(Arc::clone(&app))).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(task = task.name, error = ?error, "a background task failed and will be retried")
            }
            // A panic in one item must not end the task.
            Err(_) => tracing::error!(task = task.name, "a background task panicked and will be retried"),
        }
        let notified = async {
            loop {
                match notifications.recv().await {
                    Ok(Notification::Jobs) if task.trigger == Trigger::Jobs => return,
                    Ok(_) => {}
                    Err(_) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(task.interval) => {}
            () = notified => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Runs every due job.
///
/// # Errors
/// When the database fails. A job's failure is recorded in its row.
pub async fn run_due_jobs(app: &App) -> Result<(), Error> {
    jobs::run_due(&app.services.store, &*app.services.clock, &JOBS, app).await
}

/// Sends due web hooks when a feed changes, and retries every second.
async fn call_web_hooks(app: Arc<App>) {
    let mut notifications = app.services.notifier.listen();
    let mut stopping = app.stopping.subscribe();
    loop {
        if let Err(error) = web_hooks::deliver_due(&app.services, &app.web_hooks).await {
            tracing::warn!(error = ?error, "due web hooks could not be loaded and will be retried");
        }
        let notified = async {
            loop {
                match notifications.recv().await {
                    Ok(Notification::Feed(_)) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(FAST_INTERVAL) => {}
            () = notified => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        // Notifications that arrived in the meantime are covered by the next run.
        while notifications.try_recv().is_ok() {}
    }
}

async fn seal_audit(app: &App) -> Result<(), Error> {
    while audit::seal(&app.services).await? > 0 {}
    Ok(())
}

/// Deletes what has expired: sessions, tokens, records, links, revisions of feeds, and accounts that were never verified.
///
/// # Errors
/// When the database fails.
pub async fn prune(app: &App) -> Result<(), Error> {
    audit::seal_all(&app.services).await?;
    let now = app.services.now();
    app.services
        .store
        .write(move |conn| {
            Box::pin(async move {
                accounts::delete_expired(conn, now).await?;
                idempotency::prune(conn, now).await?;
                provisioning::devices::prune(conn, now.plus_seconds(-DEVICE_LINK_RETENTION_SECONDS)).await?;
                Ok(())
            })
        })
        .await?;
    let pruned = accounts::rules::prune_unverified(&app.services).await?;
    if pruned > 0 {
        tracing::info!(accounts = pruned, "accounts without a verified e-mail address were removed");
    }
    provisioning::prune(&app.services).await.map(drop)
}

/// Receives the notifications of other instances. Reconnects after a connection loss.
async fn listen(app: Arc<App>) {
    loop {
        match app.services.store.listen(CHANNEL).await {
            Ok(None) => return,
            Ok(Some(mut payloads)) => {
                while let Some(payload) = payloads.recv().await {
                    if let Ok(notification) = serde_json::from_str::<Notification>(&payload) {
                        app.services.notifier.notify(notification);
                    }
                }
                tracing::warn!("the notification connection ended; reconnecting");
            }
            Err(error) => tracing::warn!(error = %error, "cannot listen for notifications"),
        }
        tokio::time::sleep(FAST_INTERVAL).await;
    }
}

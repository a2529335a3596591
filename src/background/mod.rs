//! What runs beside the requests: jobs, the audit's chain, the numbers that come free, pruning, other instances' doorbells.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::app::App;
use platform::audit;
use platform::error::Error;
use platform::idempotency;
use platform::jobs::{self, Job, JobKind};
use platform::mail::{Mail, SendError};
use platform::notifications::{CHANNEL, Notification};
use provisioning::web_hooks;

/// How often each duty looks by itself, beside the doorbell.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(600);

/// How long a device link that has ended is still shown, in seconds: a day.
const DEVICE_LINK_SECONDS: i64 = 24 * 3600;

/// Starts every duty; dropping the set ends them.
pub fn start(app: &Arc<App>) -> JoinSet<()> {
    let mut duties = JoinSet::new();
    duties.spawn(repeat(Arc::clone(app), "jobs", OFTEN, true, |app| Box::pin(async move { run_due_jobs(&app).await })));
    duties.spawn(repeat(Arc::clone(app), "audit", OFTEN, false, |app| Box::pin(async move { seal_audit(&app).await })));
    duties.spawn(repeat(Arc::clone(app), "pruning", SELDOM, false, |app| Box::pin(async move { prune(&app).await })));
    duties.spawn(repeat(Arc::clone(app), "numbers", OFTEN, false, |app| {
        Box::pin(async move { numbers::rules::settle_due(&app.services).await })
    }));
    duties.spawn(repeat(Arc::clone(app), "sealing key", OFTEN, false, |app| {
        Box::pin(async move {
            app.services.sealer.follow();
            Ok(())
        })
    }));
    duties.spawn(call_web_hooks(Arc::clone(app)));
    duties.spawn(listen(Arc::clone(app)));
    duties
}

type Duty = fn(Arc<App>) -> futures_util::future::BoxFuture<'static, Result<(), Error>>;

/// Does a duty again and again until the program stops; a failure is logged and waits like a success.
async fn repeat(app: Arc<App>, name: &'static str, pause: Duration, on_jobs: bool, duty: Duty) {
    let mut rings = app.services.notifier.listen();
    let mut stopping = app.stopping.subscribe();
    loop {
        match AssertUnwindSafe(duty(Arc::clone(&app))).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(stop)) => {
                tracing::warn!(duty = name, error = ?stop, "a background duty failed and will be tried again")
            }
            // One poisoned piece of work must not end the duty for all others.
            Err(_) => tracing::error!(duty = name, "a background duty panicked and will be tried again"),
        }
        let rung = async {
            loop {
                match rings.recv().await {
                    Ok(Notification::Jobs) if on_jobs => return,
                    Ok(_) => {}
                    Err(_) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = rung => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Does every job that is due.
///
/// # Errors
/// When the database refuses; a job's own failure is recorded with the job.
pub async fn run_due_jobs(app: &App) -> Result<(), Error> {
    loop {
        let now = app.services.now();
        let claimed =
            app.services.store.write(move |conn| Box::pin(async move { Ok(jobs::claim(conn, now).await?) })).await?;
        let Some(job) = claimed else { return Ok(()) };
        let outcome = run(app, &job).await;
        let now = app.services.now();
        app.services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    match outcome {
                        Ok(()) => jobs::finish(conn, job.id).await?,
                        Err(SendError::Permanent(error)) => jobs::fail(conn, &job, &error, true, now).await?,
                        Err(SendError::Temporary(error)) => jobs::fail(conn, &job, &error, false, now).await?,
                    }
                    Ok(())
                })
            })
            .await?;
    }
}

async fn run(app: &App, job: &Job) -> Result<(), SendError> {
    match job.kind {
        JobKind::SendMail => {
            let mail = Mail::open(&app.services.sealer, &job.payload)
                .map_err(|error| SendError::Permanent(error.to_string()))?;
            let sent = app.mailer.send(&mail).await;
            match &sent {
                Ok(()) => tracing::info!(mail.template = mail.template.name(), "a mail was sent"),
                Err(error) => {
                    tracing::warn!(mail.template = mail.template.name(), error = %error, "a mail was not sent")
                }
            }
            sent
        }
    }
}

/// Calls web hooks when a feed rings, and looks every second for those that are due again.
async fn call_web_hooks(app: Arc<App>) {
    let mut rings = app.services.notifier.listen();
    let mut stopping = app.stopping.subscribe();
    loop {
        if let Err(stop) = web_hooks::deliver_due(&app.services, &app.web_hooks).await {
            tracing::warn!(error = ?stop, "web hooks could not be looked at and will be again");
        }
        let rung = async {
            loop {
                match rings.recv().await {
                    Ok(Notification::Feed(_)) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(OFTEN) => {}
            () = rung => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        // What rang meanwhile is seen by the same look.
        while rings.try_recv().is_ok() {}
    }
}

async fn seal_audit(app: &App) -> Result<(), Error> {
    while audit::seal(&app.services.store).await? > 0 {}
    Ok(())
}

async fn prune(app: &App) -> Result<(), Error> {
    audit::seal_all(&app.services.store).await?;
    let now = app.services.now();
    app.services
        .store
        .write(move |conn| {
            Box::pin(async move {
                accounts::proof_queries::prune(conn, now).await?;
                idempotency::prune(conn, now).await?;
                provisioning::devices::prune(conn, now.plus_seconds(-DEVICE_LINK_SECONDS)).await?;
                Ok(())
            })
        })
        .await?;
    provisioning::prune(&app.services).await.map(drop)
}

/// Passes on what other instances ring; when the connection ends it is made anew.
async fn listen(app: Arc<App>) {
    loop {
        match app.services.store.listen(CHANNEL).await {
            Ok(None) => return,
            Ok(Some(mut payloads)) => {
                while let Some(payload) = payloads.recv().await {
                    if let Ok(ring) = serde_json::from_str::<Notification>(&payload) {
                        app.services.notifier.notify(ring);
                    }
                }
                tracing::warn!("the notification connection ended and is opened again");
            }
            Err(fault) => tracing::warn!(error = %fault, "cannot listen for notifications"),
        }
        tokio::time::sleep(OFTEN).await;
    }
}

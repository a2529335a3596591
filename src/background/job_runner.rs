//! Runner of due jobs.

use crate::app::App;
use crate::error::Error;
use crate::jobs::{self, Job, JobKind};
use crate::mail::{Mail, SendError};

/// Runs every due job.
///
/// # Errors
/// When the database fails. A job's failure is recorded in its row.
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
                        Err(SendError::Transient(error)) => jobs::fail(conn, &job, &error, false, now).await?,
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

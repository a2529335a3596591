//! Registry of the program's job handlers. The domain that owns a kind declares it; its handler is registered here.

use futures_util::future::BoxFuture;

use crate::app::App;
use accounts::rules::{self, DECIDE_ACCOUNT_MAIL, RECORD_FAILED_PASSWORDS};
use platform::error::Error;
use platform::jobs::{Job, JobError, JobHandler, JobRegistry};
use platform::mail::{Mail, SEND_MAIL};

static HANDLERS: [JobHandler<App>; 3] = [
    JobHandler { kind: &SEND_MAIL, run: send_mail },
    JobHandler { kind: &DECIDE_ACCOUNT_MAIL, run: decide_account_mail },
    JobHandler { kind: &RECORD_FAILED_PASSWORDS, run: record_failed_passwords },
];

/// The handlers of every job kind.
pub static JOBS: JobRegistry<App> = JobRegistry::new(&HANDLERS);

fn send_mail<'a>(app: &'a App, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
    Box::pin(async move {
        let mail =
            Mail::open(&app.services.sealer, &job.payload).map_err(|error| JobError::Permanent(error.to_string()))?;
        let template = mail.template.name();
        match app.mailer.send(&mail).await {
            Ok(()) => {
                tracing::info!(mail.template = template, "a mail was sent");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(mail.template = template, error = %error, "a mail could not be sent");
                Err(error.into())
            }
        }
    })
}

fn decide_account_mail<'a>(app: &'a App, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
    Box::pin(async move { rules::decide_account_mail(&app.services, &job.payload).await.map_err(job_error) })
}

fn record_failed_passwords<'a>(app: &'a App, job: &'a Job) -> BoxFuture<'a, Result<(), JobError>> {
    Box::pin(async move { rules::record_failed_passwords(&app.services, &job.payload).await.map_err(job_error) })
}

/// The failure of a job that runs an operation.
fn job_error(error: Error) -> JobError {
    match error {
        Error::Internal(error) if error.is_temporary() => JobError::Transient(error.to_string()),
        Error::Internal(error) => JobError::Permanent(error.to_string()),
        error => JobError::Permanent(format!("{error:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_handler() {
        let mut names = JOBS.names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), HANDLERS.len());
    }
}

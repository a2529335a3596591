//! Registry of the program's job handlers. The domain that owns a kind declares it; its handler is registered here.

use futures_util::future::BoxFuture;

use crate::app::App;
use platform::jobs::{Job, JobError, JobHandler, JobRegistry};
use platform::mail::{Mail, SEND_MAIL};

static HANDLERS: [JobHandler<App>; 1] = [JobHandler { kind: &SEND_MAIL, run: send_mail }];

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

//! The audit of wrong passwords.
//!
//! A wrong password enqueues the same job whether the login has an account or not: the request would otherwise take
//! longer for one that has. The job writes one row for all failures of a minute, so that a stranger's guesses cannot
//! fill the audit.

use platform::access::Caller;
use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use platform::ids::AccountId;
use platform::jobs::{JobKind, JobPriority, NewJob};
use platform::secrets::{SealContext, Sealer};
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::login::Login;
use crate::{actions, queries, session_queries};

/// Seal context of the payload: a login that is typed by mistake can be a password.
const SEAL_CONTEXT: SealContext<'static> = SealContext::new("jobs", b"", "failed_passwords");

/// Jobs that record the wrong passwords of a minute in the audit. The payload is a sealed [`FailedPasswords`].
pub static RECORD_FAILED_PASSWORDS: JobKind = JobKind {
    name: "record_failed_passwords",
    priority: JobPriority::Low,
    max_attempts: 5,
    sealed_payload: Some(SEAL_CONTEXT),
};

/// The seconds over which failures are recorded together.
const PERIOD_SECONDS: i64 = 60;

/// The account whose password was wrong.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Subject {
    /// A login, which may have no account.
    Login(Login),
    /// The account of a signed-in person.
    Account(AccountId),
}

/// Wrong passwords of one login or session since a time.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct FailedPasswords {
    pub(crate) subject: Subject,
    /// The key of the counter of failures, in hexadecimal digits.
    pub(crate) key: String,
    pub(crate) since: Timestamp,
}

/// Creates the job for the current minute. The first failure of the minute enqueues it; later ones are equal to it.
///
/// # Errors
/// When the payload cannot be sealed.
pub(crate) fn job(failed: &FailedPasswords, sealer: &Sealer) -> Result<NewJob, InternalError> {
    let payload = serde_json::to_vec(failed).map_err(InternalError::new)?;
    let payload = sealer.seal(&SEAL_CONTEXT, &payload).map_err(InternalError::new)?;
    let minute = failed.since.0.div_euclid(PERIOD_SECONDS * 1_000_000);
    Ok(NewJob::new(&RECORD_FAILED_PASSWORDS, payload)
        .at(failed.since.plus_seconds(PERIOD_SECONDS))
        .deduplicated(format!("failed_passwords:{}:{minute}", failed.key)))
}

/// Records the wrong passwords of a minute in the audit, if the login has an account.
///
/// # Errors
/// When the payload cannot be read or the database fails.
pub async fn record_failed_passwords(services: &Services, payload: &[u8]) -> Result<(), Error> {
    let payload = services.sealer.open(&SEAL_CONTEXT, payload).map_err(InternalError::new)?;
    let failed: FailedPasswords = serde_json::from_slice(&payload).map_err(InternalError::new)?;
    let key = hex::decode(&failed.key).map_err(InternalError::new)?;
    let caller = Caller::system("record failed passwords");
    transact!(services, &caller, actions::RECORD_FAILED_PASSWORDS, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let account = match &failed.subject {
            Subject::Login(login) => login.account(tx.conn).await?,
            Subject::Account(id) => queries::account_by_id(tx.conn, *id).await?,
        };
        let Some(account) = account.filter(|account| account.deleted_at.is_none()) else { return Ok(()) };
        let until = failed.since.plus_seconds(PERIOD_SECONDS);
        let count = session_queries::count_sign_in_failures(tx.conn, &key, failed.since, until).await?.max(1);
        let summary = match failed.subject {
            Subject::Login(_) => format!("failed sign-ins as {}: {count}", account.username),
            Subject::Account(_) => format!("wrong passwords in a session of {}: {count}", account.username),
        };
        tx.audit(&permit, Some(account.id.global()), summary).await
    })
    .await
}

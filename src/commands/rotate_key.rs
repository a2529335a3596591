//! The command `rotate-key`: generates a sealing key and reseals every value with it.
//!
//! The new key is in the file before the first value is sealed with it, and the old key stays until no value needs it.
//! The command can therefore be interrupted at any time; the next run continues. A running server checks the file
//! before it seals.

use platform::access::ROTATE_KEY;
use std::sync::Arc;
use std::time::Duration;

use super::output::print;
use super::{describe, to_message};
use crate::background::JOBS;
use extensions::rules::reseal;
use platform::access::Caller;
use platform::error::Error;
use platform::ids::JobId;
use platform::jobs;
use platform::secrets::{SealingError, reseal_stored_keys};
use platform::services::Services;
use platform::transaction::{Mode, transact};
use provisioning::web_hooks;

/// Number of jobs that one transaction reseals.
const BATCH_SIZE: i64 = 500;

/// Delay before the second pass, in which transactions that sealed with the old key commit. A transaction seals only
/// after it has acquired the write lock.
const COMMIT_GRACE: Duration = Duration::from_secs(3);

/// Result of one pass over every sealed value.
#[derive(Default)]
struct Pass {
    resealed: usize,
    /// Values that cannot be opened.
    unreadable: usize,
}

/// Rotates the key, or completes a rotation that was interrupted.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn rotate(services: &Services) -> Result<(), String> {
    let caller = Caller::system("rotate-key");
    let sealer = &services.sealer;
    if !sealer.uses_key_file() {
        return reseal_with_variable(services, &caller).await;
    }
    if sealer.has_old_keys() {
        print("Continuing an interrupted rotation of the key.\n")?;
    } else {
        sealer.add_key().map_err(to_message)?;
    }
    let mut resealed = 0;
    loop {
        let pass = reseal_all(services, &caller).await.map_err(describe)?;
        resealed += pass.resealed;
        if pass.unreadable > 0 {
            return Err(format!(
                "{} sealed values cannot be opened with the available keys: see the log. The old key stays; all other \
                 values are sealed with the new one.",
                pass.unreadable
            ));
        }
        tokio::time::sleep(COMMIT_GRACE).await;
        if reseal_all(services, &caller).await.map_err(describe)?.resealed == 0 {
            break;
        }
    }
    write_audit(services, &caller).await.map_err(describe)?;
    sealer.remove_old_keys().map_err(to_message)?;
    print(format!(
        "The key was rotated and {resealed} values were resealed. Keep a copy of the new key separately; earlier \
         backups need the old one.\n"
    ))
}

/// Reseals with the first key of the variable, where the operator has added a new key.
async fn reseal_with_variable(services: &Services, caller: &Arc<Caller>) -> Result<(), String> {
    if !services.sealer.has_old_keys() {
        return Err(SealingError::KeysInVariable.to_string());
    }
    let pass = reseal_all(services, caller).await.map_err(describe)?;
    if pass.unreadable > 0 {
        return Err(format!(
            "{} sealed values cannot be opened with the available keys: see the log.",
            pass.unreadable
        ));
    }
    write_audit(services, caller).await.map_err(describe)?;
    print(format!(
        "{} values were resealed with the first key of SWITCHBOARD_SEALING_KEY. Run this again after every server has \
         it. When no value is left to reseal, the other keys can be removed.\n",
        pass.resealed
    ))
}

async fn write_audit(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            tx.audit(&permit, None, "every sealed value was resealed with the newest key").await
        })
    })
    .await
}

/// Reseals every value that was sealed with another key than the newest.
async fn reseal_all(services: &Services, caller: &Arc<Caller>) -> Result<Pass, Error> {
    let mut pass = Pass::default();
    let events = events::all_events(&mut *services.store.read().await?).await?;
    for event in events {
        let mut after = None;
        loop {
            let step = reseal(services, caller, event.id, after).await?;
            pass.resealed += step.resealed;
            pass.unreadable += step.unreadable;
            after = step.next;
            if after.is_none() {
                break;
            }
        }
    }
    pass.resealed += web_hooks::reseal(services).await?;
    pass.resealed += reseal_keys(services, caller).await?;
    let mut after = None;
    loop {
        let (resealed, next) = reseal_jobs(services, caller, after).await?;
        pass.resealed += resealed;
        after = next;
        if after.is_none() {
            return Ok(pass);
        }
    }
}

/// Reseals the installation's own keys; returns the number of resealed keys.
async fn reseal_keys(services: &Services, caller: &Arc<Caller>) -> Result<usize, Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
        Box::pin(async move {
            tx.permit().await?;
            let sealer = tx.sealer_handle();
            reseal_stored_keys(tx.conn, &sealer).await
        })
    })
    .await
}

/// Reseals the payloads of the next page of jobs. A payload that cannot be opened is skipped, as the job cannot run
/// either.
async fn reseal_jobs(
    services: &Services,
    caller: &Arc<Caller>,
    after: Option<JobId>,
) -> Result<(usize, Option<JobId>), Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let page = jobs::list(tx.conn, after, BATCH_SIZE).await?;
            let is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == BATCH_SIZE);
            let next = page.last().map(|job| job.id).filter(|_| is_full);
            let mut resealed = 0;
            for job in page {
                let Some(handler) = JOBS.find(&job.kind) else {
                    tracing::warn!(job.id = %job.id.global(), job.kind, "a job of an unknown kind was not resealed");
                    continue;
                };
                let resealed_payload = handler.kind.reseal(tx.sealer(), &job.payload);
                match resealed_payload {
                    Ok(None) => {}
                    Ok(Some(payload)) => {
                        jobs::save_payload(tx.conn, &permit, job.id, &payload).await?;
                        resealed += 1;
                    }
                    Err(error) => {
                        tracing::warn!(job.id = %job.id.global(), error = %error, "a job's payload cannot be opened")
                    }
                }
            }
            Ok((resealed, next))
        })
    })
    .await
}

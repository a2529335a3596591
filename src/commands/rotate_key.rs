//! `rotate-key`: a new sealing key, and everything sealed with it.
//!
//! The new key is in the file before anything is sealed with it, and the old one stays there until nothing needs it: whenever
//! the command is stopped, everything opens, and the next run goes on. A running server looks at the file before it seals.

use platform::access::ROTATE_KEY;
use std::sync::Arc;
use std::time::Duration;

use super::{say, tell};
use extensions::rules::reseal;
use platform::access::Caller;
use platform::error::Error;
use platform::ids::JobId;
use platform::jobs::{self, JobKind};
use platform::mail::Mail;
use platform::secrets::{SealingError, reseal_comparison_key};
use platform::services::Services;
use platform::transaction::{Mode, transact};
use provisioning::web_hooks;

/// How many jobs one transaction seals anew.
const BATCH: i64 = 500;

/// How long whoever had sealed something with the old key may take to commit it. A request has 10 seconds at most, and nothing is
/// sealed before its turn to write has come.
const GRACE: Duration = Duration::from_secs(3);

/// What one pass over everything did.
#[derive(Default)]
struct Pass {
    resealed: usize,
    unreadable: usize,
}

/// Changes the key, or finishes a change that was stopped.
///
/// # Errors
/// A sentence for whoever typed the command.
pub(super) async fn rotate(services: &Services) -> Result<(), String> {
    let caller = Caller::system("rotate-key");
    let sealer = &services.sealer;
    if !sealer.has_file() {
        return follow_variable(services, &caller).await;
    }
    if sealer.has_old_keys() {
        println!("An earlier change of the key was not finished: it goes on.");
    } else {
        sealer.add_key().map_err(say)?;
    }
    let mut resealed = 0;
    loop {
        let pass = pass(services, &caller).await.map_err(tell)?;
        resealed += pass.resealed;
        if pass.unreadable > 0 {
            return Err(format!(
                "{} sealed values do not open with the keys at hand: see the log. The old key stays, and everything else is \
                 sealed with the new one.",
                pass.unreadable
            ));
        }
        tokio::time::sleep(GRACE).await;
        if self::pass(services, &caller).await.map_err(tell)?.resealed == 0 {
            break;
        }
    }
    note(services, &caller).await.map_err(tell)?;
    sealer.forget_old_keys().map_err(say)?;
    println!(
        "The key was changed, and {resealed} values were sealed anew. Keep a copy of the new key apart; backups from before need \
         the old one."
    );
    Ok(())
}

/// Where a variable holds the keys, whoever sets it has put the new one in front.
async fn follow_variable(services: &Services, caller: &Arc<Caller>) -> Result<(), String> {
    if !services.sealer.has_old_keys() {
        return Err(SealingError::KeysInVariable.to_string());
    }
    let pass = pass(services, caller).await.map_err(tell)?;
    if pass.unreadable > 0 {
        return Err(format!("{} sealed values do not open with the keys at hand: see the log.", pass.unreadable));
    }
    note(services, caller).await.map_err(tell)?;
    println!(
        "{} values were sealed with the first key of SWITCHBOARD_SEALING_KEY. Run this again once every server has it; when \
         nothing is left to seal, the other keys may go.",
        pass.resealed
    );
    Ok(())
}

async fn note(services: &Services, caller: &Arc<Caller>) -> Result<(), Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            tx.audit(&permit, None, "everything sealed was sealed with the newest key").await
        })
    })
    .await
}

/// Seals everything that another key has sealed.
async fn pass(services: &Services, caller: &Arc<Caller>) -> Result<Pass, Error> {
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
    pass.resealed += reseal_key(services, caller).await?;
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

/// Seals the key by which unique secrets are compared; how many that were.
async fn reseal_key(services: &Services, caller: &Arc<Caller>) -> Result<usize, Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
        Box::pin(async move {
            tx.permit().await?;
            let sealer = tx.sealer_handle();
            Ok(usize::from(reseal_comparison_key(tx.conn, &sealer).await?))
        })
    })
    .await
}

/// Seals the payloads of the next jobs. One that does not open stays: it cannot be done with the old key either.
async fn reseal_jobs(
    services: &Services,
    caller: &Arc<Caller>,
    after: Option<JobId>,
) -> Result<(usize, Option<JobId>), Error> {
    transact(services, caller, ROTATE_KEY, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let page = jobs::list(tx.conn, after, BATCH).await?;
            let is_full = i64::try_from(page.len()).is_ok_and(|rows| rows == BATCH);
            let next = page.last().map(|job| job.id).filter(|_| is_full);
            let mut resealed = 0;
            for job in page {
                let anew = match job.kind {
                    JobKind::SendMail => Mail::reseal(tx.sealer(), &job.payload),
                };
                match anew {
                    Ok(None) => {}
                    Ok(Some(payload)) => {
                        jobs::save_payload(tx.conn, &permit, job.id, &payload).await?;
                        resealed += 1;
                    }
                    Err(error) => tracing::warn!(job.id = %job.id.global(), error = %error, "a job cannot be opened"),
                }
            }
            Ok((resealed, next))
        })
    })
    .await
}

//! Guessing passwords gets slower: after five failures in fifteen minutes each further try waits, 1 s doubling to 60 s.

use sha2::{Digest as _, Sha256};

use super::super::proof_queries;
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::services::Services;
use platform::store::types::Id;

const WINDOW_SECONDS: i64 = 15 * 60;
const FREE_TRIES: usize = 5;
const LONGEST_WAIT_SECONDS: i64 = 60;

/// Under what failures are counted: the account where the login names one, else what was typed.
pub struct Guesses(Vec<u8>);

impl Guesses {
    /// Failures of this account, whichever login was used.
    pub fn of_account(id: AccountId) -> Self {
        Self(Sha256::new().chain_update("account:").chain_update(id.0.as_bytes()).finalize().to_vec())
    }

    /// Failures of a login that names no account: it must not look different.
    pub fn of_login(login: &str) -> Self {
        Self(Sha256::new().chain_update("login:").chain_update(login.to_lowercase()).finalize().to_vec())
    }

    /// Refuses a try that comes too early.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait.
    pub async fn admit(&self, services: &Services) -> Result<(), Error> {
        let now = services.now();
        let mut conn = services.store.read().await?;
        let failures = proof_queries::failures_since(&mut conn, &self.0, now.plus_seconds(-WINDOW_SECONDS)).await?;
        let wait = wait_seconds(&failures, now);
        if wait == 0 {
            return Ok(());
        }
        let retry_after_seconds = i32::try_from(wait).unwrap_or(i32::MAX);
        let message = "Too many failed attempts. Wait a moment before the next one.";
        Err(UserError::new(UserErrorKind::RateLimited { retry_after_seconds }, "", message).into())
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn failed(self, services: &Services) -> Result<(), Error> {
        let (now, id) = (services.now(), Id(services.rng.uuid(services.now())));
        services
            .store
            .write(move |conn| {
                Box::pin(async move { Ok(proof_queries::insert_failure(conn, id, &self.0, now).await?) })
            })
            .await
    }

    /// The hash under which they are counted.
    pub fn hash(&self) -> &[u8] {
        &self.0
    }
}

/// How long the next try has to wait, in seconds; `failures` are newest first.
fn wait_seconds(failures: &[Timestamp], now: Timestamp) -> i64 {
    let Some(beyond) = failures.len().checked_sub(FREE_TRIES) else { return 0 };
    let Some(last) = failures.first() else { return 0 };
    let pause = (1_i64 << beyond.min(6)).min(LONGEST_WAIT_SECONDS);
    let until = last.plus_seconds(pause);
    if now >= until { 0 } else { until.seconds_since(now) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_waits_a_second_and_the_twelfth_a_minute() {
        let now = Timestamp(1_000_000_000_000);
        assert_eq!(wait_seconds(&[now; 4], now), 0);
        assert_eq!(wait_seconds(&[now; 5], now), 2);
        assert_eq!(wait_seconds(&[now; 5], now.plus_seconds(1)), 0);
        assert_eq!(wait_seconds(&[now; 11], now), 61);
        assert_eq!(wait_seconds(&[now; 16], now.plus_seconds(60)), 0);
    }
}

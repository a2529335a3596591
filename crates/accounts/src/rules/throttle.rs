//! Throttling of password guesses: after five failures within 15 minutes, each further attempt has to wait 1 s,
//! doubling to 60 s.

use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::services::Services;
use platform::store::types::Id;
use sha2::{Digest as _, Sha256};

use crate::session_queries;

const WINDOW_SECONDS: i64 = 15 * 60;
/// Number of failures within the window before attempts have to wait.
const FREE_ATTEMPTS: usize = 5;
const MAX_WAIT_SECONDS: i64 = 60;

/// Throttle of sign-in attempts for one account, or for one login that matches no account.
pub struct SignInThrottle {
    /// SHA-256 under which the failures are stored.
    key: Vec<u8>,
}

impl SignInThrottle {
    /// Throttle of an account, whichever login was typed.
    pub fn for_account(id: AccountId) -> Self {
        Self { key: Sha256::new().chain_update("account:").chain_update(id.0.as_bytes()).finalize().to_vec() }
    }

    /// Throttle of a login that matches no account, so that it is answered like an existing one.
    pub fn for_unknown_login(login: &str) -> Self {
        Self { key: Sha256::new().chain_update("login:").chain_update(login.to_lowercase()).finalize().to_vec() }
    }

    /// Rejects an attempt that comes too early.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait; when the database fails.
    pub async fn check(&self, services: &Services) -> Result<(), Error> {
        let now = services.now();
        let mut conn = services.store.read().await?;
        let since = now.plus_seconds(-WINDOW_SECONDS);
        let failures = session_queries::sign_in_failures_since(&mut conn, &self.key, since).await?;
        let wait = wait_seconds(&failures, now);
        if wait == 0 {
            return Ok(());
        }
        let retry_after_seconds = i32::try_from(wait).unwrap_or(i32::MAX);
        let message = "Too many failed attempts. Wait a moment before the next one.";
        Err(UserError::new(UserErrorKind::RateLimited { retry_after_seconds }, "", message).into())
    }

    /// Records a failed attempt.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_failure(self, services: &Services) -> Result<(), Error> {
        let (now, id) = (services.now(), Id(services.rng.uuid(services.now())));
        services
            .store
            .write(move |conn| {
                Box::pin(async move { Ok(session_queries::insert_sign_in_failure(conn, id, &self.key, now).await?) })
            })
            .await
    }

    /// The hash under which the failures are stored.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

/// Computes how long the next attempt has to wait, in seconds. `failures` are newest first.
fn wait_seconds(failures: &[Timestamp], now: Timestamp) -> i64 {
    let Some(excess) = failures.len().checked_sub(FREE_ATTEMPTS) else { return 0 };
    let Some(last) = failures.first() else { return 0 };
    let wait = (1_i64 << excess.min(6)).min(MAX_WAIT_SECONDS);
    let until = last.plus_seconds(wait);
    if now >= until { 0 } else { until.seconds_since(now) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_attempt_waits_a_second_and_the_twelfth_a_minute() {
        let now = Timestamp(1_000_000_000_000);
        assert_eq!(wait_seconds(&[now; 4], now), 0);
        assert_eq!(wait_seconds(&[now; 5], now), 2);
        assert_eq!(wait_seconds(&[now; 5], now.plus_seconds(1)), 0);
        assert_eq!(wait_seconds(&[now; 11], now), 61);
        assert_eq!(wait_seconds(&[now; 16], now.plus_seconds(60)), 0);
    }
}

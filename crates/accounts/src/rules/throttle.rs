//! Throttling of password guesses: after a number of failures within 15 minutes, each further attempt has to wait 1 s,
//! doubling to 60 s.
//!
//! A sign-in counts by the login as it was typed, together with the address and, with a higher limit, from all addresses
//! together. It never counts by account: an attempt under a username would otherwise show whose e-mail address another
//! login is. A signed-in person's password counts by session, so that failed sign-ins of others do not stop the owner.

use platform::access::quotas::Reservation;
use platform::access::rates::RateAddress;
use platform::access::{Caller, RefusalReason};
use platform::clock::Timestamp;
use platform::error::Error;
use platform::ids::{AccountId, SessionId};
use platform::services::Services;
use platform::store::Conn;
use platform::store::types::Id;
use sha2::{Digest as _, Sha256};

use super::failures::{self, FailedPasswords, Subject};
use super::login::Login;
use super::rate_limited;
use crate::session_queries;

const WINDOW_SECONDS: i64 = 15 * 60;
/// Number of failures of one login at one address, or of one session, before attempts have to wait.
const FREE_ATTEMPTS: usize = 5;
/// Number of failures of one login from all addresses before attempts have to wait.
const FREE_ATTEMPTS_OF_ALL_ADDRESSES: usize = 100;
const MAX_WAIT_SECONDS: i64 = 60;

/// SHA-256 under which failures are stored.
type Key = [u8; 32];

/// A count of failed attempts with its limit.
struct Counter {
    key: Key,
    free_attempts: usize,
}

/// Throttle of the password checks of one login or one session.
pub(crate) struct Throttle {
    /// The narrowest first.
    counters: Vec<Counter>,
    subject: Subject,
}

/// A password check that has been admitted. It counts as a failure for concurrent checks until it is dropped.
pub(crate) struct Guess<'t> {
    throttle: &'t Throttle,
    _reservations: Vec<Reservation<Key>>,
}

impl Throttle {
    /// Throttle of sign-ins with a login from an address.
    pub(crate) fn for_login(login: &Login, address: Option<RateAddress>) -> Self {
        let at_address = Counter { key: key_at_address(login, address), free_attempts: FREE_ATTEMPTS };
        let everywhere = Counter { key: key_of_login(login), free_attempts: FREE_ATTEMPTS_OF_ALL_ADDRESSES };
        Self { counters: vec![at_address, everywhere], subject: Subject::Login(login.clone()) }
    }

    /// Throttle of the own password of a signed-in person.
    pub(crate) fn for_session(session: SessionId, account: AccountId) -> Self {
        let key = Sha256::new().chain_update("session:").chain_update(session.0.as_bytes()).finalize().into();
        Self { counters: vec![Counter { key, free_attempts: FREE_ATTEMPTS }], subject: Subject::Account(account) }
    }

    /// Admits a password check, or refuses one that comes too early.
    ///
    /// # Errors
    /// RATE_LIMITED with the seconds to wait; when the database fails.
    pub(crate) async fn admit(&self, services: &Services) -> Result<Guess<'_>, Error> {
        // Reserved before the failures are read: a check that fails meanwhile is in one of the two counts.
        let reservations: Vec<_> =
            self.counters.iter().map(|counter| services.quotas.guesses.reserve(counter.key)).collect();
        let now = services.now();
        let since = now.plus_seconds(-WINDOW_SECONDS);
        let mut conn = services.store.read().await?;
        let mut wait = 0;
        for (counter, reservation) in self.counters.iter().zip(&reservations) {
            let limit = i64::try_from(counter.free_attempts).unwrap_or(i64::MAX).saturating_add(8);
            let failures = session_queries::sign_in_failures_since(&mut conn, &counter.key, since, limit).await?;
            wait = wait.max(wait_seconds(&failures, reservation.others(), counter.free_attempts, now));
        }
        if wait == 0 {
            return Ok(Guess { throttle: self, _reservations: reservations });
        }
        services.refusals.record(RefusalReason::TooManyFailures);
        tracing::warn!(login.hash = self.log_name(), "a password was not checked after too many failures");
        let retry_after_seconds = u32::try_from(wait).unwrap_or(u32::MAX);
        Err(rate_limited("", retry_after_seconds, "Too many failed attempts. Wait a moment before the next one.")
            .into())
    }

    /// Forgets the failures of the narrowest counter after a success.
    pub(crate) async fn forget(&self, conn: &mut Conn) -> Result<(), Error> {
        for counter in self.counters.iter().take(1) {
            session_queries::delete_sign_in_failures(conn, &counter.key).await?;
        }
        Ok(())
    }

    /// The key of the widest counter, shortened, as the pseudonym of the login in the log.
    fn log_name(&self) -> String {
        self.counters.last().map(|counter| hex::encode(&counter.key[..8])).unwrap_or_default()
    }
}

impl Guess<'_> {
    /// Records a wrong password: in the counters, the metrics, the log and, if the account exists, in the audit.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn fail(self, services: &Services, caller: &Caller) -> Result<(), Error> {
        let Throttle { counters, subject } = self.throttle;
        services.refusals.record(RefusalReason::WrongPassword);
        let request_id = caller.request_id.as_deref().unwrap_or_default();
        tracing::info!(request.id = request_id, login.hash = self.throttle.log_name(), "a password was wrong");
        let now = services.now();
        let rows: Vec<(Id, Key)> = counters.iter().map(|counter| (Id(services.rng.uuid(now)), counter.key)).collect();
        let key = counters.last().map(|counter| counter.key).unwrap_or_default();
        let failed = FailedPasswords { subject: subject.clone(), key: hex::encode(key), since: now };
        let job = failures::job(&failed, &services.sealer)?;
        let job_id = platform::ids::JobId::new(&*services.rng, now);
        services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    for (id, key) in rows {
                        session_queries::insert_sign_in_failure(conn, id, &key, now).await?;
                    }
                    Ok(platform::jobs::enqueue(conn, &job, job_id, now).await?)
                })
            })
            .await
    }
}

/// Forgets the failures of a login after its owner has proved the account in another way.
///
/// # Errors
/// When the database fails.
pub(crate) async fn forget_login(conn: &mut Conn, login: &Login, address: Option<RateAddress>) -> Result<(), Error> {
    for key in [key_of_login(login), key_at_address(login, address)] {
        session_queries::delete_sign_in_failures(conn, &key).await?;
    }
    Ok(())
}

fn key_of_login(login: &Login) -> Key {
    Sha256::new().chain_update("login:").chain_update(login.as_str()).finalize().into()
}

fn key_at_address(login: &Login, address: Option<RateAddress>) -> Key {
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let parts = ["login at address:", login.as_str(), "\0", &address];
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

/// Computes how long the next attempt has to wait, in seconds. `failures` are newest first; `pending` checks have not
/// ended and may fail.
fn wait_seconds(failures: &[Timestamp], pending: usize, free_attempts: usize, now: Timestamp) -> i64 {
    if failures.len() + pending < free_attempts {
        return 0;
    }
    if pending > 0 {
        return 1;
    }
    let Some(last) = failures.first() else { return 0 };
    let wait = (1_i64 << (failures.len() - free_attempts).min(6)).min(MAX_WAIT_SECONDS);
    let until = last.plus_seconds(wait);
    if now >= until { 0 } else { until.seconds_since(now) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_attempt_waits_a_second_and_the_twelfth_a_minute() {
        let now = Timestamp(1_000_000_000_000);
        assert_eq!(wait_seconds(&[now; 4], 0, 5, now), 0);
        assert_eq!(wait_seconds(&[now; 5], 0, 5, now), 2);
        assert_eq!(wait_seconds(&[now; 5], 0, 5, now.plus_seconds(1)), 0);
        assert_eq!(wait_seconds(&[now; 11], 0, 5, now), 61);
        assert_eq!(wait_seconds(&[now; 16], 0, 5, now.plus_seconds(60)), 0);
    }

    #[test]
    fn pending_checks_count_as_failures() {
        let now = Timestamp(1_000_000_000_000);
        assert_eq!(wait_seconds(&[], 4, 5, now), 0);
        assert_eq!(wait_seconds(&[], 5, 5, now), 1);
        assert_eq!(wait_seconds(&[now; 4], 1, 5, now), 1);
        assert_eq!(wait_seconds(&[now; 9], 1, 5, now.plus_seconds(600)), 1, "one at a time after the limit");
    }

    #[test]
    fn a_login_counts_by_address_and_a_username_apart_from_an_address() {
        let at = |text: &str| Some(RateAddress::from(text.parse::<std::net::IpAddr>().unwrap()));
        let login = Login::parse("arthur");
        assert_ne!(key_at_address(&login, at("192.0.2.1")), key_at_address(&login, at("192.0.2.2")));
        assert_ne!(key_at_address(&login, at("192.0.2.1")), key_of_login(&login));
        assert_ne!(key_of_login(&login), key_of_login(&Login::parse("arthur@example.org")));
    }
}

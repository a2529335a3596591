//! The row of a web hook and its retry schedule.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::ids::ConsumerId;
use platform::secrets::SealContext;
use platform::store::schema::feed_web_hooks;
use platform::text_enum;

/// The delay after the first failure, in seconds. It doubles with each failure up to [`MAX_DELAY_SECONDS`].
const FIRST_DELAY_SECONDS: i64 = 1;
const MAX_DELAY_SECONDS: i64 = 900;
/// The time of consecutive failures after which deliveries are given up, in seconds: a day.
pub const GIVE_UP_SECONDS: i64 = 24 * 3600;

text_enum! {
    /// The state of a web hook's deliveries.
    pub enum WebHookState {
        /// The last delivery succeeded, or there was none.
        Working = "WORKING",
        /// The last delivery failed, and the next attempt is scheduled.
        Failing = "FAILING",
        /// Deliveries have failed for a day and were given up. An operator can replay the hook.
        Dead = "DEAD",
    }
}

/// Why an endpoint did not accept a delivery.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// A sentence for operators.
    pub reason: String,
    /// When the endpoint wants to be called again.
    pub retry_after: Option<RetryAfter>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, retry_after: None }
    }
}

/// The header `Retry-After` (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    Seconds(i64),
    At(Timestamp),
}

impl RetryAfter {
    /// Reads the value of the header; `None` when it is malformed.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than an integer holds mean never.
        let seconds = || Self::Seconds(value.parse().unwrap_or(i64::MAX));
        if is_number { Some(seconds()) } else { Timestamp::parse_http_date(value).map(Self::At) }
    }

    fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Seconds(seconds) => now.plus_seconds(seconds),
            Self::At(at) => at,
        }
    }
}

/// The web hook of a consumer.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_web_hooks)]
pub struct WebHook {
    pub consumer_id: ConsumerId,
    pub url: String,
    /// The signing secret, sealed at [`WebHook::secret_context`].
    pub secret: Vec<u8>,
    pub created_at: Timestamp,
    /// The number of consecutive failures.
    pub attempts: i32,
    pub failing_since: Option<Timestamp>,
    /// The earliest time of the next attempt.
    pub next_at: Timestamp,
    pub last_error: Option<String>,
    /// When the claim of the delivering instance expires.
    pub claimed_until: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub dead_at: Option<Timestamp>,
    /// Whether it has received that the event is archived.
    pub closed: bool,
}

impl WebHook {
    /// Returns the seal context of the secret of a consumer's hook.
    pub const fn secret_context(consumer: &ConsumerId) -> SealContext<'_> {
        SealContext::of("feed_web_hooks", &consumer.0, "secret")
    }

    /// The state of its deliveries.
    pub const fn state(&self) -> WebHookState {
        match (self.dead_at, self.failing_since) {
            (Some(_), _) => WebHookState::Dead,
            (None, Some(_)) => WebHookState::Failing,
            (None, None) => WebHookState::Working,
        }
    }

    /// The hook after a failure at `now`. `jitter`, from 0 to 255, lengthens the delay by up to a quarter, so that
    /// hooks that failed together are not retried together. A later instant that the endpoint names is kept, up to
    /// [`GIVE_UP_SECONDS`] from now.
    #[must_use]
    pub fn after_failure(mut self, failure: &Failure, now: Timestamp, jitter: u8) -> Self {
        let doublings = u32::try_from(self.attempts.clamp(0, 16)).unwrap_or(0);
        let delay = (FIRST_DELAY_SECONDS << doublings).min(MAX_DELAY_SECONDS);
        let micros = delay * 1_000_000;
        self.attempts = self.attempts.saturating_add(1);
        let own = Timestamp(now.0.saturating_add(micros + micros * i64::from(jitter) / 1024));
        let named = failure.retry_after.map(|retry| retry.instant(now).min(now.plus_seconds(GIVE_UP_SECONDS)));
        self.next_at = named.map_or(own, |named| named.max(own));
        self.last_error = Some(failure.reason.chars().take(500).collect());
        let since = *self.failing_since.get_or_insert(now);
        if now.seconds_since(since) >= GIVE_UP_SECONDS {
            self.dead_at = Some(now);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> WebHook {
        WebHook {
            consumer_id: ConsumerId(uuid::Uuid::nil()),
            url: "https://x.example/".to_owned(),
            secret: Vec::new(),
            created_at: Timestamp(0),
            attempts: 0,
            failing_since: None,
            next_at: Timestamp(0),
            last_error: None,
            claimed_until: None,
            delivered_at: None,
            dead_at: None,
            closed: false,
        }
    }

    #[test]
    fn delays_double_and_a_day_of_failures_ends_deliveries() {
        let (mut hook, mut now, mut delays) = (hook(), Timestamp(0), Vec::new());
        while hook.dead_at.is_none() {
            hook = hook.after_failure(&"it does not answer".to_owned().into(), now, 0);
            delays.push(hook.next_at.seconds_since(now));
            now = hook.next_at;
        }
        assert_eq!(delays[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert_eq!(hook.state(), WebHookState::Dead);
        let lifetime = hook.dead_at.unwrap().seconds_since(Timestamp(0));
        assert!((GIVE_UP_SECONDS..GIVE_UP_SECONDS + MAX_DELAY_SECONDS).contains(&lifetime), "{lifetime}");
    }

    #[test]
    fn the_endpoint_may_name_a_later_attempt() {
        let next = |value: &str| {
            let failure = Failure { reason: String::new(), retry_after: RetryAfter::parse(value) };
            hook().after_failure(&failure, Timestamp::parse("1994-11-06T08:49:37Z").unwrap(), 0).next_at.to_string()
        };
        for (value, expected) in [
            ("120", "1994-11-06T08:51:37Z"),
            (" 120 ", "1994-11-06T08:51:37Z"),
            ("Sun, 06 Nov 1994 09:00:00 GMT", "1994-11-06T09:00:00Z"),
            ("Sun, 06 Nov 1994 08:00:00 GMT", "1994-11-06T08:49:38Z"),
            ("0", "1994-11-06T08:49:38Z"),
            ("-5", "1994-11-06T08:49:38Z"),
            ("soon", "1994-11-06T08:49:38Z"),
            ("99999999999999999999", "1994-11-07T08:49:37Z"),
        ] {
            assert_eq!(next(value), expected, "{value}");
        }
    }

    #[test]
    fn the_jitter_lengthens_a_delay_by_a_quarter_at_most() {
        for jitter in [0, 128, 255] {
            let next = hook().after_failure(&Failure::default(), Timestamp(0), jitter).next_at.0;
            assert!((1_000_000..1_250_000).contains(&next), "{next}");
        }
    }
}

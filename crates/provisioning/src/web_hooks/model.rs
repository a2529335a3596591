//! The row of a web hook.

use diesel::prelude::{Insertable, Queryable, Selectable};

use platform::clock::Timestamp;
use platform::ids::ConsumerId;
use platform::secrets::SealContext;
use platform::store::schema::feed_web_hooks;
use platform::text_enum;

/// The first pause after a failure, in seconds; it doubles up to [`LONGEST_PAUSE_SECONDS`].
const FIRST_PAUSE_SECONDS: i64 = 1;
const LONGEST_PAUSE_SECONDS: i64 = 900;
/// How long failures may go on until a hook is given up: a day, in seconds.
pub const PATIENCE_SECONDS: i64 = 24 * 3600;

text_enum! {
    /// How a web hook fares.
    pub enum WebHookState {
        /// What was called last was answered well.
        Working = "WORKING",
        /// It fails, and is tried again by itself.
        Failing = "FAILING",
        /// It has failed for a day: an operator replays it.
        Dead = "DEAD",
    }
}

/// Where a consumer wants to be called.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = feed_web_hooks)]
pub struct WebHook {
    pub consumer_id: ConsumerId,
    pub url: String,
    /// Sealed at [`WebHook::place`].
    pub secret: Vec<u8>,
    pub created_at: Timestamp,
    /// Failures in a row.
    pub attempts: i32,
    pub failing_since: Option<Timestamp>,
    /// When it may be called again.
    pub next_at: Timestamp,
    pub last_error: Option<String>,
    /// Until when the instance that is calling has it for itself.
    pub claimed_until: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub dead_at: Option<Timestamp>,
    /// Whether it knows that the event is archived.
    pub closed: bool,
}

impl WebHook {
    /// Where the secret of this consumer's hook is sealed for.
    pub const fn place(consumer: &ConsumerId) -> SealContext<'_> {
        SealContext::of("feed_web_hooks", &consumer.0, "secret")
    }

    /// How it fares.
    pub const fn state(&self) -> WebHookState {
        match (self.dead_at, self.failing_since) {
            (Some(_), _) => WebHookState::Dead,
            (None, Some(_)) => WebHookState::Failing,
            (None, None) => WebHookState::Working,
        }
    }

    /// The same hook after a failure at `now`; `spread` of 0 to 255 lengthens the pause by up to a quarter, so that hooks that
    /// failed together do not come back together.
    #[must_use]
    pub fn failed(mut self, error: &str, now: Timestamp, spread: u8) -> Self {
        let doublings = u32::try_from(self.attempts.clamp(0, 16)).unwrap_or(0);
        let pause = (FIRST_PAUSE_SECONDS << doublings).min(LONGEST_PAUSE_SECONDS);
        let micros = pause * 1_000_000;
        self.attempts = self.attempts.saturating_add(1);
        self.next_at = Timestamp(now.0.saturating_add(micros + micros * i64::from(spread) / 1024));
        self.last_error = Some(error.chars().take(500).collect());
        let since = *self.failing_since.get_or_insert(now);
        if now.seconds_since(since) >= PATIENCE_SECONDS {
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
    fn pauses_double_and_a_day_of_failures_ends_it() {
        let (mut hook, mut now, mut pauses) = (hook(), Timestamp(0), Vec::new());
        while hook.dead_at.is_none() {
            hook = hook.failed("it does not answer", now, 0);
            pauses.push(hook.next_at.seconds_since(now));
            now = hook.next_at;
        }
        assert_eq!(pauses[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
        assert_eq!(hook.state(), WebHookState::Dead);
        let lived = hook.dead_at.unwrap().seconds_since(Timestamp(0));
        assert!((PATIENCE_SECONDS..PATIENCE_SECONDS + LONGEST_PAUSE_SECONDS).contains(&lived), "{lived}");
    }

    #[test]
    fn the_spread_lengthens_a_pause_by_a_quarter_at_most() {
        for spread in [0, 128, 255] {
            let next = hook().failed("x", Timestamp(0), spread).next_at.0;
            assert!((1_000_000..1_250_000).contains(&next), "{next}");
        }
    }
}

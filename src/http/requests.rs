//! Counting requests by operation and outcome.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many different operations are told apart; what a client invents beyond that is `other`.
const OPERATIONS: usize = 256;

/// Requests and the seconds that they took, by operation and outcome.
#[derive(Default)]
pub struct RequestCounts(Mutex<BTreeMap<(String, String), (u64, Duration)>>);

impl RequestCounts {
    /// Counts one request. The outcome is `ok` or an error code.
    pub fn count(&self, operation: &str, outcome: &str, elapsed: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (operation.to_owned(), outcome.to_owned());
        if counts.len() >= OPERATIONS && !counts.contains_key(&key) {
            "other".clone_into(&mut key.0);
        }
        let (requests, seconds) = counts.entry(key).or_default();
        *requests += 1;
        *seconds += elapsed;
    }

    /// The counts in Prometheus' text format.
    pub fn write_into(&self, text: &mut String) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str("# HELP switchboard_requests_total Requests by operation and outcome.\n# TYPE switchboard_requests_total counter\n");
        for ((operation, outcome), (requests, _)) in counts.iter() {
            let _ = writeln!(
                text,
                "switchboard_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {requests}"
            );
        }
        text.push_str("# HELP switchboard_request_seconds_total Seconds that requests took.\n# TYPE switchboard_request_seconds_total counter\n");
        for ((operation, outcome), (_, elapsed)) in counts.iter() {
            let seconds = elapsed.as_secs_f64();
            let _ = writeln!(
                text,
                "switchboard_request_seconds_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {seconds}"
            );
        }
    }
}

//! Counting requests by operation and outcome.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many different operations are told apart; what a client invents beyond that is `other`.
const OPERATIONS: usize = 256;

/// Requests and the seconds that they took, by operation and outcome.
#[derive(Default)]
pub struct RequestCounts(Mutex<BTreeMap<String, Outcomes>>);

/// Counts of one operation, by outcome.
type Outcomes = BTreeMap<String, Count>;

#[derive(Default)]
struct Count {
    requests: u64,
    elapsed: Duration,
}

impl RequestCounts {
    /// Counts one request. The outcome is `ok` or an error code.
    pub fn count(&self, operation: &str, outcome: &str, elapsed: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(operation).and_then(|outcomes| outcomes.get_mut(outcome)) {
            return count.add(elapsed);
        }
        let is_told_apart = counts.len() < OPERATIONS || counts.contains_key(operation);
        let operation = if is_told_apart { operation } else { "other" };
        counts.entry(operation.to_owned()).or_default().entry(outcome.to_owned()).or_default().add(elapsed);
    }

    /// The counts in Prometheus' text format.
    pub fn write_into(&self, text: &mut String) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let each = || {
            counts.iter().flat_map(|(operation, outcomes)| {
                outcomes.iter().map(move |(outcome, count)| {
                    (format!("{{operation=\"{operation}\",outcome=\"{outcome}\"}}"), count)
                })
            })
        };
        text.push_str("# HELP switchboard_requests_total Requests by operation and outcome.\n# TYPE switchboard_requests_total counter\n");
        for (labels, count) in each() {
            let _ = writeln!(text, "switchboard_requests_total{labels} {}", count.requests);
        }
        text.push_str("# HELP switchboard_request_seconds_total Seconds that requests took.\n# TYPE switchboard_request_seconds_total counter\n");
        for (labels, count) in each() {
            let _ = writeln!(text, "switchboard_request_seconds_total{labels} {}", count.elapsed.as_secs_f64());
        }
    }
}

impl Count {
    fn add(&mut self, elapsed: Duration) {
        self.requests += 1;
        self.elapsed += elapsed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_invents_takes_no_room_for_ever() {
        let counts = RequestCounts::default();
        let second = Duration::from_secs(1);
        for n in 0..OPERATIONS + 2 {
            counts.count(&format!("o{n}"), "ok", second);
        }
        counts.count("o0", "ok", second);
        counts.count("o0", "NOT_FOUND", second);
        counts.count("unheard", "ok", second);
        let mut text = String::new();
        counts.write_into(&mut text);
        for line in [
            "switchboard_requests_total{operation=\"o0\",outcome=\"ok\"} 2",
            "switchboard_requests_total{operation=\"o0\",outcome=\"NOT_FOUND\"} 1",
            "switchboard_requests_total{operation=\"other\",outcome=\"ok\"} 3",
            "switchboard_request_seconds_total{operation=\"o0\",outcome=\"ok\"} 2",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
        }
        assert!(!text.contains("unheard"));
    }
}

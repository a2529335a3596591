//! Counts of finished requests, by operation and outcome.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// The maximal number of operations that are counted by name. Operations beyond it are counted as `other`, because
/// clients invent names of plain HTTP operations and of fields.
const MAX_OPERATIONS: usize = 256;

/// Requests and their duration, by operation and outcome.
#[derive(Debug, Default)]
pub struct RequestCounts(Mutex<BTreeMap<String, Outcomes>>);

/// The counts of one operation, by outcome.
type Outcomes = BTreeMap<String, Count>;

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    elapsed: Duration,
}

impl RequestCounts {
    /// Counts one request. The outcome is `ok` or an error code.
    pub fn record(&self, operation: &str, outcome: &str, elapsed: Duration) {
        let mut counts = self.lock();
        if let Some(count) = counts.get_mut(operation).and_then(|outcomes| outcomes.get_mut(outcome)) {
            return count.add(elapsed);
        }
        let has_name = counts.len() < MAX_OPERATIONS || counts.contains_key(operation);
        let operation = if has_name { operation } else { "other" };
        counts.entry(operation.to_owned()).or_default().entry(outcome.to_owned()).or_default().add(elapsed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Outcomes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode_counter<V: EncodeCounterValue>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: fn(&Count) -> V,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (operation, outcomes) in &*self.lock() {
            for (outcome, count) in outcomes {
                let labels = [("operation", operation.as_str()), ("outcome", outcome.as_str())];
                ConstCounter::new(value(count)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Collector for RequestCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let requests = |count: &Count| count.requests;
        self.encode_counter(&mut encoder, "requests", "Requests by operation and outcome.", requests)?;
        let seconds = |count: &Count| count.elapsed.as_secs_f64();
        self.encode_counter(&mut encoder, "request_seconds", "Seconds that requests took.", seconds)
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
    use std::sync::Arc;

    use prometheus_client::encoding::prometheus_text;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn the_number_of_operations_is_bounded() {
        let counts = Arc::new(RequestCounts::default());
        let second = Duration::from_secs(1);
        for n in 0..MAX_OPERATIONS + 2 {
            counts.record(&format!("o{n}"), "ok", second);
        }
        counts.record("o0", "ok", second);
        counts.record("o0", "NOT_FOUND", second);
        counts.record("unheard", "ok", second);
        let mut registry = Registry::with_prefix("switchboard");
        registry.register_collector(Box::new(counts));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        for line in [
            "# HELP switchboard_requests_total Requests by operation and outcome.",
            "# TYPE switchboard_requests_total counter",
            "switchboard_requests_total{operation=\"o0\",outcome=\"ok\"} 2",
            "switchboard_requests_total{operation=\"o0\",outcome=\"NOT_FOUND\"} 1",
            "switchboard_requests_total{operation=\"other\",outcome=\"ok\"} 3",
            "# TYPE switchboard_request_seconds_total counter",
            "switchboard_request_seconds_total{operation=\"o0\",outcome=\"ok\"} 2.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert!(!text.contains("unheard"));
    }
}

//! Metrics for Prometheus (text format 0.0.4), for programs on this machine and for API keys with READ_METRICS.
//!
//! They name events, drafts too, and telephone systems.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::address::{has_local_host, is_forwarded, is_local};
use super::app_state::AppState;
use super::authenticate::authenticate;
use super::http_error::HttpError;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use platform::access::{Actor, ApiKeyScope, RefusalReason};
use platform::error::{Error, InternalError};
use platform::jobs;
use provisioning::metrics::{ConsumerMetrics, FeedMetrics, ProvisioningMetrics, collect};

/// Answers `GET /metrics`.
pub async fn metrics(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, HttpError> {
    let (parts, _) = request.into_parts();
    let headers = &parts.headers;
    let is_local =
        is_local(peer.ip(), &state.0.serving.trusted_proxy, is_forwarded(headers)) && has_local_host(headers);
    if !is_local {
        let context = authenticate(&state, &parts).await?;
        if !matches!(&context.caller.actor, Actor::Key(key) if key.has(ApiKeyScope::ReadMetrics)) {
            let message = "Metrics are for programs on this machine and for API keys with READ_METRICS.";
            return Err(HttpError::new(ErrorCode::Forbidden, message));
        }
    }
    let text = render(&state.0).await?;
    Ok(([(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], text).into_response())
}

async fn render(app: &App) -> Result<String, Error> {
    let gauges = Gauges::read(app).await?;
    let mut registry = Registry::with_prefix("switchboard");
    registry.register_collector(Box::new(gauges));
    registry.register_collector(Box::new(Arc::clone(&app.request_counts)));
    registry.register_collector(Box::new(RefusalCounts(app.services.refusals.counts().collect())));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).map_err(InternalError::new)?;
    Ok(text)
}

/// What the database holds now.
#[derive(Debug)]
struct Gauges {
    accounts: i64,
    jobs_waiting: i64,
    feeds: Vec<FeedMetrics>,
    consumers: Vec<ConsumerMetrics>,
}

impl Gauges {
    async fn read(app: &App) -> Result<Self, Error> {
        let ProvisioningMetrics { feeds, consumers } = collect(&app.services).await?;
        let mut conn = app.services.store.read().await?;
        let accounts = accounts::count_accounts(&mut conn, None, None).await?;
        let jobs_waiting = jobs::waiting(&mut conn).await?;
        Ok(Self { accounts, jobs_waiting, feeds, consumers })
    }

    /// Encodes one gauge with a value for each consumer.
    fn encode_consumers(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        value: fn(&ConsumerMetrics) -> i64,
    ) -> fmt::Result {
        let values = self.consumers.iter().map(|consumer| {
            let ConsumerMetrics { event, service_type, consumer: name, .. } = consumer;
            let labels = [("consumer", name.as_str()), ("event", event), ("service_type", service_type)];
            (labels, value(consumer))
        });
        encode_gauge(encoder, name, help, values)
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        for (name, help, value) in [
            ("accounts", "Accounts that are not deleted.", self.accounts),
            ("jobs_waiting", "Jobs that are not done.", self.jobs_waiting),
        ] {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let entries = self.feeds.iter().map(|feed| {
            let FeedMetrics { event, service_type, entries } = feed;
            ([("event", event.as_str()), ("service_type", service_type)], *entries)
        });
        encode_gauge(encoder, "extensions", "Extensions by event and service type.", entries)?;
        let help = "Entries of its feed that a telephone system has not acknowledged.";
        self.encode_consumers(encoder, "feed_lag_records", help, |consumer| consumer.lag.records)?;
        let help = "Age of the oldest change that a telephone system has not acknowledged.";
        self.encode_consumers(encoder, "feed_lag_seconds", help, |consumer| consumer.lag.seconds)?;
        let help = "Extensions that a telephone system could not apply.";
        self.encode_consumers(encoder, "feed_errors", help, |consumer| consumer.failing)?;
        let help = "1 for a telephone system for which nothing waits.";
        self.encode_consumers(encoder, "feed_paused", help, |consumer| consumer.paused.into())?;
        let help = "1 for a telephone system whose web hook was given up.";
        self.encode_consumers(encoder, "web_hook_dead", help, |consumer| consumer.dead.into())
    }
}

/// Refused proofs and privileges by reason.
#[derive(Debug)]
struct RefusalCounts(Vec<(RefusalReason, u64)>);

impl Collector for RefusalCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Refused passwords, tokens, quotas and privileges by reason.";
        let mut family = encoder.encode_descriptor("refusals", help, None, MetricType::Counter)?;
        self.0.iter().try_for_each(|(reason, count)| {
            let labels = [("reason", reason.name())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)
        })
    }
}

/// Encodes one gauge with all its label sets.
fn encode_gauge<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (L, i64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    values.into_iter().try_for_each(|(labels, value)| ConstGauge::new(value).encode(family.encode_family(&labels)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provisioning::model::Lag;

    #[test]
    fn label_values_are_escaped() {
        let consumer = ConsumerMetrics {
            event: "camp".to_owned(),
            service_type: "sip".to_owned(),
            consumer: "a\"} 1\nup{b=\"\\".to_owned(),
            lag: Lag { records: 2, seconds: 30 },
            failing: 0,
            paused: false,
            dead: false,
        };
        let gauges = Gauges { accounts: 3, jobs_waiting: 0, feeds: Vec::new(), consumers: vec![consumer] };
        let mut registry = Registry::with_prefix("switchboard");
        registry.register_collector(Box::new(gauges));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        let accounts = "# HELP switchboard_accounts Accounts that are not deleted.\n# TYPE switchboard_accounts gauge\n\
             switchboard_accounts 3\n";
        assert!(text.starts_with(accounts), "{text}");
        let lag = "# HELP switchboard_feed_lag_records Entries of its feed that a telephone system has not acknowledged.\n\
             # TYPE switchboard_feed_lag_records gauge\n\
             switchboard_feed_lag_records{consumer=\"a\\\"} 1\\nup{b=\\\"\\\\\",event=\"camp\",service_type=\"sip\"} 2\n";
        assert!(text.contains(lag), "{text}");
    }
}

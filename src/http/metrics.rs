//! What the program counts, for Prometheus (text exposition format 0.0.4): to this machine, or to any key.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::authentication;
use platform::access::Actor;
use platform::error::Error;
use platform::jobs;
use provisioning::metrics::{ConsumerMetrics, FeedMetrics, ProvisioningMetrics, collect};

/// Answers `GET /metrics`.
pub async fn metrics(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let is_local = peer.ip().to_canonical().is_loopback() && app.serving.trusted_proxy.is_empty();
    if !is_local && !has_key(&app, &headers).await {
        return StatusCode::FORBIDDEN.into_response();
    }
    match gather(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(stop) => {
            tracing::warn!(error = ?stop, "metrics could not be gathered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn has_key(app: &App, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    matches!(authentication::actor_of(&app.services, token).await, Ok(Some(Actor::Key(_))))
}

async fn gather(app: &App) -> Result<String, Error> {
    let ProvisioningMetrics { feeds, consumers } = collect(&app.services).await?;
    let mut conn = app.services.store.read().await?;
    let accounts = accounts::queries::count(&mut conn, None, None).await?;
    let waiting = jobs::waiting(&mut conn).await?;
    drop(conn);
    let mut text = String::new();
    gauge(&mut text, "accounts", "Accounts that are not deleted.", [(String::new(), accounts)]);
    gauge(&mut text, "jobs_waiting", "Jobs that are not done.", [(String::new(), waiting)]);
    gauge(&mut text, "extensions", "Extensions by event and service type.", feeds.iter().map(extensions));
    let of_consumers = |value: fn(&ConsumerMetrics) -> i64| consumers.iter().map(move |one| (labels(one), value(one)));
    gauge(
        &mut text,
        "feed_lag_records",
        "Entries of its feed that a telephone system has not acknowledged.",
        of_consumers(|one| one.lag.records),
    );
    gauge(
        &mut text,
        "feed_lag_seconds",
        "Age of the oldest change that a telephone system has not acknowledged.",
        of_consumers(|one| one.lag.seconds),
    );
    gauge(
        &mut text,
        "feed_errors",
        "Extensions that a telephone system could not apply.",
        of_consumers(|one| one.failing),
    );
    gauge(
        &mut text,
        "feed_paused",
        "1 for a telephone system for which nothing waits.",
        of_consumers(|one| i64::from(one.paused)),
    );
    gauge(
        &mut text,
        "web_hook_dead",
        "1 for a telephone system whose web hook was given up.",
        of_consumers(|one| i64::from(one.dead)),
    );
    app.requests.write_into(&mut text);
    Ok(text)
}

fn extensions(feed: &FeedMetrics) -> (String, i64) {
    let FeedMetrics { event, service_type, extensions } = feed;
    (format!("{{event=\"{}\",service_type=\"{}\"}}", Label(event), Label(service_type)), *extensions)
}

fn labels(one: &ConsumerMetrics) -> String {
    let ConsumerMetrics { event, service_type, consumer, .. } = one;
    format!("{{consumer=\"{}\",event=\"{}\",service_type=\"{}\"}}", Label(consumer), Label(event), Label(service_type))
}

/// Writes one metric with all its label sets. Writing into a string does not fail.
fn gauge(text: &mut String, name: &str, help: &str, values: impl IntoIterator<Item = (String, i64)>) {
    let _ = writeln!(text, "# HELP switchboard_{name} {help}\n# TYPE switchboard_{name} gauge");
    for (labels, value) in values {
        let _ = writeln!(text, "switchboard_{name}{labels} {value}");
    }
}

/// The value of a label: a backslash, a quote and a line's end are escaped.
struct Label<'a>(&'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provisioning::model::Lag;

    #[test]
    fn a_name_cannot_write_a_metric_of_its_own() {
        let consumer = ConsumerMetrics {
            event: "camp".to_owned(),
            service_type: "sip".to_owned(),
            consumer: "a\"} 1\nup{b=\"\\".to_owned(),
            lag: Lag { records: 2, seconds: 30 },
            failing: 0,
            paused: false,
            dead: false,
        };
        let mut text = String::new();
        gauge(&mut text, "feed_lag_records", "Lag.", [(labels(&consumer), consumer.lag.records)]);
        assert_eq!(
            text,
            "# HELP switchboard_feed_lag_records Lag.\n# TYPE switchboard_feed_lag_records gauge\n\
             switchboard_feed_lag_records{consumer=\"a\\\"} 1\\nup{b=\\\"\\\\\",event=\"camp\",service_type=\"sip\"} 2\n"
        );
    }
}

//! `/metrics`.

use std::time::Duration;

use crate::support::{Scope, TestApp};

async fn metrics(app: &TestApp) -> String {
    reqwest::get(format!("{}/metrics", app.url)).await.unwrap().text().await.unwrap()
}

/// The value of a metric, named with its labels.
fn value(text: &str, metric: &str) -> i64 {
    let sample = text.lines().filter_map(|line| line.rsplit_once(' ')).find(|(name, _)| *name == metric);
    let (_, value) = sample.unwrap_or_else(|| panic!("no {metric} in {text}"));
    value.parse().unwrap()
}

pub async fn metrics_count_extensions_and_the_lag_of_consumers(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let system = admin.connects_system(Scope::ReadConfig, "sip").await;
    system.becomes_consumer(&admin, "sip \"1\"").await;
    system.acknowledges("sip \"1\"").await;

    let extensions = "switchboard_extensions{event=\"demo\",service_type=\"sip\"}";
    let labels = "{consumer=\"sip \\\"1\\\"\",event=\"demo\",service_type=\"sip\"}";
    let lag_records = format!("switchboard_feed_lag_records{labels}");
    let before = metrics(&app).await;
    assert_eq!(value(&before, &lag_records), 0);
    user.registers("sip", "2342").await.ok();
    let deleted = user.registers("sip", "2343").await.id();
    user.deletes(&deleted).await.ok();
    app.clock.advance(Duration::from_secs(30));
    let after = metrics(&app).await;
    assert_eq!(value(&after, extensions), value(&before, extensions) + 1);
    assert_eq!(value(&after, &lag_records), 2, "an upsert and a removal");
    assert_eq!(value(&after, &format!("switchboard_feed_lag_seconds{labels}")), 30);
    assert_eq!(value(&after, &format!("switchboard_feed_errors{labels}")), 0);
    let requests = "switchboard_requests_total{operation=\"registerExtension\",outcome=\"ok\"}";
    assert_eq!(value(&after, requests), 2);
}

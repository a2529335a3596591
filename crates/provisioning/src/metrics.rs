//! Metrics of feeds and consumers.

use std::collections::HashMap;

use super::consumers::lag_in;
use super::model::Lag;
use super::{consumer_queries, queries};
use platform::error::Error;
use platform::services::Services;

/// The metrics of one feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedMetrics {
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
    /// The number of present entries.
    pub entries: i64,
}

/// The metrics of one consumer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerMetrics {
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
    /// The name of the consumer.
    pub consumer: String,
    pub lag: Lag,
    /// The number of extensions that it could not apply.
    pub failing: i64,
    pub paused: bool,
    /// Whether deliveries to its web hook were given up.
    pub dead: bool,
}

/// The metrics of all feeds and consumers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvisioningMetrics {
    pub feeds: Vec<FeedMetrics>,
    pub consumers: Vec<ConsumerMetrics>,
}

/// Collects the metrics of every feed that was ever used, and of every consumer.
///
/// # Errors
/// A database error.
pub async fn collect(services: &Services) -> Result<ProvisioningMetrics, Error> {
    let mut conn = services.store.read().await?;
    let sizes = queries::feed_sizes(&mut conn).await?;
    let slugs: HashMap<_, _> =
        sizes.iter().map(|row| (row.id, (row.event.clone(), row.service_type.clone()))).collect();
    let feeds = sizes
        .into_iter()
        .map(|row| FeedMetrics { event: row.event, service_type: row.service_type, entries: row.entries })
        .collect();
    let error_counts: HashMap<_, _> = consumer_queries::error_counts(&mut conn).await?.into_iter().collect();
    let mut consumers = Vec::new();
    for consumer in consumer_queries::all(&mut conn).await? {
        let Some((event, service_type)) = slugs.get(&consumer.feed_id).cloned() else { continue };
        let lag = lag_in(&mut conn, &consumer, services.now()).await?;
        let failing = error_counts.get(&consumer.id).copied().unwrap_or_default();
        let hook = super::web_hooks::of_consumer_in(&mut conn, consumer.id).await?;
        let dead = hook.is_some_and(|hook| hook.dead_at.is_some());
        let (consumer, paused) = (consumer.name, consumer.paused);
        consumers.push(ConsumerMetrics { event, service_type, consumer, lag, failing, paused, dead });
    }
    Ok(ProvisioningMetrics { feeds, consumers })
}

//! How full the feeds are, and how far the telephone systems have read them: numbers for whoever watches the installation.

use std::collections::HashMap;

use super::consumers::lag_in;
use super::model::Lag;
use super::{consumer_queries, queries};
use platform::error::Error;
use platform::services::Services;

/// One feed: an event and a service type, by their slugs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedGauge {
    pub event: String,
    pub service_type: String,
    /// Every extension has one entry in its own feed, so this is how many there are.
    pub extensions: i64,
}

/// One telephone system of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGauge {
    pub event: String,
    pub service_type: String,
    pub consumer: String,
    pub lag: Lag,
    /// Extensions that it could not apply.
    pub failing: i64,
    pub paused: bool,
    /// Whether its web hook was given up.
    pub dead: bool,
}

/// Every feed in which anything ever was, and every consumer.
///
/// # Errors
/// When the database refuses.
pub async fn gauges(services: &Services) -> Result<(Vec<FeedGauge>, Vec<ConsumerGauge>), Error> {
    let mut conn = services.store.read().await?;
    let mut feeds = Vec::new();
    let mut places = HashMap::new();
    for (id, event, service_type, extensions) in queries::sizes(&mut conn).await? {
        places.insert(id, (event.clone(), service_type.clone()));
        feeds.push(FeedGauge { event, service_type, extensions });
    }
    let failing: HashMap<_, _> = consumer_queries::error_counts(&mut conn).await?.into_iter().collect();
    let mut consumers = Vec::new();
    for consumer in consumer_queries::all(&mut conn).await? {
        let Some((event, service_type)) = places.get(&consumer.feed_id).cloned() else { continue };
        let lag = lag_in(&mut conn, &consumer, services.now()).await?;
        let failing = failing.get(&consumer.id).copied().unwrap_or_default();
        let hook = super::web_hooks::of_consumer_in(&mut conn, consumer.id).await?;
        let dead = hook.is_some_and(|hook| hook.dead_at.is_some());
        let (consumer, paused) = (consumer.name, consumer.paused);
        consumers.push(ConsumerGauge { event, service_type, consumer, lag, failing, paused, dead });
    }
    Ok((feeds, consumers))
}

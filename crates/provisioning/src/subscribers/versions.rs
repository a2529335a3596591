//! Shared reads of feed ids, feed versions and heads.
//!
//! In an installation with one process a result is never older than the call: each change of a feed is notified before
//! its mutation returns. A change by another instance is seen after its notification or, when that is lost, within
//! [`MAX_AGE`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::FeedName;
use crate::context_queries::{self, NamedFeed};
use crate::feed::FeedReader;
use crate::snapshot_export::FeedVersion;
use platform::access::FeedScope;
use platform::error::Error;
use platform::feed_log::{self, FeedRef, Revision};
use platform::ids::FeedId;
use platform::notifications::single_flight::{Conversion, Generation, SingleFlight};
use platform::services::Services;

/// The largest age of a result without a notification.
const MAX_AGE: Duration = Duration::from_millis(200);

/// The newest versions and heads of feeds.
pub struct VersionCache {
    feeds: SingleFlight<FeedName, NamedFeed>,
    versions: SingleFlight<FeedScope, Option<FeedVersion>>,
    heads: SingleFlight<FeedId, FeedHead>,
    /// The id of a feed never changes, so it is cached without limit.
    ids: Mutex<HashMap<FeedRef, FeedId>>,
}

/// The head of a feed.
#[derive(Clone, Copy)]
pub struct FeedHead {
    /// `None` for a feed that does not exist any more.
    pub revision: Option<Revision>,
    /// Whether the event is not archived.
    pub is_open: bool,
}

impl Default for VersionCache {
    fn default() -> Self {
        Self {
            feeds: SingleFlight::new(MAX_AGE),
            versions: SingleFlight::new(MAX_AGE),
            heads: SingleFlight::new(MAX_AGE),
            ids: Mutex::default(),
        }
    }
}

impl VersionCache {
    /// The feed with this name; `None` when the event or the service type does not exist.
    ///
    /// # Errors
    /// A database error.
    pub(super) async fn feed(&self, services: &Services, name: &FeedName) -> Result<Option<NamedFeed>, Error> {
        let current = || services.notifier.catalogue_generation();
        let read = async || {
            let mut conn = services.store.read().await?;
            Ok::<_, Error>(context_queries::feed_by_slugs(&mut conn, &name.event, &name.service_type).await?)
        };
        let conversion = Conversion { to_cached: |feed: &Option<NamedFeed>| *feed, from_cached: Some };
        self.feeds.get(name, Generation { required: current(), current }, read, conversion).await
    }

    /// The version of a feed as [`FeedReader::version`] returns it, with the feed's id.
    ///
    /// # Errors
    /// A database error.
    pub(super) async fn version(&self, reader: &FeedReader) -> Result<(Option<FeedVersion>, FeedId), Error> {
        let notifier = &reader.services.notifier;
        let feed = match self.cached_id(reader) {
            Some(feed) => feed,
            None => Box::pin(self.read_id(reader)).await?,
        };
        // Both generations only grow, so a read that started at this sum has seen both of them.
        let current = || notifier.feed_generation(feed) + notifier.catalogue_generation();
        let read = async || reader.version().await;
        let conversion = Conversion {
            to_cached: |version: &Option<FeedVersion>| Some(version.clone()),
            from_cached: |version| version,
        };
        let generation = Generation { required: current(), current };
        let version = self.versions.get(&reader.scope(), generation, read, conversion).await?;
        Ok((version, feed))
    }

    fn cached_id(&self, reader: &FeedReader) -> Option<FeedId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(&reader.reference()).copied()
    }

    async fn read_id(&self, reader: &FeedReader) -> Result<FeedId, Error> {
        let feed = reader.feed().await?.id;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(reader.reference(), feed);
        Ok(feed)
    }

    /// The head of a feed, for polling.
    ///
    /// # Errors
    /// A database error.
    pub(crate) async fn head(&self, reader: &FeedReader, feed: FeedId) -> Result<FeedHead, Error> {
        let services = &reader.services;
        let current = || services.notifier.feed_generation(feed);
        let read = async || {
            let mut conn = services.store.read().await?;
            let revision = feed_log::feed_by_id(&mut conn, feed).await?.map(|feed| feed.head);
            let archived = context_queries::is_archived(&mut conn, reader.scope().event()).await?;
            Ok::<_, Error>(FeedHead { revision, is_open: archived == Some(false) })
        };
        let conversion = Conversion { to_cached: |head: &FeedHead| Some(*head), from_cached: |head| head };
        self.heads.get(&feed, Generation { required: current(), current }, read, conversion).await
    }
}

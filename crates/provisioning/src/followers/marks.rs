//! What tells whether a feed is still as somebody has it, read once for those who ask at the same moment.
//!
//! In an installation of one process an answer is never older than the question: whatever changes a feed here rings before its
//! caller is told. What another process changes is found with its ring, or, where that is lost, within [`FRESH`].

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::FeedName;
use platform::access::FeedScope;
use platform::error::Error;
use platform::feed_log::{self, FeedRef, Revision};
use platform::ids::FeedId;
use platform::notifications::single_flight::SingleFlight;
use crate::content_queries;
use crate::feed::Reader;
use crate::whole::FeedVersion;
use platform::services::Services;

/// How old an answer may be where no bell rang.
const FRESH: Duration = Duration::from_millis(200);

/// The newest marks of feeds, and where the feeds are.
pub struct Marks {
    feeds: SingleFlight<FeedName, FeedRef>,
    marks: SingleFlight<FeedScope, Option<FeedVersion>>,
    heads: SingleFlight<FeedId, Head>,
    /// A feed has one id for as long as it is there.
    ids: Mutex<HashMap<FeedRef, FeedId>>,
}

/// Where a feed is.
#[derive(Clone, Copy)]
pub struct Head {
    /// `None` for a feed that is not there any more.
    pub revision: Option<Revision>,
    /// Whether its event is open to be followed.
    pub is_open: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            feeds: SingleFlight::new(FRESH),
            marks: SingleFlight::new(FRESH),
            heads: SingleFlight::new(FRESH),
            ids: Mutex::default(),
        }
    }
}

impl Marks {
    /// The feed of this name; `None` for one that is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn feed(&self, services: &Services, name: &FeedName) -> Result<Option<FeedRef>, Error> {
        let rings = || services.notifier.catalogue_generation();
        let read = async || {
            let mut conn = services.store.read().await?;
            let found = content_queries::ids_by_slug(&mut conn, &name.event, &name.service_type).await?;
            Ok::<_, Error>(found.map(|(event, service_type)| FeedRef { event, service_type }))
        };
        self.feeds.get(name, (rings(), rings), read, (Clone::clone, Some)).await
    }

    /// As [`Reader::mark`].
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn mark(&self, reader: &Reader) -> Result<(Option<FeedVersion>, FeedId), Error> {
        let notifier = &reader.services.notifier;
        let feed = match self.id(reader) {
            Some(feed) => feed,
            None => Box::pin(self.find_id(reader)).await?,
        };
        // Both only ever grow: who has the sum of then has both of then.
        let rings = || notifier.feed_generation(feed) + notifier.catalogue_generation();
        let read = async || reader.mark().await;
        let mark =
            self.marks.get(&reader.scope(), (rings(), rings), read, (|mark| Some(mark.clone()), |mark| mark)).await?;
        Ok((mark, feed))
    }

    fn id(&self, reader: &Reader) -> Option<FeedId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(&reader.reference()).copied()
    }

    async fn find_id(&self, reader: &Reader) -> Result<FeedId, Error> {
        let feed = reader.feed().await?.id;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(reader.reference(), feed);
        Ok(feed)
    }

    /// Where the feed is, for whoever waits and has heard no bell.
    ///
    /// # Errors
    /// When the database refuses.
    pub(in crate) async fn head(&self, reader: &Reader, feed: FeedId) -> Result<Head, Error> {
        let services = &reader.services;
        let rings = || services.notifier.feed_generation(feed);
        let read = async || {
            let mut conn = services.store.read().await?;
            let revision = feed_log::feed_by_id(&mut conn, feed).await?.map(|feed| feed.head);
            let archived = content_queries::is_archived(&mut conn, reader.scope().event()).await?;
            Ok::<_, Error>(Head { revision, is_open: archived == Some(false) })
        };
        self.heads.get(&feed, (rings(), rings), read, (|head| Some(*head), |head| head)).await
    }
}

//! What tells whether a feed is still as somebody has it, read once for those who ask at the same moment.
//!
//! In an installation of one process an answer is never older than the question: whatever changes a feed here rings before its
//! caller is told. What another process changes is found with its ring, or, where that is lost, within [`FRESH`].

use std::time::Duration;

use crate::access::FeedScope;
use crate::changes::shared::Shared;
use crate::changes::{self, FeedRef, Revision};
use crate::ids::FeedId;
use crate::problem::Stop;
use crate::provisioning::content_queries;
use crate::provisioning::feed::Reader;
use crate::provisioning::whole::Mark;
use crate::services::Services;

/// How old an answer may be where no bell rang.
const FRESH: Duration = Duration::from_millis(200);

/// The newest marks of feeds, and where the feeds are.
pub struct Marks {
    feeds: Shared<(String, String), FeedRef>,
    ids: Shared<FeedRef, FeedId>,
    marks: Shared<FeedScope, Option<Mark>>,
    heads: Shared<FeedId, Head>,
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
            feeds: Shared::new(FRESH),
            ids: Shared::new(FRESH),
            marks: Shared::new(FRESH),
            heads: Shared::new(FRESH),
        }
    }
}

impl Marks {
    /// The feed of an event and a service type by their slugs; `None` for what is not there.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn feed(
        &self,
        services: &Services,
        event: &str,
        service_type: &str,
    ) -> Result<Option<FeedRef>, Stop> {
        let rings = || services.doorbell.catalogue_rings();
        let read = async || {
            let mut conn = services.store.read().await?;
            let found = content_queries::ids_by_slug(&mut conn, event, service_type).await?;
            Ok::<_, Stop>(found.map(|(event, service_type)| FeedRef { event, service_type }))
        };
        let question = (event.to_owned(), service_type.to_owned());
        self.feeds.ask(question, (rings(), rings), read, (Clone::clone, Some)).await
    }

    /// As [`Reader::mark`].
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn mark(&self, reader: &Reader) -> Result<(Option<Mark>, FeedId), Stop> {
        let doorbell = &reader.services.doorbell;
        let id = async || Ok::<_, Stop>(reader.feed().await?.id);
        let feed = self.ids.ask(reader.reference(), (0, || 0), id, (|id| Some(*id), |id| id)).await?;
        // Both only ever grow: who has the sum of then has both of then.
        let rings = || doorbell.feed_rings(feed) + doorbell.catalogue_rings();
        let read = async || reader.mark().await;
        let mark =
            self.marks.ask(reader.scope(), (rings(), rings), read, (|mark| Some(mark.clone()), |mark| mark)).await?;
        Ok((mark, feed))
    }

    /// Where the feed is, for whoever waits and has heard no bell.
    ///
    /// # Errors
    /// When the database refuses.
    pub(in crate::provisioning) async fn head(&self, reader: &Reader, feed: FeedId) -> Result<Head, Stop> {
        let services = &reader.services;
        let rings = || services.doorbell.feed_rings(feed);
        let read = async || {
            let mut conn = services.store.read().await?;
            let revision = changes::feed_by_id(&mut conn, feed).await?.map(|feed| feed.head);
            let archived = content_queries::is_archived(&mut conn, reader.scope().event()).await?;
            Ok::<_, Stop>(Head { revision, is_open: archived == Some(false) })
        };
        self.heads.ask(feed, (rings(), rings), read, (|head| Some(*head), |head| head)).await
    }
}

//! Shared reads of the next page, for subscribers at the same position of a feed with the same scope.

use std::sync::Arc;
use std::time::Duration;

use crate::cursor::Cursor;
use crate::feed::FeedReader;
use crate::model::{ChangesPage, ChangesResponse};
use platform::access::FeedScope;
use platform::error::Error;
use platform::ids::FeedId;
use platform::notifications::single_flight::{Conversion, Generation, SingleFlight};

/// The time for which a page is shared. Subscribers that one notification wakes ask within less.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The newest pages of changes.
pub struct PageCache(SingleFlight<PageKey, Arc<ChangesPage>>);

/// Everything that a page depends on, apart from the content of the database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct PageKey {
    feed: FeedId,
    /// The event, the service type, and whether secrets and digests are shown.
    scope: FeedScope,
    since: Cursor,
    first: usize,
    /// The generation of the catalogue: a schema decides which parameters are visible.
    catalogue: u64,
}

impl Default for PageCache {
    fn default() -> Self {
        Self(SingleFlight::new(MAX_AGE))
    }
}

impl PageCache {
    /// [`FeedReader::changes`] for a subscriber that was woken at this generation of the feed. A page with secrets in
    /// clear text is not cached: each reader with that scope reads for itself.
    ///
    /// # Errors
    /// A database error.
    pub(crate) async fn changes(
        &self,
        reader: &FeedReader,
        feed: FeedId,
        (since, first): (Cursor, usize),
        generation: u64,
    ) -> Result<ChangesResponse, Error> {
        let (scope, notifier) = (reader.scope(), &reader.services.notifier);
        if scope.secrets() {
            return reader.changes(since, first).await;
        }
        let key = PageKey { feed, scope, since, first, catalogue: notifier.catalogue_generation() };
        let generation = Generation { required: generation, current: || notifier.feed_generation(feed) };
        let read = async || reader.changes(since, first).await;
        let conversion = Conversion { to_cached: page_of, from_cached: ChangesResponse::Page };
        self.0.get(&key, generation, read, conversion).await
    }
}

/// The page of a response; a reset is not cached.
fn page_of(response: &ChangesResponse) -> Option<Arc<ChangesPage>> {
    match response {
        ChangesResponse::Page(page) => Some(Arc::clone(page)),
        ChangesResponse::Reset(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;
    use platform::access::{Actor, ApiKeyScope, Key, feed_scope};
    use platform::ids::{ApiKeyId, EventId, ServiceTypeId};

    const CURSOR: Cursor = Cursor { feed: Uuid::nil(), epoch: Uuid::nil(), base: 1, position: 1, tag: [0; 8] };

    fn scope(event: u128, service_type: u128, scopes: &[ApiKeyScope]) -> FeedScope {
        let key = Key {
            id: ApiKeyId(Uuid::nil()),
            prefix: String::new(),
            scopes: [&[ApiKeyScope::ReadConfig], scopes].concat(),
            service_types: vec![ServiceTypeId(Uuid::from_u128(service_type))],
            events: Vec::new(),
            all_events: true,
        };
        let (event, service_type) = (EventId(Uuid::from_u128(event)), ServiceTypeId(Uuid::from_u128(service_type)));
        feed_scope(&Actor::Key(Arc::new(key)), event, service_type).unwrap()
    }

    #[test]
    fn different_feeds_scopes_and_positions_have_different_keys() {
        let staff =
            feed_scope(&Actor::System("web hook"), EventId(Uuid::from_u128(1)), ServiceTypeId(Uuid::from_u128(1)));
        let same =
            PageKey { feed: FeedId(Uuid::nil()), scope: scope(1, 1, &[]), since: CURSOR, first: 50, catalogue: 0 };
        let keys = [
            same.clone(),
            PageKey { feed: FeedId(Uuid::max()), ..same.clone() },
            PageKey { scope: scope(2, 1, &[]), ..same.clone() },
            PageKey { scope: scope(1, 2, &[]), ..same.clone() },
            PageKey { scope: scope(1, 1, &[ApiKeyScope::ReadDigests]), ..same.clone() },
            PageKey { scope: scope(1, 1, &[ApiKeyScope::ReadSecrets]), ..same.clone() },
            PageKey { scope: staff.unwrap(), ..same.clone() },
            PageKey { since: Cursor { feed: Uuid::max(), ..CURSOR }, ..same.clone() },
            PageKey { since: Cursor { epoch: Uuid::max(), ..CURSOR }, ..same.clone() },
            PageKey { since: Cursor { base: 0, ..CURSOR }, ..same.clone() },
            PageKey { since: Cursor { position: 2, ..CURSOR }, ..same.clone() },
            PageKey { since: Cursor { tag: [1; 8], ..CURSOR }, ..same.clone() },
            PageKey { first: 51, ..same.clone() },
            PageKey { catalogue: 1, ..same.clone() },
        ];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        // The API key itself is not part of the key: two with the same scope share a page.
        assert_eq!(PageKey { scope: scope(1, 1, &[]), ..same.clone() }, same);
    }
}

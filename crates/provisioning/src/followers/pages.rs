//! One reading of the next page for all who stand at the same place of a feed and see the same of it.

use std::sync::Arc;
use std::time::Duration;

use platform::access::FeedScope;
use platform::error::Error;
use platform::ids::FeedId;
use platform::notifications::single_flight::SingleFlight;
use crate::cursor::Cursor;
use crate::feed::Reader;
use crate::model::{ChangesPage, FeedAnswer};

/// For how long a page is handed on: those whom one bell has woken ask within less.
const FRESH: Duration = Duration::from_secs(1);

/// The newest pages for those who follow feeds.
pub struct Pages(SingleFlight<Question, Arc<ChangesPage>>);

/// Everything that a page depends on, beside what the database holds when it is read. The scope has the event, the service type,
/// and what of a secret is seen.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Question {
    feed: FeedId,
    scope: FeedScope,
    since: Cursor,
    first: usize,
    /// How often the catalogue's bell had rung: a schema says what is visible.
    catalogue: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self(SingleFlight::new(FRESH))
    }
}

impl Pages {
    /// As [`Reader::changes`], for a reader whom the ring number `rung` of the feed's bell has woken. Clear secrets are not kept for
    /// others: who may see them reads for himself.
    ///
    /// # Errors
    /// When the database refuses.
    pub(in crate) async fn changes(
        &self,
        reader: &Reader,
        feed: FeedId,
        (since, first): (Cursor, usize),
        rung: u64,
    ) -> Result<FeedAnswer, Error> {
        let (scope, notifier) = (reader.scope(), &reader.services.notifier);
        if scope.secrets() {
            return reader.changes(since, first).await;
        }
        let question = Question { feed, scope, since, first, catalogue: notifier.catalogue_generation() };
        let page = |answer: &FeedAnswer| match answer {
            FeedAnswer::Page(page) => Some(Arc::clone(page)),
            FeedAnswer::Reset(_) => None,
        };
        let rings = || notifier.feed_generation(feed);
        self.0
            .get(&question, (rung, rings), async || reader.changes(since, first).await, (page, FeedAnswer::Page))
            .await
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

    fn scope(event: u128, service_type: u128, more: &[ApiKeyScope]) -> FeedScope {
        let key = Key {
            id: ApiKeyId(Uuid::nil()),
            prefix: String::new(),
            scopes: [&[ApiKeyScope::ReadConfig], more].concat(),
            service_types: vec![ServiceTypeId(Uuid::from_u128(service_type))],
            events: Vec::new(),
            all_events: true,
        };
        let (event, service_type) = (EventId(Uuid::from_u128(event)), ServiceTypeId(Uuid::from_u128(service_type)));
        feed_scope(&Actor::Key(Arc::new(key)), event, service_type).unwrap()
    }

    #[test]
    fn two_feeds_two_scopes_and_two_places_are_never_the_same_question() {
        let staff =
            feed_scope(&Actor::System("web hook"), EventId(Uuid::from_u128(1)), ServiceTypeId(Uuid::from_u128(1)));
        let same =
            Question { feed: FeedId(Uuid::nil()), scope: scope(1, 1, &[]), since: CURSOR, first: 50, catalogue: 0 };
        let questions = [
            same.clone(),
            Question { feed: FeedId(Uuid::max()), ..same.clone() },
            Question { scope: scope(2, 1, &[]), ..same.clone() },
            Question { scope: scope(1, 2, &[]), ..same.clone() },
            Question { scope: scope(1, 1, &[ApiKeyScope::ReadDigests]), ..same.clone() },
            Question { scope: scope(1, 1, &[ApiKeyScope::ReadSecrets]), ..same.clone() },
            Question { scope: staff.unwrap(), ..same.clone() },
            Question { since: Cursor { feed: Uuid::max(), ..CURSOR }, ..same.clone() },
            Question { since: Cursor { epoch: Uuid::max(), ..CURSOR }, ..same.clone() },
            Question { since: Cursor { base: 0, ..CURSOR }, ..same.clone() },
            Question { since: Cursor { position: 2, ..CURSOR }, ..same.clone() },
            Question { since: Cursor { tag: [1; 8], ..CURSOR }, ..same.clone() },
            Question { first: 51, ..same.clone() },
            Question { catalogue: 1, ..same.clone() },
        ];
        assert_eq!(questions.iter().collect::<HashSet<_>>().len(), questions.len());
        // Which key it is makes no difference: two that may see the same share it.
        assert_eq!(Question { scope: scope(1, 1, &[]), ..same.clone() }, same);
    }
}

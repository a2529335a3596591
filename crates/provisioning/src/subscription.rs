//! Subscriptions: a stream of the pages of a feed as transactions commit.

use std::sync::Arc;

use futures_util::Stream;

use super::cursor::Cursor;
use super::feed::FeedReader;
use super::feed_events::{FeedEvents, POLL_INTERVAL, WakeReason};
use super::model::ChangesResponse;
use super::subscribers::Subscribers;
use platform::error::Error;

/// The number of entries that a page has at least, if there are as many.
const PAGE_SIZE: usize = 500;

/// Subscribes to a feed. The first item has the changes after `since`, or is an empty page at the head when `since` is
/// `None`; each later item has the changes committed meanwhile. The stream ends after a reset and when the reader loses
/// its permission. Subscriptions with the same `subscribers`, position and scope share their reads.
///
/// # Errors
/// A database error at the start. The stream retries later temporary errors by itself.
pub async fn subscribe(
    reader: FeedReader,
    since: Option<Cursor>,
    subscribers: Arc<Subscribers>,
) -> Result<impl Stream<Item = Result<ChangesResponse, Error>> + Send, Error> {
    let events = FeedEvents::listen(reader, subscribers).await?;
    let subscription = Subscription { events, position: since, state: State::First };
    Ok(futures_util::stream::unfold(subscription, |mut subscription| async move {
        subscription.next().await.map(|response| (response, subscription))
    }))
}

struct Subscription {
    events: FeedEvents,
    position: Option<Cursor>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    First,
    /// The last page was not the last of the feed.
    Behind,
    /// The last page ended at the head.
    Waiting,
    Ended,
}

/// The outcome of waiting for a change.
enum Wait {
    Woken(WakeReason),
    /// The permission has ended.
    Revoked,
    /// The permission could not be checked; it is checked again.
    Retry,
    Failed(Error),
}

impl Subscription {
    /// The next item; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Result<ChangesResponse, Error>> {
        loop {
            let reason = match self.state {
                State::Ended => return None,
                State::First | State::Behind => WakeReason::Polled,
                State::Waiting => match self.wait().await {
                    Wait::Woken(reason) => reason,
                    Wait::Revoked => return None,
                    Wait::Retry => continue,
                    Wait::Failed(error) => return self.end_with(Err(error)),
                },
            };
            let has_waited = self.state == State::Waiting;
            match self.read(reason).await {
                Ok(ChangesResponse::Page(page)) => {
                    let has_moved = self.position != Some(page.cursor);
                    self.position = Some(page.cursor);
                    self.state = if page.has_more { State::Behind } else { State::Waiting };
                    if !has_waited || has_moved {
                        return Some(Ok(ChangesResponse::Page(page)));
                    }
                }
                Ok(reset) => return self.end_with(Ok(reset)),
                Err(Error::Internal(error)) if has_waited && error.is_temporary() => {
                    tracing::warn!(error = %error, "a feed could not be read for a subscriber; it is tried again");
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
                Err(error) => return self.end_with(Err(error)),
            }
        }
    }

    async fn read(&self, reason: WakeReason) -> Result<ChangesResponse, Error> {
        match self.position {
            None => self.events.reader.head().await,
            Some(position) => self.events.changes(position, PAGE_SIZE, reason).await,
        }
    }

    fn end_with(&mut self, item: Result<ChangesResponse, Error>) -> Option<Result<ChangesResponse, Error>> {
        self.state = State::Ended;
        Some(item)
    }

    /// Waits for a change and checks the permission. The permission is checked before every page, because on a busy
    /// feed the notifications come so often that the poll, which checks it too, never runs.
    async fn wait(&mut self) -> Wait {
        // The contact is stored between two pages, so that it delays none.
        self.events.subscribers.record_contact(&self.events.reader, self.events.feed).await;
        let Some(reason) = self.events.wait(self.position).await else { return Wait::Revoked };
        match self.events.require_access().await {
            Ok(()) => Wait::Woken(reason),
            Err(Error::Auth(_)) => Wait::Revoked,
            // No page is sent while the permission is unknown; a later poll finds the change of this notification.
            Err(Error::Internal(error)) if error.is_temporary() => {
                tracing::warn!(error = %error, "a subscriber's permission could not be checked; it is tried again");
                tokio::time::sleep(POLL_INTERVAL).await;
                Wait::Retry
            }
            Err(error) => Wait::Failed(error),
        }
    }
}

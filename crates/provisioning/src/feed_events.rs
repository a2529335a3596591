//! Waiting for a change of one feed: notifications, and a poll that covers lost ones.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::cursor::Cursor;
use super::feed::FeedReader;
use super::model::ChangesResponse;
use super::subscribers::Subscribers;
use platform::error::Error;
use platform::ids::FeedId;
use platform::notifications::Notification;

/// The interval at which the feed and the reader's permission are polled.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(750);

/// The reason for reading the next page.
#[derive(Clone, Copy)]
pub(super) enum WakeReason {
    /// A notification at this generation of the feed, which has woken other subscribers too: the read is shared.
    Notified { generation: u64 },
    /// The first read, or a poll: the read is not shared.
    Polled,
}

/// A reader of a feed that waits for changes.
pub(super) struct FeedEvents {
    pub reader: FeedReader,
    pub subscribers: Arc<Subscribers>,
    pub feed: FeedId,
    notifications: Receiver<Notification>,
}

impl FeedEvents {
    /// Starts listening to the notifications of a feed.
    ///
    /// # Errors
    /// A database error.
    pub async fn listen(reader: FeedReader, subscribers: Arc<Subscribers>) -> Result<Self, Error> {
        // Listening starts before the first read, so that a commit between them is notified.
        let notifications = reader.services.notifier.listen();
        let feed = reader.feed().await?.id;
        Ok(Self { reader, subscribers, feed, notifications })
    }

    /// Reads the changes after `since`, shared with other subscribers after a notification.
    ///
    /// # Errors
    /// A database error.
    pub async fn changes(&self, since: Cursor, first: usize, reason: WakeReason) -> Result<ChangesResponse, Error> {
        match reason {
            WakeReason::Notified { generation } => {
                self.subscribers.pages.changes(&self.reader, self.feed, (since, first), generation).await
            }
            WakeReason::Polled => self.reader.changes(since, first).await,
        }
    }

    /// Requires that the reader still has its permission.
    ///
    /// # Errors
    /// [`AuthError`](platform::error::AuthError) when the permission has ended.
    pub async fn require_access(&self) -> Result<(), Error> {
        self.subscribers.require_access(&self.reader).await
    }

    /// Waits until the feed has a revision other than that of `position`, or is closed. Returns `None` when the reader
    /// has lost its permission.
    pub async fn wait(&mut self, position: Option<Cursor>) -> Option<WakeReason> {
        loop {
            match tokio::time::timeout(POLL_INTERVAL, self.next_event()).await {
                Ok(()) => {
                    let generation = self.reader.services.notifier.feed_generation(self.feed);
                    return Some(WakeReason::Notified { generation });
                }
                Err(_) => match self.poll(position).await {
                    Ok(true) => return Some(WakeReason::Polled),
                    Ok(false) => {}
                    Err(Error::Internal(error)) if error.is_temporary() => {
                        tracing::warn!(error = %error, "a feed could not be polled")
                    }
                    Err(Error::Auth(_)) => return None,
                    // The read that follows meets the same error and returns it.
                    Err(_) => return Some(WakeReason::Polled),
                },
            }
        }
    }

    async fn next_event(&mut self) {
        loop {
            match self.notifications.recv().await {
                Ok(Notification::Feed(feed)) if feed == self.feed => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                // Without a notifier only the poll is left.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Whether the head has moved or the event was archived without a notification.
    async fn poll(&self, position: Option<Cursor>) -> Result<bool, Error> {
        self.require_access().await?;
        let head = self.subscribers.versions.head(&self.reader, self.feed).await?;
        Ok(!head.is_open || head.revision != position.map(|position| position.position))
    }
}

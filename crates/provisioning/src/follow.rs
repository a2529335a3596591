//! Staying with a feed: pages as commits happen.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::cursor::Cursor;
use super::feed::Reader;
use super::followers::Followers;
use super::model::FeedAnswer;
use platform::error::Error;
use platform::ids::FeedId;
use platform::notifications::Notification;

/// How many entries a page holds at least, if there are so many.
const PAGE: usize = 500;
/// How often is looked whether the doorbell was missed, or the right was lost.
const POLL: Duration = Duration::from_millis(750);

/// Follows the feed: the first answer tells what came after `since` (without it: the head, with nothing before it), and each later
/// one what was committed meanwhile. It ends after a reset, and when the reader's right is gone. Those who share `followers` and stand
/// at the same place share their reading.
///
/// # Errors
/// When the database refuses at the beginning. A fault that passes is waited out later.
pub async fn follow(
    reader: Reader,
    since: Option<Cursor>,
    followers: Arc<Followers>,
) -> Result<impl Stream<Item = Result<FeedAnswer, Error>> + Send, Error> {
    // The doorbell is listened to before anything is read, so that no commit falls between.
    let bell = reader.services.notifier.listen();
    let feed = reader.feed().await?.id;
    let state = Following { reader, followers, bell, feed, position: since, step: Step::First };
    Ok(futures_util::stream::unfold(state, |mut state| async move { state.next().await.map(|answer| (answer, state)) }))
}

/// What has changed after `since`: at once if there is something, else when there is. When `until` completes before, the answer
/// is an empty page.
///
/// # Errors
/// When the database refuses, and [`AuthError`](platform::error::AuthError) when the reader's right ends while it waits.
pub async fn changes_until(
    reader: Reader,
    (since, first): (Cursor, usize),
    followers: Arc<Followers>,
    until: impl Future<Output = ()> + Send,
) -> Result<FeedAnswer, Error> {
    // The doorbell is listened to before anything is read, so that no commit falls between.
    let bell = reader.services.notifier.listen();
    let feed = reader.feed().await?.id;
    let mut state = Following { reader, followers, bell, feed, position: Some(since), step: Step::First };
    let mut until = std::pin::pin!(until);
    let mut woken = Woken::Polled;
    loop {
        let answer = state.changes(since, first, woken).await?;
        match &answer {
            FeedAnswer::Page(page) if page.changes.is_empty() && !page.has_more => {
                // A head that moved and shows nothing new must not wake the poll again.
                state.position = Some(page.cursor);
            }
            _ => return Ok(answer),
        }
        tokio::select! {
            biased;
            () = &mut until => return Ok(answer),
            because = state.wait() => match because {
                Some(because) => woken = because,
                None => state.followers.demand(&state.reader).await?,
            },
        }
    }
}

struct Following {
    reader: Reader,
    followers: Arc<Followers>,
    bell: Receiver<Notification>,
    feed: FeedId,
    position: Option<Cursor>,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    First,
    /// There is more to read at once.
    Behind,
    /// Everything has been told.
    Waiting,
    Ended,
}

/// Why to read.
#[derive(Clone, Copy)]
enum Woken {
    /// The feed's bell has rung so often: others were woken by it too.
    Rung(u64),
    /// For a reason of one's own.
    Polled,
}

impl Following {
    async fn next(&mut self) -> Option<Result<FeedAnswer, Error>> {
        loop {
            let waited = self.step == Step::Waiting;
            let woken = match self.step {
                Step::Ended => return None,
                Step::Waiting => {
                    // Between two pages nobody waits for this.
                    self.followers.note(&self.reader, self.feed).await;
                    let woken = self.wait().await?;
                    // A busy feed rings before the poll comes round: the right is looked at with every page.
                    match self.followers.demand(&self.reader).await {
                        Ok(()) => woken,
                        Err(Error::Auth(_)) => return None,
                        // Nothing is told to whom nobody could vouch for; the poll finds what this ring was about.
                        Err(Error::Internal(fault)) if fault.is_temporary() => {
                            tracing::warn!(error = %fault, "a subscriber's right could not be looked at; it is tried again");
                            tokio::time::sleep(POLL).await;
                            continue;
                        }
                        Err(stop) => {
                            self.step = Step::Ended;
                            return Some(Err(stop));
                        }
                    }
                }
                Step::First | Step::Behind => Woken::Polled,
            };
            let answer = match self.position {
                None => self.reader.head().await,
                Some(position) => self.changes(position, PAGE, woken).await,
            };
            match answer {
                Ok(FeedAnswer::Page(page)) => {
                    let moved = self.position != Some(page.cursor);
                    self.position = Some(page.cursor);
                    self.step = if page.has_more { Step::Behind } else { Step::Waiting };
                    if !waited || moved {
                        return Some(Ok(FeedAnswer::Page(page)));
                    }
                }
                Ok(reset) => {
                    self.step = Step::Ended;
                    return Some(Ok(reset));
                }
                // The next poll finds what this one could not read.
                Err(Error::Internal(fault)) if waited && fault.is_temporary() => {
                    tracing::warn!(error = %fault, "a feed could not be read for a subscriber; it is tried again");
                    tokio::time::sleep(POLL).await;
                }
                Err(stop) => {
                    self.step = Step::Ended;
                    return Some(Err(stop));
                }
            }
        }
    }

    async fn changes(&self, since: Cursor, first: usize, woken: Woken) -> Result<FeedAnswer, Error> {
        match woken {
            Woken::Rung(rung) => self.followers.pages.changes(&self.reader, self.feed, (since, first), rung).await,
            Woken::Polled => self.reader.changes(since, first).await,
        }
    }

    /// Waits until there is something to read; `None` when the reader has lost its right.
    async fn wait(&mut self) -> Option<Woken> {
        loop {
            match tokio::time::timeout(POLL, self.heard()).await {
                Ok(()) => return Some(Woken::Rung(self.reader.services.notifier.feed_generation(self.feed))),
                Err(_) => match self.poll().await {
                    Ok(true) => return Some(Woken::Polled),
                    Ok(false) => {}
                    Err(Error::Internal(fault)) if fault.is_temporary() => {
                        tracing::warn!(error = %fault, "a feed could not be polled")
                    }
                    Err(Error::Auth(_)) => return None,
                    // The reading that follows meets the same, and tells it.
                    Err(_) => return Some(Woken::Polled),
                },
            }
        }
    }

    async fn heard(&mut self) {
        loop {
            match self.bell.recv().await {
                Ok(Notification::Feed(feed)) if feed == self.feed => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                // Without a doorbell the poll remains.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Whether the head has moved, or the event was closed, with no ring.
    async fn poll(&self) -> Result<bool, Error> {
        self.followers.demand(&self.reader).await?;
        let head = self.followers.marks.head(&self.reader, self.feed).await?;
        Ok(!head.is_open || head.revision != self.position.map(|position| position.position))
    }
}

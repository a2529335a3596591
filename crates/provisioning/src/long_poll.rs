//! Long polling: a read of changes that waits until there are some.

use std::future::Future;
use std::sync::Arc;

use super::cursor::Cursor;
use super::feed::FeedReader;
use super::feed_events::{FeedEvents, WakeReason};
use super::model::ChangesResponse;
use super::subscribers::Subscribers;
use platform::error::Error;

/// The changes after `since`, of which at least `first` are returned if there are as many. Without changes it waits for
/// some until `deadline` completes, and then returns an empty page.
///
/// # Errors
/// A database error, and [`AuthError`](platform::error::AuthError) when the reader's permission ends during the wait.
pub async fn changes_until(
    reader: FeedReader,
    (since, first): (Cursor, usize),
    subscribers: Arc<Subscribers>,
    deadline: impl Future<Output = ()> + Send,
) -> Result<ChangesResponse, Error> {
    let mut events = FeedEvents::listen(reader, subscribers).await?;
    let mut deadline = std::pin::pin!(deadline);
    let mut reason = WakeReason::Polled;
    loop {
        let response = events.changes(since, first, reason).await?;
        let position = match &response {
            // The head may have moved without a visible change: it must not wake the poll again.
            ChangesResponse::Page(page) if page.changes.is_empty() && !page.has_more => page.cursor,
            _ => return Ok(response),
        };
        tokio::select! {
            biased;
            () = &mut deadline => return Ok(response),
            woken = events.wait(Some(position)) => match woken {
                Some(woken) => reason = woken,
                None => events.require_access().await?,
            },
        }
    }
}

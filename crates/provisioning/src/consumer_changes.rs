//! A stream that reports when a consumer of an event has advanced, fallen behind or failed.

use futures_util::{FutureExt as _, Stream};

use super::consumer_queries as rows;
use platform::error::Error;
use platform::ids::EventId;
use platform::notifications::Notification;
use platform::notifications::watch::watch;
use platform::services::Services;

/// A stream with one item each time that the [`ConsumerStatuses`](super::model::ConsumerStatuses) of an event have
/// changed.
///
/// # Errors
/// A database error of the first read. Later errors are items, and the stream goes on after them.
pub async fn watch_consumers(
    services: Services,
    event: EventId,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + 'static, Error> {
    let notifier = services.notifier.clone();
    // Feeds of other events notify too: a read that finds no change is cheap.
    let is_relevant =
        |notification: &Notification| matches!(notification, Notification::Feed(_) | Notification::Consumers);
    let read = move || {
        let store = services.store.clone();
        async move { Ok(rows::statuses(&mut *store.read().await?, event).await?) }.boxed()
    };
    watch(&notifier, is_relevant, read).await
}

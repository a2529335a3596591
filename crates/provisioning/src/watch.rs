//! Tells when a telephone system of an event has come further, has fallen behind, or could not apply something.

use futures_util::{FutureExt as _, Stream};

use super::consumer_queries as rows;
use platform::error::Error;
use platform::ids::EventId;
use platform::notifications::Notification;
use platform::notifications::watch::watch;
use platform::services::Services;

/// One item each time that the standing of the event's consumers has changed since the last, from now on.
///
/// # Errors
/// When the database fails at the beginning. Later failures are items; the stream goes on behind them.
pub async fn consumers(
    services: Services,
    event: EventId,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + 'static, Error> {
    let notifier = services.notifier.clone();
    // Feeds of other events ring too: a look that finds nothing is cheap.
    let concerns = |ring: &Notification| matches!(ring, Notification::Feed(_) | Notification::Consumers);
    let look = move || {
        let store = services.store.clone();
        async move { Ok(rows::standing(&mut *store.read().await?, event).await?) }.boxed()
    };
    watch(&notifier, concerns, look).await
}

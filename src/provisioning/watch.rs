//! Tells when a telephone system of an event has come further, has fallen behind, or could not apply something.
//!
//! The doorbell says when to look, and a poll covers what it misses.

use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::consumer_queries as rows;
use super::model::Standing;
use crate::changes::doorbell::Ring;
use crate::ids::EventId;
use crate::problem::Stop;
use crate::services::Services;

/// How often to look without a ring.
const POLL: Duration = Duration::from_secs(5);

/// How long to wait after a ring for others: a busy minute is told a few times a second, not for every change.
const SETTLE: Duration = Duration::from_millis(200);

struct Watch {
    services: Services,
    event: EventId,
    rings: Receiver<Ring>,
    last: Standing,
}

/// One item each time that the standing of the event's consumers has changed since the last, from now on.
///
/// # Errors
/// When the database fails at the beginning. Later failures are items; the stream goes on behind them.
pub async fn consumers(
    services: Services,
    event: EventId,
) -> Result<impl Stream<Item = Result<(), Stop>> + Send + 'static, Stop> {
    // Listening begins before the first look: what happens between them rings.
    let rings = services.doorbell.listen();
    let last = rows::standing(&mut *services.store.read().await?, event).await?;
    let watch = Watch { services, event, rings, last };
    Ok(stream::unfold(watch, |mut watch| async move {
        let item = watch.next().await?;
        Some((item, watch))
    }))
}

impl Watch {
    /// The next change; `None` when the program ends.
    async fn next(&mut self) -> Option<Result<(), Stop>> {
        loop {
            // A poll that times out looks as well.
            if let Ok(heard) = tokio::time::timeout(POLL, self.hear()).await {
                heard?;
                tokio::time::sleep(SETTLE).await;
                self.forget_rings();
            }
            match self.look().await {
                Ok(now) if now == self.last => {}
                Ok(now) => {
                    self.last = now;
                    return Some(Ok(()));
                }
                Err(stop) => return Some(Err(stop)),
            }
        }
    }

    async fn look(&self) -> Result<Standing, Stop> {
        Ok(rows::standing(&mut *self.services.store.read().await?, self.event).await?)
    }

    /// Waits for a ring that may concern a consumer. Feeds of other events ring too: a look that finds nothing is cheap.
    async fn hear(&mut self) -> Option<()> {
        loop {
            match self.rings.recv().await {
                Ok(Ring::Feed(_) | Ring::Consumers) | Err(RecvError::Lagged(_)) => return Some(()),
                Ok(_) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Passes over what has rung meanwhile: one look covers it.
    fn forget_rings(&mut self) {
        while matches!(self.rings.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
    }
}

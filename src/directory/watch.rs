//! Tells when what somebody can see in the directory has changed.
//!
//! The doorbell says when to look, and a poll covers what it misses. Looking is cheap: what is listed can only have changed
//! with a feed of the event, its phase or the catalogue; only then is the listing read, once for all who wait for the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::export::read_all;
use super::listing::Listing;
use super::model::{Audience, is_listed};
use super::queries;
use crate::changes::doorbell::Ring;
use crate::ids::EventId;
use crate::problem::Stop;
use crate::service_types::queries as configured;
use crate::services::Services;

/// How often to look without a ring.
const POLL: Duration = Duration::from_secs(5);

/// How long to wait after a ring for others: a busy minute is told a few times a second, not for every change.
const SETTLE: Duration = Duration::from_millis(200);

/// SHA-256 over a listing.
type Fingerprint = [u8; 32];

/// What a listing cannot change without.
#[derive(Clone, PartialEq, Eq)]
struct Gate {
    is_listed: bool,
    catalogue: i64,
    heads: Vec<i64>,
}

/// The listings that somebody waits for, as they were when they were last read.
#[derive(Default)]
pub struct Fingerprints(Mutex<HashMap<(EventId, Audience), (Gate, Fingerprint)>>);

impl Fingerprints {
    /// The listing's fingerprint now. Those who ask at once wait for one reading.
    async fn now(&self, services: &Services, event: EventId, audience: Audience) -> Result<Fingerprint, Stop> {
        let mut known = self.0.lock().await;
        let mut conn = services.store.read().await?;
        let gate = Gate {
            is_listed: configured::event_by_id(&mut conn, event).await?.is_some_and(|event| is_listed(event.phase)),
            catalogue: configured::catalogue_revision(&mut conn).await?,
            heads: queries::feed_heads(&mut conn, event).await?,
        };
        if let Some((before, fingerprint)) = known.get(&(event, audience))
            && *before == gate
        {
            return Ok(*fingerprint);
        }
        let mut hash = Sha256::new();
        if gate.is_listed {
            for entry in read_all(&mut conn, &Listing::all(event, audience)).await? {
                // A label holds no control characters, so nothing can be read in two ways.
                let line = format!(
                    "{}\n{}\n{}\n{}\n",
                    entry.number,
                    entry.label,
                    entry.service_type_id.global(),
                    entry.highlighted
                );
                hash.update(line);
            }
        }
        let fingerprint = hash.finalize().into();
        known.insert((event, audience), (gate, fingerprint));
        Ok(fingerprint)
    }
}

struct Watch {
    services: Services,
    fingerprints: Arc<Fingerprints>,
    event: EventId,
    audience: Audience,
    rings: Receiver<Ring>,
    last: Fingerprint,
}

/// One item each time that what `audience` finds in `event` has changed since the last, from now on.
///
/// # Errors
/// When the database fails at the beginning. Later failures are items; the stream goes on behind them.
pub async fn changes(
    services: Services,
    fingerprints: Arc<Fingerprints>,
    event: EventId,
    audience: Audience,
) -> Result<impl Stream<Item = Result<(), Stop>> + Send + 'static, Stop> {
    // Listening begins before the first look: what happens between them rings.
    let rings = services.doorbell.listen();
    let last = fingerprints.now(&services, event, audience).await?;
    let watch = Watch { services, fingerprints, event, audience, rings, last };
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
            match self.fingerprints.now(&self.services, self.event, self.audience).await {
                Ok(fingerprint) if fingerprint == self.last => {}
                Ok(fingerprint) => {
                    self.last = fingerprint;
                    return Some(Ok(()));
                }
                Err(stop) => return Some(Err(stop)),
            }
        }
    }

    /// Waits for a ring that may concern the listing.
    async fn hear(&mut self) -> Option<()> {
        loop {
            match self.rings.recv().await {
                Ok(Ring::Directory(event)) if event == self.event => return Some(()),
                Ok(Ring::Catalogue) | Err(RecvError::Lagged(_)) => return Some(()),
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

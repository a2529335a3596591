//! Tells when what somebody can see in the directory has changed.
//!
//! Looking is cheap: what is listed can only have changed with a feed of the event, its phase or the catalogue; only then is the
//! listing read, once for all who wait for the same.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{FutureExt as _, Stream};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::export::read_all;
use super::listing::Listing;
use super::model::{Audience, is_listed};
use super::queries;
use platform::error::Error;
use platform::ids::EventId;
use platform::notifications::Notification;
use platform::notifications::watch::watch;
use platform::services::Services;

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
    async fn now(&self, services: &Services, event: EventId, audience: Audience) -> Result<Fingerprint, Error> {
        let mut known = self.0.lock().await;
        let mut conn = services.store.read().await?;
        let gate = Gate {
            is_listed: events::event_by_id(&mut conn, event).await?.is_some_and(|event| is_listed(event.phase)),
            catalogue: platform::notifications::catalogue_generation(&mut conn).await?,
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

/// One item each time that what `audience` finds in `event` has changed since the last, from now on.
///
/// # Errors
/// When the database fails at the beginning. Later failures are items; the stream goes on behind them.
pub async fn changes(
    services: Services,
    fingerprints: Arc<Fingerprints>,
    event: EventId,
    audience: Audience,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + 'static, Error> {
    let notifier = services.notifier.clone();
    let concerns =
        move |ring: &Notification| *ring == Notification::Directory(event) || *ring == Notification::Catalogue;
    let look = move || {
        let (services, fingerprints) = (services.clone(), Arc::clone(&fingerprints));
        async move { fingerprints.now(&services, event, audience).await }.boxed()
    };
    watch(&notifier, concerns, look).await
}

//! Change detection for the subscription to the directory.
//!
//! The entries for an audience change only with a feed of the event, its phase or the catalogue. These are cheap to compare;
//! only after a change the server reads the entries, once for all subscribers of the same event and audience.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{FutureExt as _, Stream};
use platform::error::Error;
use platform::ids::EventId;
use platform::notifications::Notification;
use platform::notifications::watch::watch;
use platform::services::Services;
use platform::store::Conn;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::export::read_all;
use super::listing::DirectoryFilter;
use super::model::{Audience, is_listed};
use super::queries;

/// SHA-256 digest of all entries for one audience.
type Fingerprint = [u8; 32];

/// State that changes whenever the entries of an event change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceVersion {
    /// Whether the phase of the event has a directory.
    pub is_listed: bool,
    /// Generation of the catalogue.
    pub catalogue: i64,
    /// Heads of the event's feeds.
    pub heads: Vec<i64>,
}

impl SourceVersion {
    /// Reads the current state of an event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(conn: &mut Conn, event: EventId) -> Result<Self, Error> {
        Ok(Self {
            is_listed: events::event_by_id(conn, event).await?.is_some_and(|event| is_listed(event.phase)),
            catalogue: platform::notifications::catalogue_generation(conn).await?,
            heads: queries::feed_heads(conn, event).await?,
        })
    }
}

/// Cache of the last fingerprint per event and audience with subscribers.
#[derive(Default)]
pub struct Fingerprints(Mutex<HashMap<(EventId, Audience), (SourceVersion, Fingerprint)>>);

impl Fingerprints {
    /// Returns the current fingerprint. Concurrent calls wait for one read.
    async fn current(&self, services: &Services, event: EventId, audience: Audience) -> Result<Fingerprint, Error> {
        let mut cache = self.0.lock().await;
        let mut conn = services.store.read().await?;
        let version = SourceVersion::read(&mut conn, event).await?;
        if let Some((before, fingerprint)) = cache.get(&(event, audience))
            && *before == version
        {
            return Ok(*fingerprint);
        }
        let mut hash = Sha256::new();
        if version.is_listed {
            for entry in read_all(&mut conn, &DirectoryFilter::all(event, audience)).await? {
                // A label contains no control characters, so the separator is unambiguous.
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
        cache.insert((event, audience), (version, fingerprint));
        Ok(fingerprint)
    }
}

/// Returns a stream with one item per change of the entries of `event` that `audience` can see.
///
/// # Errors
/// When the database fails before the first item. Later failures are items of the stream, which continues after them.
pub async fn changes(
    services: Services,
    fingerprints: Arc<Fingerprints>,
    event: EventId,
    audience: Audience,
) -> Result<impl Stream<Item = Result<(), Error>> + Send + 'static, Error> {
    let notifier = services.notifier.clone();
    let is_relevant = move |notification: &Notification| {
        *notification == Notification::Directory(event) || *notification == Notification::Catalogue
    };
    let read_fingerprint = move || {
        let (services, fingerprints) = (services.clone(), Arc::clone(&fingerprints));
        async move { fingerprints.current(&services, event, audience).await }.boxed()
    };
    watch(&notifier, is_relevant, read_fingerprint).await
}

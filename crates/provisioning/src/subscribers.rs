//! Reads that the subscribers of feeds in this process share.
//!
//! One notification can wake five hundred subscribers, and all of them need the same answers: whether their key is
//! still valid, and the next page. One subscriber reads and the others wait for its result.

pub mod api_keys;
mod pages;
mod versions;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::consumers;
use crate::feed::{self, FeedReader};
use crate::snapshot_export::FeedVersion;
use platform::access::{Actor, Role};
use platform::clock::Monotonic;
use platform::error::{AuthError, Error};
use platform::ids::{ApiKeyId, FeedId};
use platform::services::Services;

use api_keys::KeyValidityCache;
use pages::PageCache;
use versions::VersionCache;

/// The shortest time between two checks of a key's last contact with a feed.
const CONTACT_INTERVAL: Duration = Duration::from_secs(consumers::CONTACT_INTERVAL_SECONDS.unsigned_abs());

/// The name of a feed in an address.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
pub struct FeedName {
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
}

/// The caches that all subscribers of this process share.
#[derive(Default)]
pub struct Subscribers {
    pub(super) pages: PageCache,
    pub keys: KeyValidityCache,
    pub(super) versions: VersionCache,
    /// The last time at which the contact of a key with a feed was checked.
    contacts: Mutex<HashMap<(ApiKeyId, FeedId), Monotonic>>,
}

impl Subscribers {
    /// Requires that a reader still has its permission: a key can be revoked or expire, a person can lose a role.
    ///
    /// # Errors
    /// [`AuthError`] when the permission has ended.
    pub(super) async fn require_access(&self, reader: &FeedReader) -> Result<(), Error> {
        let is_allowed = match &reader.actor {
            Actor::Key(key) => self.keys.is_valid(&reader.services, key.id).await?,
            Actor::Person(person) => {
                let mut conn = reader.services.store.read().await?;
                let status = platform::access::account_status(&reader.services.hooks, &mut conn, person.id).await?;
                status.is_some_and(|status| status.role >= Role::Operator)
            }
            Actor::System(_) => true,
            Actor::Guest => false,
        };
        if is_allowed { Ok(()) } else { Err(AuthError::Forbidden.into()) }
    }

    /// [`feed::open`] with a shared read of the feed's ids.
    ///
    /// # Errors
    /// [`AuthError`] as in [`feed::open`].
    pub async fn open(&self, services: &Services, actor: &Actor, name: &FeedName) -> Result<Option<FeedReader>, Error> {
        feed::require_feed_access(actor)?;
        let found = self.versions.feed(services, name).await?;
        let visible = found.and_then(|feed| feed.visible_to(actor));
        visible.map(|feed| feed::reader(services, actor.clone(), feed)).transpose()
    }

    /// [`FeedReader::version`] with a shared read.
    ///
    /// # Errors
    /// A database error.
    pub async fn version(&self, reader: &FeedReader) -> Result<Option<FeedVersion>, Error> {
        let (version, feed) = self.versions.version(reader).await?;
        self.record_contact(reader, feed).await;
        Ok(version)
    }

    /// Stores that a key reads a feed, as [`FeedReader`] does for a read that is not shared.
    pub(super) async fn record_contact(&self, reader: &FeedReader, feed: FeedId) {
        if reader.key().is_some_and(|key| self.is_contact_due(key, feed)) {
            Box::pin(consumers::record_contact(reader, feed)).await;
        }
    }

    fn is_contact_due(&self, key: ApiKeyId, feed: FeedId) -> bool {
        let now = Monotonic::now();
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        if contacts.get(&(key, feed)).is_some_and(|at| at.is_within(CONTACT_INTERVAL, now)) {
            return false;
        }
        contacts.retain(|_, at| at.is_within(CONTACT_INTERVAL, now));
        contacts.insert((key, feed), now);
        true
    }
}

//! What those who follow feeds need at the same moment, and is read once for all of them.
//!
//! Five hundred telephone systems that hear one bell ask the same two questions: may I still read, and what is new. The first who
//! asks reads the answer, the others wait for it.

mod keys;
mod marks;
mod pages;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use platform::access::{Actor, Role};
use platform::clock::Monotonic;
use platform::error::{AuthError, Error};
use platform::ids::{ApiKeyId, FeedId};
use crate::consumers;
use crate::feed::{self, Reader};
use crate::whole::FeedVersion;
use platform::services::Services;

use keys::Keys;
use marks::Marks;
use pages::Pages;

/// How often the contact of one that follows is looked at.
const NOTED: Duration = Duration::from_secs(consumers::SEEN_SECONDS.unsigned_abs());

/// A feed as an address names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
pub struct FeedName {
    /// The event's slug.
    pub event: String,
    /// The service type's slug.
    pub service_type: String,
}

/// What is shared among all who follow feeds in this process.
#[derive(Default)]
pub struct Followers {
    pub(super) pages: Pages,
    pub(super) keys: Keys,
    pub(super) marks: Marks,
    /// When each key's contact with a feed was noted last.
    noted: Mutex<HashMap<(ApiKeyId, FeedId), Monotonic>>,
}

impl Followers {
    /// The right of a key or an operator as it is now: keys end, roles are taken away.
    ///
    /// # Errors
    /// [`AuthError`] when the reader may not read any more.
    pub(super) async fn demand(&self, reader: &Reader) -> Result<(), Error> {
        let allowed = match &reader.actor {
            Actor::Key(key) => self.keys.is_good(&reader.services, key.id).await?,
            Actor::Person(person) => {
                let mut conn = reader.services.store.read().await?;
                let status = platform::access::account_status(&reader.services.hooks, &mut conn, person.id).await?;
                status.is_some_and(|status| status.role >= Role::Operator)
            }
            Actor::System(_) => true,
            Actor::Guest => false,
        };
        if allowed { Ok(()) } else { Err(AuthError::Forbidden.into()) }
    }

    /// As [`feed::open`], for what is asked often.
    ///
    /// # Errors
    /// [`AuthError`] as there.
    pub async fn open(&self, services: &Services, actor: &Actor, name: &FeedName) -> Result<Option<Reader>, Error> {
        feed::demand_reader(actor)?;
        let found = self.marks.feed(services, name).await?;
        found.map(|found| feed::reader(services, actor.clone(), found)).transpose()
    }

    /// As [`Reader::mark`], for what is asked often.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mark(&self, reader: &Reader) -> Result<Option<FeedVersion>, Error> {
        let (mark, feed) = self.marks.mark(reader).await?;
        self.note(reader, feed).await;
        Ok(mark)
    }

    /// Notes that a key reads a feed, as [`Reader`] does with each reading of its own; no more often than it is written.
    pub(super) async fn note(&self, reader: &Reader, feed: FeedId) {
        if reader.key().is_some_and(|key| self.is_due(key, feed)) {
            Box::pin(consumers::seen(reader, feed)).await;
        }
    }

    fn is_due(&self, key: ApiKeyId, feed: FeedId) -> bool {
        let now = Monotonic::now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&(key, feed)).is_some_and(|at| at.is_within(NOTED, now)) {
            return false;
        }
        noted.retain(|_, at| at.is_within(NOTED, now));
        noted.insert((key, feed), now);
        true
    }
}

//! Whether keys are still good, asked for all that follow with one statement.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;

use platform::clock::{Monotonic, Timestamp};
use platform::error::{Error, InternalError};
use platform::ids::ApiKeyId;
use crate::consumer_queries as rows;
use platform::services::Services;

/// How old an answer may be where no bell rang for a revoked key. With the poll of those who wait it is less than the second
/// within which a key that was revoked elsewhere ends.
const FRESH: Duration = Duration::from_millis(200);
/// For how long a key is looked at together with others after it was asked for last.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The keys of those who follow.
#[derive(Default)]
pub struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// When each was asked for last.
    asked: HashMap<ApiKeyId, Monotonic>,
    /// What was found.
    found: HashMap<ApiKeyId, Found>,
    looked: Option<Looked>,
}

#[derive(Clone, Copy)]
enum Found {
    Revoked,
    /// Good, until it ends if it does.
    Until(Option<Timestamp>),
}

/// When the keys were looked at, and how that went.
#[derive(Clone, Copy)]
struct Looked {
    at: Monotonic,
    /// How often the bell of revoked keys had rung before.
    rings: u64,
    failed: bool,
}

impl Looked {
    /// Whether it answers who asked at that moment: it is fresh, or it began later, however long it took.
    fn is_for(&self, asked: Monotonic, rings: u64) -> bool {
        self.rings == rings && (self.at >= asked || self.at.is_within(FRESH, Monotonic::now()))
    }
}

impl Keys {
    /// Whether a key is neither revoked nor expired. A key that was revoked by this process is found at once, another's within
    /// the time that an answer is fresh.
    ///
    /// # Errors
    /// When the database refuses. Those who wait for the same look are told without asking again.
    pub(in crate) async fn is_good(&self, services: &Services, key: ApiKeyId) -> Result<bool, Error> {
        let asked = Monotonic::now();
        let mut known = self.0.lock().await;
        known.asked.insert(key, asked);
        match known.looked.filter(|looked| looked.is_for(asked, services.notifier.keys_generation())) {
            Some(looked) if looked.failed => {
                return Err(InternalError::Overloaded("keys could not be looked at just now").into());
            }
            Some(_) if known.found.contains_key(&key) => {}
            Some(_) => {
                let found = read(services, &[key]).await?;
                known.found.extend(found);
            }
            None => known.look(services).await?,
        }
        Ok(match known.found.get(&key) {
            Some(Found::Until(end)) => end.is_none_or(|end| end > services.now()),
            Some(Found::Revoked) | None => false,
        })
    }
}

impl Known {
    async fn look(&mut self, services: &Services) -> Result<(), Error> {
        let now = Monotonic::now();
        self.asked.retain(|_, asked| asked.is_within(REMEMBERED, now));
        let keys: Vec<ApiKeyId> = self.asked.keys().copied().collect();
        // Counted before the database is asked: what rings meanwhile makes the answer old.
        let looked = Looked { at: now, rings: services.notifier.keys_generation(), failed: false };
        self.looked = None;
        match read(services, &keys).await {
            Ok(found) => {
                self.found = found;
                self.looked = Some(looked);
                Ok(())
            }
            Err(stop) => {
                self.looked = Some(Looked { at: Monotonic::now(), failed: true, ..looked });
                Err(stop)
            }
        }
    }
}

/// What becomes of each of the keys; one that is not there is as good as revoked.
async fn read(services: &Services, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, Found>, Error> {
    let good = rows::keys_not_revoked(&mut *services.store.read().await?, keys).await?;
    let mut found: HashMap<_, _> = keys.iter().map(|key| (*key, Found::Revoked)).collect();
    found.extend(good.into_iter().map(|(key, end)| (key, Found::Until(end))));
    Ok(found)
}

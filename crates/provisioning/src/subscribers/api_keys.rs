//! The validity of the subscribers' API keys, read for all of them with one statement.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::consumer_queries as rows;
use platform::clock::{Monotonic, Timestamp};
use platform::error::{Error, InternalError};
use platform::ids::ApiKeyId;
use platform::services::Services;

/// The largest age of a result without a notification of a revoked key. Together with the poll interval of a
/// subscription it is less than one second, the time within which a key that another instance has revoked must end.
const MAX_AGE: Duration = Duration::from_millis(200);
/// The time after its last use for which a key is read together with the others.
const RETAINED: Duration = Duration::from_secs(10);

/// The validity of API keys, shared by all subscribers.
#[derive(Default)]
pub struct KeyValidityCache(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    /// The last use of each key.
    used_at: HashMap<ApiKeyId, Monotonic>,
    states: HashMap<ApiKeyId, KeyState>,
    /// The last read; `None` before the first and while a read is running.
    last_read: Option<ReadState>,
}

#[derive(Clone, Copy)]
enum KeyState {
    /// Revoked, or not in the database.
    Revoked,
    /// Valid until the expiry, if there is one.
    ValidUntil(Option<Timestamp>),
}

#[derive(Clone, Copy)]
struct ReadState {
    at: Monotonic,
    /// The generation of revoked keys at which the read started.
    generation: u64,
    has_failed: bool,
}

impl ReadState {
    /// Whether a caller from `called_at` may use the result: no key was revoked since, and the result is either fresh
    /// or its read started after the call.
    fn is_usable(&self, called_at: Monotonic, generation: u64) -> bool {
        self.generation == generation && (self.at >= called_at || self.at.is_within(MAX_AGE, Monotonic::now()))
    }
}

impl KeyValidityCache {
    /// Whether a key is neither revoked nor expired. A revocation by this process takes effect at once, one by another
    /// instance within [`MAX_AGE`].
    ///
    /// # Errors
    /// A database error. Callers that waited for the same failed read get [`InternalError::Overloaded`] without another
    /// read.
    pub async fn is_valid(&self, services: &Services, key: ApiKeyId) -> Result<bool, Error> {
        let called_at = Monotonic::now();
        let mut cache = self.0.lock().await;
        cache.used_at.insert(key, called_at);
        let generation = services.notifier.keys_generation();
        match cache.last_read.filter(|read| read.is_usable(called_at, generation)) {
            Some(read) if read.has_failed => {
                return Err(InternalError::Overloaded("keys could not be looked at just now").into());
            }
            Some(_) if cache.states.contains_key(&key) => {}
            Some(_) => {
                let states = read_states(services, &[key]).await?;
                cache.states.extend(states);
            }
            None => cache.refresh(services).await?,
        }
        Ok(match cache.states.get(&key) {
            Some(KeyState::ValidUntil(expires_at)) => expires_at.is_none_or(|expires_at| expires_at > services.now()),
            Some(KeyState::Revoked) | None => false,
        })
    }
}

impl Cache {
    async fn refresh(&mut self, services: &Services) -> Result<(), Error> {
        let now = Monotonic::now();
        self.used_at.retain(|_, used_at| used_at.is_within(RETAINED, now));
        let keys: Vec<ApiKeyId> = self.used_at.keys().copied().collect();
        // The generation is taken before the read: a revocation during the read makes the result unusable.
        let generation = services.notifier.keys_generation();
        self.last_read = None;
        match read_states(services, &keys).await {
            Ok(states) => {
                self.states = states;
                self.last_read = Some(ReadState { at: now, generation, has_failed: false });
                Ok(())
            }
            Err(error) => {
                self.last_read = Some(ReadState { at: Monotonic::now(), generation, has_failed: true });
                Err(error)
            }
        }
    }
}

/// The state of each of these keys.
async fn read_states(services: &Services, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, KeyState>, Error> {
    let valid = rows::keys_not_revoked(&mut *services.store.read().await?, keys).await?;
    let mut states: HashMap<_, _> = keys.iter().map(|key| (*key, KeyState::Revoked)).collect();
    states.extend(valid.into_iter().map(|(key, expires_at)| (key, KeyState::ValidUntil(expires_at))));
    Ok(states)
}

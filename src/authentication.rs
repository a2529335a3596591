//! Authentication by session tokens and API keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use accounts::AccountSession;
use accounts::token::{ApiKeyToken, Token};
use api_keys::AuthenticatedKey;
use platform::access::{Actor, Key, Person};
use platform::clock::{Monotonic, Timestamp};
use platform::error::Error;
use platform::services::Services;

/// The interval at which the last use of a session or key is written, in seconds.
const LAST_SEEN_SECONDS: i64 = 300;

/// The lifetime of a cached key whose end sends no notification. Together with the interval at which open streams check
/// again it is below the second within which a key that was revoked on another instance must end.
const LIFETIME: Duration = Duration::from_millis(200);
/// The number of cached keys from which expired entries are removed.
const CLEAN_UP_SIZE: usize = 1000;

/// A cache of valid API keys: a system that polls often is not looked up in the database each time. Sessions are not
/// cached.
#[derive(Default)]
pub struct ApiKeyCache(Mutex<HashMap<TokenDigest, CachedKey>>);

type TokenDigest = [u8; 32];

struct CachedKey {
    key: Arc<Key>,
    expires_at: Option<Timestamp>,
    /// The generation of revoked keys before the look-up. A later generation invalidates the entry.
    generation: u64,
    read_at: Monotonic,
}

impl ApiKeyCache {
    /// As [`actor_of`], with the cache.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn actor_of(&self, services: &Services, token: &str) -> Result<Option<Actor>, Error> {
        // Boxed: the future of a look-up is large, and a cached key needs none.
        if !ApiKeyToken::has_marker(token) {
            return Box::pin(actor_of(services, token)).await;
        }
        let digest = TokenDigest::from(Sha256::digest(token));
        match self.find(services, &digest) {
            Some(key) => Ok(Some(Actor::Key(key))),
            None => Box::pin(self.look_up(services, token, digest)).await,
        }
    }

    async fn look_up(&self, services: &Services, token: &str, digest: TokenDigest) -> Result<Option<Actor>, Error> {
        let Some(presented) = ApiKeyToken::parse(token) else { return Ok(None) };
        // Read before the database: a key that is revoked meanwhile must not stay in the cache.
        let (generation, read_at) = (services.notifier.keys_generation(), Monotonic::now());
        let Some(ValidKey { key, expires_at }) = key_of(services, &presented).await? else { return Ok(None) };
        let key = Arc::new(key);
        let mut cached = self.lock();
        if cached.len() >= CLEAN_UP_SIZE {
            cached.retain(|_, entry| entry.read_at.is_within(LIFETIME, read_at));
        }
        cached.insert(digest, CachedKey { key: Arc::clone(&key), expires_at, generation, read_at });
        Ok(Some(Actor::Key(key)))
    }

    fn find(&self, services: &Services, digest: &TokenDigest) -> Option<Arc<Key>> {
        let cached = self.lock();
        let entry = cached.get(digest)?;
        let is_valid = entry.generation == services.notifier.keys_generation()
            && entry.read_at.is_within(LIFETIME, Monotonic::now())
            && entry.expires_at.is_none_or(|expires_at| expires_at > services.now());
        is_valid.then(|| Arc::clone(&entry.key))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, CachedKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a token that was valid is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// The maximal number of remembered tokens.
const MAX_REMEMBERED: usize = 50_000;

/// The tokens that were valid lately, by their digests. They decide only which bucket pays for a look-up, never whether
/// a token is valid now.
#[derive(Default)]
pub struct ValidTokens(Mutex<HashMap<TokenDigest, Monotonic>>);

impl ValidTokens {
    /// Whether the token was valid lately.
    pub fn contains(&self, token: &str) -> bool {
        let digest = TokenDigest::from(Sha256::digest(token));
        self.lock().get(&digest).is_some_and(|at| at.is_within(REMEMBERED, Monotonic::now()))
    }

    /// Remembers a valid token.
    pub fn insert(&self, token: &str) {
        let (digest, now) = (TokenDigest::from(Sha256::digest(token)), Monotonic::now());
        let mut tokens = self.lock();
        if tokens.len() >= MAX_REMEMBERED {
            tokens.retain(|_, at| at.is_within(REMEMBERED, now));
        }
        if tokens.len() < MAX_REMEMBERED {
            tokens.insert(digest, now);
        }
    }

    /// Forgets a token.
    pub fn remove(&self, token: &str) {
        self.lock().remove(&TokenDigest::from(Sha256::digest(token)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, Monotonic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The actor of a session token or API key; `None` when it is unknown, expired or revoked.
///
/// # Errors
/// When the database cannot be read.
pub async fn actor_of(services: &Services, token: &str) -> Result<Option<Actor>, Error> {
    if ApiKeyToken::has_marker(token) {
        let Some(presented) = ApiKeyToken::parse(token) else { return Ok(None) };
        Ok(key_of(services, &presented).await?.map(|valid| Actor::Key(Arc::new(valid.key))))
    } else {
        let Some(presented) = Token::parse(token) else { return Ok(None) };
        Ok(person_of(services, &presented).await?.map(|person| Actor::Person(Arc::new(person))))
    }
}

/// A valid API key.
struct ValidKey {
    key: Key,
    expires_at: Option<Timestamp>,
}

async fn key_of(services: &Services, presented: &ApiKeyToken) -> Result<Option<ValidKey>, Error> {
    let now = services.now();
    let found = api_keys::api_key_by_token(&mut *services.store.read().await?, presented, now).await?;
    let Some(AuthenticatedKey { key, expires_at, last_used_at }) = found else { return Ok(None) };
    if last_used_at.is_none_or(|at| is_outdated(at, now)) {
        let id = key.id;
        services
            .store
            .write(move |conn| Box::pin(async move { Ok(api_keys::touch_api_key(conn, id, now).await?) }))
            .await?;
    }
    Ok(Some(ValidKey { key, expires_at }))
}

async fn person_of(services: &Services, presented: &Token) -> Result<Option<Person>, Error> {
    let now = services.now();
    let hash = presented.hash();
    let found = accounts::session_by_token(&mut *services.store.read().await?, hash.as_bytes(), now).await?;
    let Some(AccountSession { session, account }) = found else { return Ok(None) };
    if is_outdated(session.last_seen_at, now) {
        let touched = session.clone();
        services
            .store
            .write(move |conn| Box::pin(async move { Ok(accounts::touch_session(conn, &touched, now).await?) }))
            .await?;
    }
    Ok(Some(Person {
        id: account.id,
        username: account.username,
        role: account.role,
        session: session.id,
        reauthenticated_at: session.reauthenticated_at,
        email_verified: account.email_verified_at.is_some(),
    }))
}

fn is_outdated(seen: Timestamp, now: Timestamp) -> bool {
    now > seen.plus_seconds(LAST_SEEN_SECONDS)
}

//! From a token to whoever holds it.

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

/// How old the time of the last visit may grow before it is written again, in seconds.
const LAST_SEEN_SECONDS: i64 = 300;

/// How long a key is known after it was found good, where no bell rings for its end. With the second look of open streams it is
/// less than the second within which a key that was revoked elsewhere ends.
const KNOWN: Duration = Duration::from_millis(200);
/// From so many keys on those are forgotten that are not known any more.
const MANY: usize = 1000;

/// Keys that were found good a moment ago: a telephone system that asks often is not looked up each time. People always are.
#[derive(Default)]
pub struct KnownKeys(Mutex<HashMap<TokenDigest, KnownKey>>);

type TokenDigest = [u8; 32];

struct KnownKey {
    key: Arc<Key>,
    end: Option<Timestamp>,
    /// How often the bell of revoked keys had rung before it was looked up: what rings later makes it unknown.
    rings: u64,
    at: Monotonic,
}

impl KnownKeys {
    /// As [`actor_of`].
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn actor_of(&self, services: &Services, token: &str) -> Result<Option<Actor>, Error> {
        // Looking somebody up takes much room, which a key that is known does not have to carry through its request.
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
        // Both are taken before the database is asked.
        let (rings, at) = (services.notifier.keys_generation(), Monotonic::now());
        let Some((key, end)) = key_of(services, &presented).await? else { return Ok(None) };
        let key = Arc::new(key);
        let mut known = self.lock();
        if known.len() >= MANY {
            known.retain(|_, known| known.at.is_within(KNOWN, at));
        }
        known.insert(digest, KnownKey { key: Arc::clone(&key), end, rings, at });
        Ok(Some(Actor::Key(key)))
    }

    fn find(&self, services: &Services, digest: &TokenDigest) -> Option<Arc<Key>> {
        let known = self.lock();
        let found = known.get(digest)?;
        let is_good = found.rings == services.notifier.keys_generation()
            && found.at.is_within(KNOWN, Monotonic::now())
            && found.end.is_none_or(|end| end > services.now());
        is_good.then(|| Arc::clone(&found.key))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, KnownKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out whose token this is: a session's or an API key's. `None` when it is unknown, expired or revoked.
///
/// # Errors
/// When the database cannot be asked.
pub async fn actor_of(services: &Services, token: &str) -> Result<Option<Actor>, Error> {
    if ApiKeyToken::has_marker(token) {
        let Some(presented) = ApiKeyToken::parse(token) else { return Ok(None) };
        Ok(key_of(services, &presented).await?.map(|(key, _)| Actor::Key(Arc::new(key))))
    } else {
        let Some(presented) = Token::parse(token) else { return Ok(None) };
        Ok(person_of(services, &presented).await?.map(|person| Actor::Person(Arc::new(person))))
    }
}

/// The key with its end, if it has one.
async fn key_of(services: &Services, presented: &ApiKeyToken) -> Result<Option<(Key, Option<Timestamp>)>, Error> {
    let now = services.now();
    let found = api_keys::api_key_by_token(&mut *services.store.read().await?, presented, now).await?;
    let Some(AuthenticatedKey { key, expires_at, last_used_at }) = found else { return Ok(None) };
    if last_used_at.is_none_or(|at| is_long_ago(at, now)) {
        let id = key.id;
        services
            .store
            .write(move |conn| Box::pin(async move { Ok(api_keys::touch_api_key(conn, id, now).await?) }))
            .await?;
    }
    Ok(Some((key, expires_at)))
}

async fn person_of(services: &Services, presented: &Token) -> Result<Option<Person>, Error> {
    let now = services.now();
    let hash = presented.hash();
    let found =
        accounts::session_by_token(&mut *services.store.read().await?, hash.as_bytes(), now).await?;
    let Some(AccountSession { session, account }) = found else { return Ok(None) };
    if is_long_ago(session.last_seen_at, now) {
        let id = session.id;
        services
            .store
            .write(move |conn| {
                Box::pin(async move { Ok(accounts::touch_session(conn, id, now).await?) })
            })
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

fn is_long_ago(seen: Timestamp, now: Timestamp) -> bool {
    now > seen.plus_seconds(LAST_SEEN_SECONDS)
}

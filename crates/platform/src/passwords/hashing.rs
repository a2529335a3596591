//! Password hashing, with as many hashes at once as the machine has cores.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::fair_queue::{FairQueue, HashClient};
use super::password::Password;
use crate::clock::Rng;
use crate::error::InternalError;

/// Length of the queue per core, about half a second of work. Requests beyond it are rejected, so that clients retry
/// later.
const QUEUE_PER_CORE: usize = 16;

/// Result of a password verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The password does not match the hash.
    Mismatch,
    /// The password matches the hash.
    Match,
    /// The password matches, but the hash has a lower cost than new ones: the caller stores a new hash.
    MatchNeedsRehash,
}

/// Hashes and verifies passwords with Argon2id (RFC 9106) at 19 MiB, two passes, one lane: about 30 ms.
pub struct Hasher {
    argon2: Argon2<'static>,
    /// A random hash that no password matches, with the cost of new hashes.
    dummy_hash: Arc<str>,
    /// The hashes that run or wait.
    queue: Arc<FairQueue>,
    buffers: Arc<Buffers>,
    rng: Arc<dyn Rng>,
}

/// Memory of hashes that have ended, for the next ones: at most one buffer for each hash that can run at a time. The
/// allocator would keep more than that, since each thread frees its own.
struct Buffers {
    free: Mutex<Vec<Vec<Block>>>,
    /// Number of buffers that are kept.
    count: usize,
    /// Number of blocks of a buffer that is kept.
    blocks: usize,
}

impl Buffers {
    /// Runs `work` with a buffer for hashes of this cost.
    fn with<T>(&self, cost: &Params, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = kept.unwrap_or_default();
        let needed = cost.block_count();
        if buffer.len() < needed {
            buffer.resize(needed, Block::new());
        }
        let outcome = work(buffer.get_mut(..needed).unwrap_or_default());
        buffer.truncate(self.blocks);
        buffer.shrink_to(self.blocks);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.count {
            free.push(buffer);
        }
        outcome
    }
}

impl Hasher {
    /// Creates a hasher that uses all cores of the machine.
    ///
    /// # Errors
    /// When Argon2 rejects the cost parameters, which a test excludes.
    pub fn new(rng: Arc<dyn Rng>) -> Result<Self, InternalError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let cost = Params::new(19 * 1024, 2, 1, None).map_err(InternalError::new)?;
        Self::with_cost(rng, cost, cores, cores * QUEUE_PER_CORE)
    }

    /// Creates a hasher with the minimal cost of Argon2, for tests.
    ///
    /// # Errors
    /// As [`Hasher::new`].
    pub fn with_minimal_cost(rng: Arc<dyn Rng>) -> Result<Self, InternalError> {
        let cost = Params::new(Params::MIN_M_COST, 1, 1, None).map_err(InternalError::new)?;
        Self::with_cost(rng, cost, 4, 1024)
    }

    fn with_cost(rng: Arc<dyn Rng>, cost: Params, cores: usize, queue: usize) -> Result<Self, InternalError> {
        let dummy_hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&cost).map_err(InternalError::new)?,
            salt: Some(Salt::new(&rng.bytes::<16>()).map_err(InternalError::new)?),
            hash: Some(Output::new(&rng.bytes::<32>()).map_err(InternalError::new)?),
        };
        let buffers = Buffers { free: Mutex::default(), count: cores, blocks: cost.block_count() };
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, cost),
            dummy_hash: dummy_hash.to_string().into(),
            queue: FairQueue::new(cores, queue),
            buffers: Arc::new(buffers),
            rng,
        })
    }

    /// Hashes a password with a random salt. Returns a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`). The hashes of
    /// one client wait for each other before those of another do.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full.
    pub async fn hash(&self, client: HashClient, password: &Password) -> Result<String, InternalError> {
        let (argon2, password, salt) = (self.argon2.clone(), password.clone(), self.rng.bytes::<16>());
        self.run_blocking(client, move |buffers| {
            let output = hash_with(&argon2, buffers, &password, &salt, Params::DEFAULT_OUTPUT_LEN)?;
            let hash = PasswordHash {
                algorithm: Algorithm::Argon2id.ident(),
                version: Some(Version::V0x13.into()),
                params: ParamsString::try_from(argon2.params()).map_err(InternalError::new)?,
                salt: Some(Salt::new(&salt).map_err(InternalError::new)?),
                hash: Some(output),
            };
            Ok(hash.to_string())
        })
        .await
    }

    /// Verifies a password against a stored PHC string, with the cost parameters of the string.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full; [`InternalError::Invariant`] when the string is not a
    /// hash.
    pub async fn verify(
        &self,
        client: HashClient,
        password: &Password,
        stored: &str,
    ) -> Result<PasswordCheck, InternalError> {
        let (argon2, password, stored) = (self.argon2.clone(), password.clone(), stored.to_owned());
        self.run_blocking(client, move |buffers| {
            // Drops the original errors, whose text may quote the hash.
            let unreadable = || InternalError::new("a stored password hash cannot be read");
            let hash = PasswordHash::new(&stored).map_err(|_| unreadable())?;
            let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(unreadable()) };
            let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| unreadable())?;
            let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|_| unreadable())?;
            let cost = Params::try_from(&hash).map_err(|_| unreadable())?;
            let stored = Argon2::new(algorithm, version, cost);
            let output = hash_with(&stored, buffers, &password, salt.as_ref(), expected.len())?;
            // Compares in constant time.
            if output != *expected {
                return Ok(PasswordCheck::Mismatch);
            }
            let is_outdated = needs_rehash(&hash, argon2.params());
            Ok(if is_outdated { PasswordCheck::MatchNeedsRehash } else { PasswordCheck::Match })
        })
        .await
    }

    /// Takes as long as [`Hasher::verify`] with a wrong password. Called for a login without an account, so that the
    /// duration of the response does not reveal whether the account exists.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full, as for an account that exists.
    pub async fn verify_dummy(&self, client: HashClient, password: &Password) -> Result<(), InternalError> {
        self.verify(client, password, &self.dummy_hash).await.map(drop)
    }

    /// Runs `work` on a blocking thread when a core is free. The work holds its slot until it ends, because a blocking
    /// task is not cancelled when the client disconnects.
    async fn run_blocking<T: Send + 'static>(
        &self,
        client: HashClient,
        work: impl FnOnce(&Buffers) -> Result<T, InternalError> + Send + 'static,
    ) -> Result<T, InternalError> {
        let slot = self.queue.enter(client).await?;
        let buffers = Arc::clone(&self.buffers);
        let task = tokio::task::spawn_blocking(move || {
            let outcome = work(&buffers);
            drop(slot);
            outcome
        });
        task.await.map_err(InternalError::new)?
    }
}

/// Computes a hash of `length` bytes.
fn hash_with(
    argon2: &Argon2<'_>,
    buffers: &Buffers,
    password: &Password,
    salt: &[u8],
    length: usize,
) -> Result<Output, InternalError> {
    let mut output = vec![0; length];
    buffers
        .with(argon2.params(), |blocks| {
            argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, blocks)
        })
        .map_err(InternalError::new)?;
    Output::new(&output).map_err(InternalError::new)
}

/// Whether a hash uses another algorithm, or less memory or fewer passes than `current`.
fn needs_rehash(hash: &PasswordHash, current: &Params) -> bool {
    let Ok(params) = Params::try_from(hash) else { return true };
    hash.algorithm != Algorithm::Argon2id.ident()
        || params.m_cost() < current.m_cost()
        || params.t_cost() < current.t_cost()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::clock::SeededRng;

    fn rng() -> Arc<dyn Rng> {
        Arc::new(SeededRng::new(1))
    }

    #[tokio::test]
    async fn a_hash_matches_only_its_password() {
        let hasher = Hasher::new(rng()).unwrap();
        let password = Password::from_input("correct horse");
        let hash = hasher.hash(None, &password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(None, &password).await.unwrap());
        assert_eq!(hasher.verify(None, &password, &hash).await.unwrap(), PasswordCheck::Match);
        assert_eq!(
            hasher.verify(None, &Password::from_input("correct house"), &hash).await.unwrap(),
            PasswordCheck::Mismatch
        );
        assert!(matches!(hasher.verify(None, &password, "$argon2id$nonsense").await, Err(InternalError::Invariant(_))));
    }

    #[tokio::test]
    async fn a_hash_with_a_lower_cost_needs_a_rehash() {
        let password = Password::from_input("correct horse");
        let low_cost = Hasher::with_minimal_cost(rng()).unwrap().hash(None, &password).await.unwrap();
        let hasher = Hasher::new(rng()).unwrap();
        assert_eq!(hasher.verify(None, &password, &low_cost).await.unwrap(), PasswordCheck::MatchNeedsRehash);
        let full_cost = hasher.hash(None, &password).await.unwrap();
        assert_eq!(
            Hasher::with_minimal_cost(rng()).unwrap().verify(None, &password, &full_cost).await.unwrap(),
            PasswordCheck::Match
        );
    }

    /// Compares the cost parameters, and the best of thirty runs each: load makes runs slower, never faster.
    #[tokio::test]
    async fn an_unknown_account_costs_as_much_as_a_known_one() {
        let hasher = Hasher::new(rng()).unwrap();
        let password = Password::from_input("correct horse");
        let hash = hasher.hash(None, &password).await.unwrap();
        let cost = |phc: &str| phc.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(&hasher.dummy_hash));
        let (mut known, mut unknown) = (f64::MAX, f64::MAX);
        for _ in 0..30 {
            let start = Instant::now();
            hasher.verify(None, &Password::from_input("wrong"), &hash).await.unwrap();
            known = known.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            hasher.verify_dummy(None, &Password::from_input("wrong")).await.unwrap();
            unknown = unknown.min(start.elapsed().as_secs_f64());
        }
        assert!((0.5..2.0).contains(&(known / unknown)), "{known} s against {unknown} s");
    }

    #[tokio::test]
    async fn requests_beyond_the_queue_are_rejected() {
        let cost = Params::new(19 * 1024, 2, 1, None).unwrap();
        let hasher = Arc::new(Hasher::with_cost(rng(), cost, 1, 2).unwrap());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.hash(None, &Password::from_input("correct horse")).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => done += 1,
                Err(error) => assert!(matches!(error, InternalError::Overloaded(_)) && error.is_temporary()),
            }
        }
        assert_eq!(done, 3);
    }

    #[tokio::test]
    async fn the_memory_of_hashes_is_kept_for_the_next_ones_within_a_bound() {
        let cost = |memory| Params::new(memory, 1, 1, None).unwrap();
        let hasher = Arc::new(Hasher::with_cost(rng(), cost(64), 2, 100).unwrap());
        let larger = Hasher::with_cost(rng(), cost(128), 1, 1).unwrap();
        let password = Password::from_input("correct horse");
        let larger = larger.hash(None, &password).await.unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (hasher, password, larger) = (Arc::clone(&hasher), password.clone(), larger.clone());
                tokio::spawn(async move { hasher.verify(None, &password, &larger).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), PasswordCheck::Match);
        }
        let kept = hasher.buffers.free.lock().unwrap();
        assert!((1..=2).contains(&kept.len()) && kept.iter().all(|buffer| buffer.capacity() == 64));
    }
}

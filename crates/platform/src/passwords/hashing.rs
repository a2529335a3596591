//! Password hashing, with as many hashes at once as the machine has cores.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

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
    /// One permit per hash that runs.
    running: Arc<Semaphore>,
    /// One permit per hash that runs or waits.
    admitted: Arc<Semaphore>,
    rng: Arc<dyn Rng>,
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
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, cost),
            dummy_hash: dummy_hash.to_string().into(),
            running: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores + queue)),
            rng,
        })
    }

    /// Hashes a password with a random salt. Returns a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`).
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full.
    pub async fn hash(&self, password: &Password) -> Result<String, InternalError> {
        let (argon2, password, salt) = (self.argon2.clone(), password.clone(), self.rng.bytes::<16>());
        self.run_blocking(move || {
            argon2
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(InternalError::new)
        })
        .await
    }

    /// Verifies a password against a stored PHC string, with the cost parameters of the string.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full; [`InternalError::Invariant`] when the string is not a
    /// hash.
    pub async fn verify(&self, password: &Password, stored: &str) -> Result<PasswordCheck, InternalError> {
        let (argon2, password, stored) = (self.argon2.clone(), password.clone(), stored.to_owned());
        self.run_blocking(move || {
            // Drops the original error, whose text may quote the hash.
            let hash =
                PasswordHash::new(&stored).map_err(|_| InternalError::new("a stored password hash cannot be read"))?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) if needs_rehash(&hash, argon2.params()) => Ok(PasswordCheck::MatchNeedsRehash),
                Ok(()) => Ok(PasswordCheck::Match),
                Err(HashError::PasswordInvalid) => Ok(PasswordCheck::Mismatch),
                Err(_) => Err(InternalError::new("a stored password hash cannot be verified")),
            }
        })
        .await
    }

    /// Takes as long as [`Hasher::verify`] with a wrong password. Called for a login without an account, so that the
    /// duration of the response does not reveal whether the account exists.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when the queue is full, as for an account that exists.
    pub async fn verify_dummy(&self, password: &Password) -> Result<(), InternalError> {
        self.verify(password, &self.dummy_hash).await.map(drop)
    }

    /// Runs `work` on a blocking thread when a core is free. The work holds the permits until it ends, because a
    /// blocking task is not cancelled when the client disconnects.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, InternalError> + Send + 'static,
    ) -> Result<T, InternalError> {
        let admitted = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| InternalError::Overloaded("too many passwords to hash"))?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(InternalError::new)?;
        let task = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((running, admitted));
            outcome
        });
        task.await.map_err(InternalError::new)?
    }
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
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(&password).await.unwrap());
        assert_eq!(hasher.verify(&password, &hash).await.unwrap(), PasswordCheck::Match);
        assert_eq!(
            hasher.verify(&Password::from_input("correct house"), &hash).await.unwrap(),
            PasswordCheck::Mismatch
        );
        assert!(matches!(hasher.verify(&password, "$argon2id$nonsense").await, Err(InternalError::Invariant(_))));
    }

    #[tokio::test]
    async fn a_hash_with_a_lower_cost_needs_a_rehash() {
        let password = Password::from_input("correct horse");
        let low_cost = Hasher::with_minimal_cost(rng()).unwrap().hash(&password).await.unwrap();
        let hasher = Hasher::new(rng()).unwrap();
        assert_eq!(hasher.verify(&password, &low_cost).await.unwrap(), PasswordCheck::MatchNeedsRehash);
        let full_cost = hasher.hash(&password).await.unwrap();
        assert_eq!(
            Hasher::with_minimal_cost(rng()).unwrap().verify(&password, &full_cost).await.unwrap(),
            PasswordCheck::Match
        );
    }

    /// Compares the cost parameters, and the best of thirty runs each: load makes runs slower, never faster.
    #[tokio::test]
    async fn an_unknown_account_costs_as_much_as_a_known_one() {
        let hasher = Hasher::new(rng()).unwrap();
        let password = Password::from_input("correct horse");
        let hash = hasher.hash(&password).await.unwrap();
        let cost = |phc: &str| phc.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(&hasher.dummy_hash));
        let (mut known, mut unknown) = (f64::MAX, f64::MAX);
        for _ in 0..30 {
            let start = Instant::now();
            hasher.verify(&Password::from_input("wrong"), &hash).await.unwrap();
            known = known.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            hasher.verify_dummy(&Password::from_input("wrong")).await.unwrap();
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
                tokio::spawn(async move { hasher.hash(&Password::from_input("correct horse")).await })
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
}

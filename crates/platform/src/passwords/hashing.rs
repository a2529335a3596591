//! Hashing passwords, as many at once as the machine has cores.

use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::password::Password;
use crate::clock::Rng;
use crate::error::InternalError;

/// How many may wait for each core: half a second's work, after which a client does better to come again.
const WAITING_PER_CORE: usize = 16;

/// What a password and a hash have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and the hash costs less than today's: hash it anew.
    RightButCheap,
}

/// Hashes and verifies passwords with Argon2id (RFC 9106) at 19 MiB, two passes, one lane: about 30 ms.
pub struct Hasher {
    argon2: Argon2<'static>,
    /// A hash that no password has, at today's cost.
    nobody: Arc<str>,
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
    rng: Arc<dyn Rng>,
}

impl Hasher {
    /// A hasher for this machine's cores.
    ///
    /// # Errors
    /// When the cost is refused by the algorithm, which a test excludes.
    pub fn new(rng: Arc<dyn Rng>) -> Result<Self, InternalError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let cost = Params::new(19 * 1024, 2, 1, None).map_err(InternalError::new)?;
        Self::with(rng, cost, cores, cores * WAITING_PER_CORE)
    }

    /// A hasher of the least cost that Argon2 knows, for tests that sign in often.
    ///
    /// # Errors
    /// As [`Hasher::new`].
    pub fn cheap(rng: Arc<dyn Rng>) -> Result<Self, InternalError> {
        let cost = Params::new(Params::MIN_M_COST, 1, 1, None).map_err(InternalError::new)?;
        Self::with(rng, cost, 4, 1024)
    }

    fn with(rng: Arc<dyn Rng>, cost: Params, cores: usize, waiting: usize) -> Result<Self, InternalError> {
        let nobody = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&cost).map_err(InternalError::new)?,
            salt: Some(Salt::new(&rng.bytes::<16>()).map_err(InternalError::new)?),
            hash: Some(Output::new(&rng.bytes::<32>()).map_err(InternalError::new)?),
        };
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, cost),
            nobody: nobody.to_string().into(),
            cores: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores + waiting)),
            rng,
        })
    }

    /// Hashes a password; gives a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$…`).
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when too many wait already.
    pub async fn hash(&self, password: &Password) -> Result<String, InternalError> {
        let (argon2, password, salt) = (self.argon2.clone(), password.clone(), self.rng.bytes::<16>());
        self.take_turn(move || {
            argon2
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(InternalError::new)
        })
        .await
    }

    /// Compares a password with a stored PHC string, at the cost that the string names.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when too many wait already; [`InternalError::Invariant`] when the string is no hash.
    pub async fn verify(&self, password: &Password, stored: &str) -> Result<Verdict, InternalError> {
        let (argon2, password, stored) = (self.argon2.clone(), password.clone(), stored.to_owned());
        self.take_turn(move || {
            // The words of the error are not passed on: they may quote the hash.
            let hash =
                PasswordHash::new(&stored).map_err(|_| InternalError::new("a stored password hash cannot be read"))?;
            match argon2.verify_password(password.as_bytes(), &hash) {
                Ok(()) if is_cheap(&hash, argon2.params()) => Ok(Verdict::RightButCheap),
                Ok(()) => Ok(Verdict::Right),
                Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(_) => Err(InternalError::new("a stored password hash cannot be verified")),
            }
        })
        .await
    }

    /// Takes as long as [`Hasher::verify`] with a wrong password: for an account that does not exist, so that the
    /// time of the answer does not tell.
    ///
    /// # Errors
    /// [`InternalError::Overloaded`] when too many wait already, as for an account that exists.
    pub async fn verify_nothing(&self, password: &Password) -> Result<(), InternalError> {
        self.verify(password, &self.nobody).await.map(drop)
    }

    /// Runs `work` on a thread for blocking work, when a core is free. The permits go with the work: a client that
    /// hangs up does not make room for a second hash while the first still runs.
    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, InternalError> + Send + 'static,
    ) -> Result<T, InternalError> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| InternalError::Overloaded("too many passwords to hash"))?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(InternalError::new)?;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((core, place));
            outcome
        });
        done.await.map_err(InternalError::new)?
    }
}

/// Whether a hash costs less than `today`, in memory or in passes, or is of another kind.
fn is_cheap(hash: &PasswordHash, today: &Params) -> bool {
    let Ok(params) = Params::try_from(hash) else { return true };
    hash.algorithm != Algorithm::Argon2id.ident()
        || params.m_cost() < today.m_cost()
        || params.t_cost() < today.t_cost()
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
    async fn a_hash_verifies_its_password_only() {
        let hasher = Hasher::new(rng()).unwrap();
        let password = Password::presented("correct horse");
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(&password).await.unwrap());
        assert_eq!(hasher.verify(&password, &hash).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(&Password::presented("correct house"), &hash).await.unwrap(), Verdict::Wrong);
        assert!(matches!(hasher.verify(&password, "$argon2id$nonsense").await, Err(InternalError::Invariant(_))));
    }

    #[tokio::test]
    async fn a_cheaper_hash_asks_for_a_new_one() {
        let password = Password::presented("correct horse");
        let cheap = Hasher::cheap(rng()).unwrap().hash(&password).await.unwrap();
        let hasher = Hasher::new(rng()).unwrap();
        assert_eq!(hasher.verify(&password, &cheap).await.unwrap(), Verdict::RightButCheap);
        let dear = hasher.hash(&password).await.unwrap();
        assert_eq!(Hasher::cheap(rng()).unwrap().verify(&password, &dear).await.unwrap(), Verdict::Right);
    }

    /// The same algorithm and cost, and the best of ten runs each: a busy machine makes runs slower, never faster.
    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let hasher = Hasher::new(rng()).unwrap();
        let password = Password::presented("correct horse");
        let hash = hasher.hash(&password).await.unwrap();
        let cost = |phc: &str| phc.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&hash), cost(&hasher.nobody));
        let (mut somebody, mut nobody) = (f64::MAX, f64::MAX);
        for _ in 0..10 {
            let start = Instant::now();
            hasher.verify(&Password::presented("wrong"), &hash).await.unwrap();
            somebody = somebody.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            hasher.verify_nothing(&Password::presented("wrong")).await.unwrap();
            nobody = nobody.min(start.elapsed().as_secs_f64());
        }
        assert!((0.5..2.0).contains(&(somebody / nobody)), "{somebody} s against {nobody} s");
    }

    #[tokio::test]
    async fn a_short_queue_waits_and_the_rest_is_turned_away() {
        let cost = Params::new(19 * 1024, 2, 1, None).unwrap();
        let hasher = Arc::new(Hasher::with(rng(), cost, 1, 2).unwrap());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.hash(&Password::presented("correct horse")).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => done += 1,
                Err(fault) => assert!(matches!(fault, InternalError::Overloaded(_)) && fault.is_temporary()),
            }
        }
        assert_eq!(done, 3);
    }
}

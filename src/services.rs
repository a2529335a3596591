//! What every rule may lean on: the database, time, randomness, keys. Built once, shared by all.

use std::sync::Arc;

use crate::access::rates::Buckets;
use crate::accounts::hashing::Hasher;
use crate::changes::doorbell::Doorbell;
use crate::clock::{Clock, Rng, Timestamp};
use crate::secrets::Sealer;
use crate::store::Store;

/// The ground under the rules. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Seals secrets at rest.
    pub sealer: Arc<Sealer>,
    /// Hashes passwords.
    pub hasher: Arc<Hasher>,
    /// Sign-ins a minute of an address.
    pub sign_ins: Arc<Buckets<String>>,
    /// Rings after a commit.
    pub doorbell: Doorbell,
}

impl Services {
    /// The instant now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

//! What every rule may lean on: the database, time, randomness, keys. Built once, shared by all.

use std::ops::Deref;
use std::sync::Arc;

use crate::access::rates::{Buckets, RateAddress};
use crate::clock::{Clock, Rng, Timestamp};
use crate::hooks::Hooks;
use crate::notifications::Notifier;
use crate::passwords::Hasher;
use crate::secrets::Sealer;
use crate::store::Store;

/// The ground under the rules. Cheap to clone: every request and every reader of a feed has one.
#[derive(Clone)]
pub struct Services(Arc<ServicesInner>);

/// What [`Services`] hands out.
pub struct ServicesInner {
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
    pub sign_ins: Buckets<Option<RateAddress>>,
    /// Notifies waiting readers after a commit.
    pub notifier: Notifier,
    /// What the layers above have registered.
    pub hooks: Hooks,
}

impl From<ServicesInner> for Services {
    fn from(ground: ServicesInner) -> Self {
        Self(Arc::new(ground))
    }
}

impl Deref for Services {
    type Target = ServicesInner;

    fn deref(&self) -> &ServicesInner {
        &self.0
    }
}

impl ServicesInner {
    /// The instant now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

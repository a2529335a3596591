//! Shared services: database, clock, random number generator, keys and notifications.

use std::ops::Deref;
use std::sync::Arc;

use crate::access::Refusals;
use crate::access::quotas::Quotas;
use crate::audit::AuditLog;
use crate::clock::{Clock, Rng, Timestamp};
use crate::hooks::Hooks;
use crate::notifications::Notifier;
use crate::passwords::Hasher;
use crate::secrets::Sealer;
use crate::store::Store;

/// Shared handle to the services, cheap to clone. The program creates it once.
#[derive(Clone)]
pub struct Services(Arc<ServicesInner>);

/// The services behind [`Services`].
pub struct ServicesInner {
    /// The database.
    pub store: Store,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random number generator.
    pub rng: Arc<dyn Rng>,
    /// The sealer of stored secrets.
    pub sealer: Arc<Sealer>,
    /// The key and the anchor of the audit.
    pub audit: AuditLog,
    /// The hasher of passwords.
    pub hasher: Arc<Hasher>,
    /// Quotas of password hashes, registrations, mails and guesses.
    pub quotas: Quotas,
    /// Counts of refused proofs and privileges.
    pub refusals: Refusals,
    /// The notifier of waiting readers.
    pub notifier: Notifier,
    /// The hooks that the domains have registered.
    pub hooks: Hooks,
}

impl From<ServicesInner> for Services {
    fn from(services: ServicesInner) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for Services {
    type Target = ServicesInner;

    fn deref(&self) -> &ServicesInner {
        &self.0
    }
}

impl ServicesInner {
    /// Returns the current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

//! The services of a test: an SQLite database, a manual clock, seeded randomness and the hooks of every domain.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use accounts::AccountStatusReader;
use accounts::hooks::AccountHooks;
use events::hooks::EventHooks;
use extensions::ExtensionHooks;
use numbers::NumberHooks;
use platform::access::quotas::Quotas;
use platform::access::{AccountStatusSource, Refusals};
use platform::audit::AuditLog;
use platform::clock::{ManualClock, Rng, SeededRng, Timestamp};
use platform::hooks::Hooks;
use platform::notifications::Notifier;
use platform::passwords::Hasher;
use platform::secrets::Sealer;
use platform::services::{Services, ServicesInner};
use platform::store::{DatabaseUrl, Store};
use provisioning::source::FeedSource;
use provisioning::{ExtensionSource, ProvisioningHooks};
use service_types::hooks::ServiceTypeHooks;

/// The start of the manual clock.
pub const NOW: Timestamp = Timestamp(1_787_000_000_000_000);

/// Opens the services of a test over the SQLite database at `database`, with the sealing key of `folder`.
pub async fn services(folder: &Path, database: PathBuf, seed: u64) -> (Services, Arc<ManualClock>) {
    services_with(folder, database, seed, hooks()).await
}

/// [`services`] with other hooks.
pub(crate) async fn services_with(
    folder: &Path,
    database: PathBuf,
    seed: u64,
    hooks: Hooks,
) -> (Services, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(NOW));
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(seed));
    let store = Store::open(&DatabaseUrl::Sqlite(database)).await.unwrap();
    let sealer = Arc::new(Sealer::load_or_create(folder, None, Arc::clone(&rng)).unwrap());
    let services = Services::from(ServicesInner {
        audit: AuditLog::load_or_create(&store, &sealer, &rng, folder).await.unwrap(),
        store,
        clock: Arc::clone(&clock) as _,
        sealer,
        hasher: Arc::new(Hasher::with_minimal_cost(Arc::clone(&rng)).unwrap()),
        quotas: Quotas::new(&(Arc::clone(&clock) as _)),
        refusals: Refusals::default(),
        rng,
        notifier: Notifier::default(),
        hooks,
    });
    (services, clock)
}

/// The hooks that the program registers.
pub(crate) fn hooks() -> Hooks {
    let mut hooks = Hooks::default();
    hooks.register::<dyn AccountStatusSource>(Arc::new(AccountStatusReader));
    hooks.register::<dyn AccountHooks>(Arc::new(ExtensionHooks));
    hooks.register::<dyn AccountHooks>(Arc::new(NumberHooks));
    hooks.register::<dyn AccountHooks>(Arc::new(ProvisioningHooks));
    hooks.register::<dyn FeedSource>(Arc::new(ExtensionSource));
    hooks.register::<dyn EventHooks>(Arc::new(NumberHooks));
    hooks.register::<dyn EventHooks>(Arc::new(ExtensionHooks));
    hooks.register::<dyn ServiceTypeHooks>(Arc::new(ExtensionHooks));
    hooks
}

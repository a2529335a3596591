//! The application: configuration, services and GraphQL schema, created once and shared by every request.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use async_graphql::Schema;
use tokio::sync::watch;

use crate::authentication::{ApiKeyCache, ValidTokens};
use crate::config::{Installation, Serving, check_folder_mode, create_data_dir};
use crate::graphql::accounts::SessionCookie;
use crate::graphql::context::{CoreTypeNames, PublicAddress};
use crate::graphql::roots::{ApiSchema, Mutation, Query, Subscription};
use crate::graphql::typed::with_catalogue;
use crate::http::document_cache::DocumentCache;
use crate::http::graphql::{OpenSockets, PublishedSchema};
use crate::http::health::Readiness;
use crate::http::rates::Rates;
use crate::http::request_counts::RequestCounts;
use crate::http::spool::SpooledBytes;
use accounts::hooks::AccountHooks;
use events::hooks::EventHooks;
use extensions::ExtensionHooks;
use numbers::NumberHooks;
use platform::access::quotas::Quotas;
use platform::access::{AccountStatusSource, Refusals};
use platform::audit::AuditLog;
use platform::clock::{Clock, Rng};
use platform::error::{Error, InternalError};
use platform::hooks::Hooks;
use platform::mail::Mailer;
use platform::notifications::Notifier;
use platform::passwords::Hasher;
use platform::secrets::{self, Sealer, SealingError};
use platform::services::{Services, ServicesInner};
use platform::store::Store;
use platform::workers::Workers;
use provisioning::source::FeedSource;
use provisioning::subscribers::Subscribers;
use provisioning::web_hooks::WebhookClient;
use provisioning::{ExtensionSource, ProvisioningHooks};
use service_types::hooks::ServiceTypeHooks;
use service_types::typing::{ServiceTypeSource, TypeCatalogue};

/// The GraphQL schema as the HTTP layer serves it.
pub type Published = PublishedSchema<ApiSchema>;

/// The application's shared state.
pub struct App {
    pub services: Services,
    pub serving: Serving,
    /// Folder of the spool files of large response bodies, among others.
    pub data_dir: PathBuf,
    pub mailer: Mailer,
    /// Feed subscriptions, shared by concurrent readers.
    pub subscribers: Arc<Subscribers>,
    pub schema: Arc<ArcSwap<Published>>,
    /// Catalogue generation of the schema. Locked while the schema is rebuilt.
    rebuild_generation: tokio::sync::Mutex<u64>,
    /// The same generation, readable without the lock.
    schema_generation: AtomicU64,
    pub rates: Rates,
    /// Files of directories that were rendered lately.
    pub document_cache: DocumentCache,
    /// The bytes of large response bodies that wait on the disk.
    pub spooled: SpooledBytes,
    /// The latest check of the database for `/readyz`.
    pub readiness: Readiness,
    /// Threads for operations that read much.
    pub workers: Workers,
    /// Recently authenticated API keys.
    pub api_key_cache: ApiKeyCache,
    /// Tokens that were valid lately.
    pub valid_tokens: ValidTokens,
    /// Request counters for metrics.
    pub request_counts: Arc<RequestCounts>,
    /// Client of web hooks and its limits of concurrency.
    pub web_hooks: Arc<WebhookClient>,
    /// Becomes true when the shutdown begins.
    pub stopping: watch::Sender<bool>,
    /// Open WebSockets; the shutdown waits until they are closed.
    pub sockets: OpenSockets,
}

/// Dependencies that tests replace.
pub struct Dependencies {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub hasher: Hasher,
}

impl Dependencies {
    /// Creates the dependencies of production.
    ///
    /// # Errors
    /// When the password hasher cannot be initialized.
    pub fn system() -> Result<Self, InternalError> {
        let rng: Arc<dyn Rng> = Arc::new(platform::clock::SystemRng);
        let hasher = Hasher::new(Arc::clone(&rng))?;
        Ok(Self { clock: Arc::new(platform::clock::SystemClock), rng, hasher })
    }
}

/// What happens where there is no installation yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Missing {
    Create,
    Refuse,
}

/// An open installation.
pub struct Opened {
    pub services: Services,
    /// Versions of the migrations that were applied now.
    pub migrations: Vec<String>,
}

/// Opens an installation, or creates it: data folder, sealing key and database.
///
/// # Errors
/// When one of them cannot be opened or created; the message names it.
pub async fn open(installation: &Installation, dependencies: Dependencies) -> Result<Services, InternalError> {
    open_or_create(installation, dependencies).await.map(|opened| opened.services)
}

/// Opens an installation, or creates it, and tells what was migrated.
///
/// # Errors
/// As [`open`].
pub async fn open_or_create(installation: &Installation, dependencies: Dependencies) -> Result<Opened, InternalError> {
    open_as(installation, dependencies, Missing::Create).await
}

/// Opens an installation that exists.
///
/// # Errors
/// As [`open`], and where there is no installation.
pub async fn open_existing(installation: &Installation, dependencies: Dependencies) -> Result<Services, InternalError> {
    open_as(installation, dependencies, Missing::Refuse).await.map(|opened| opened.services)
}

/// Checks that there is an installation, so that a command with the wrong folder creates none.
///
/// # Errors
/// When there is none, or PostgreSQL cannot be reached.
pub async fn demand_existing(installation: &Installation) -> Result<(), InternalError> {
    let url = installation.database().map_err(InternalError::new)?;
    if Store::exists(&url).await? {
        return Ok(());
    }
    let folder = std::env::current_dir().unwrap_or_default();
    Err(InternalError::new(format!(
        "there is no installation: the database {url} does not exist or is empty. Name it with --data-dir or \
         --database-url (the current folder is {}); only serve, migrate, admin create and restore create one",
        folder.display()
    )))
}

async fn open_as(
    installation: &Installation,
    dependencies: Dependencies,
    missing: Missing,
) -> Result<Opened, InternalError> {
    let Dependencies { clock, rng, hasher } = dependencies;
    let data_dir = &installation.data_dir;
    let url = installation.database().map_err(InternalError::new)?;
    if missing == Missing::Refuse {
        demand_existing(installation).await?;
    }
    create_data_dir(data_dir).map_err(InternalError::new)?;
    let variable = installation.sealing_key();
    let loaded = match Sealer::load(data_dir, variable.as_ref(), Arc::clone(&rng)) {
        Err(SealingError::Missing(path)) => Err(SealingError::Missing(path)),
        loaded => Ok(loaded.map_err(InternalError::new)?),
    };
    let store = Store::connect(&url).await?;
    let migrations = store.migrate().await?;
    let mut conn = store.read().await?;
    let sealer = match loaded {
        Ok(sealer) => sealer,
        Err(missing) if secrets::has_sealed_values(&mut conn).await.map_err(to_internal)? => {
            return Err(InternalError::new(missing));
        }
        Err(_) => Sealer::load_or_create(data_dir, variable.as_ref(), Arc::clone(&rng)).map_err(InternalError::new)?,
    };
    secrets::check_sealing_key(&mut conn, &sealer).await.map_err(to_internal)?;
    drop(conn);
    let sealer = Arc::new(sealer);
    let services = Services::from(ServicesInner {
        audit: AuditLog::load_or_create(&store, &sealer, &rng, data_dir).await.map_err(to_internal)?,
        store,
        quotas: Quotas::new(&clock),
        refusals: Refusals::default(),
        clock,
        rng,
        sealer,
        hasher: Arc::new(hasher),
        notifier: Notifier::default(),
        hooks: hooks(),
    });
    Ok(Opened { services, migrations })
}

/// The start has no caller, so every error of it is internal.
fn to_internal(error: Error) -> InternalError {
    match error {
        Error::Internal(error) => error,
        other => InternalError::new(format!("{other:?}")),
    }
}

/// What the domains register with the layers below them.
fn hooks() -> Hooks {
    let mut hooks = Hooks::default();
    hooks.register::<dyn AccountStatusSource>(Arc::new(accounts::AccountStatusReader));
    hooks.register::<dyn AccountHooks>(Arc::new(ExtensionHooks));
    hooks.register::<dyn AccountHooks>(Arc::new(NumberHooks));
    hooks.register::<dyn AccountHooks>(Arc::new(ProvisioningHooks));
    hooks.register::<dyn FeedSource>(Arc::new(ExtensionSource));
    hooks.register::<dyn EventHooks>(Arc::new(NumberHooks));
    hooks.register::<dyn EventHooks>(Arc::new(ExtensionHooks));
    hooks.register::<dyn ServiceTypeHooks>(Arc::new(ExtensionHooks));
    hooks
}

impl App {
    /// Creates the application for an open installation.
    ///
    /// # Errors
    /// When the mailer or the GraphQL schema cannot be created.
    pub async fn new(
        installation: &Installation,
        serving: Serving,
        services: Services,
    ) -> Result<Arc<Self>, InternalError> {
        let public_url = serving.public_url();
        let (clock, rng) = (Arc::clone(&services.clock), Arc::clone(&services.rng));
        let from = serving.mail_from();
        let mailer = match serving.mail_server().map_err(InternalError::new)? {
            Some(server) => Mailer::smtp(&server, &from, &public_url, clock, rng)?,
            None => {
                let folder = installation.data_dir.join("mail");
                check_folder_mode("mail folder", &folder).map_err(InternalError::new)?;
                Mailer::files(&folder, &from, &public_url, clock, rng)?
            }
        };
        let generation = services.notifier.catalogue_generation();
        let subscribers = Arc::<Subscribers>::default();
        let cookie = SessionCookie { plain_http: serving.plain_http_lan };
        let web_hooks = Arc::new(WebhookClient::new(&serving.web_hook_network)?);
        let schema = publish(&services, &subscribers, &web_hooks, cookie, &public_url).await?;
        let rates = Rates::new(&services.clock);
        let (stopping, _) = watch::channel(false);
        Ok(Arc::new(Self {
            services,
            serving,
            data_dir: installation.data_dir.clone(),
            mailer,
            subscribers,
            schema: Arc::new(ArcSwap::from_pointee(schema)),
            rebuild_generation: tokio::sync::Mutex::new(generation),
            schema_generation: AtomicU64::new(generation),
            rates,
            document_cache: DocumentCache::default(),
            spooled: SpooledBytes::default(),
            readiness: Readiness::default(),
            workers: Workers::default(),
            api_key_cache: ApiKeyCache::default(),
            valid_tokens: ValidTokens::default(),
            request_counts: Arc::default(),
            web_hooks,
            stopping,
            sockets: OpenSockets::default(),
        }))
    }

    /// Returns the settings of the session cookie.
    pub const fn cookie(&self) -> SessionCookie {
        SessionCookie { plain_http: self.serving.plain_http_lan }
    }

    /// Rebuilds the GraphQL schema if the service types have changed. Running operations keep the previous schema.
    ///
    /// # Errors
    /// When the database cannot be read; the previous schema stays.
    pub async fn refresh_schema(&self) -> Result<(), InternalError> {
        if self.schema_generation.load(Ordering::SeqCst) == self.services.notifier.catalogue_generation() {
            return Ok(());
        }
        // Boxed to keep the future of every request small.
        Box::pin(self.rebuild_schema()).await
    }

    async fn rebuild_schema(&self) -> Result<(), InternalError> {
        let mut rebuild_generation = self.rebuild_generation.lock().await;
        let generation = self.services.notifier.catalogue_generation();
        if *rebuild_generation != generation {
            let public_url = self.serving.public_url();
            let schema =
                publish(&self.services, &self.subscribers, &self.web_hooks, self.cookie(), &public_url).await?;
            self.schema.store(Arc::new(schema));
            *rebuild_generation = generation;
            self.schema_generation.store(generation, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Returns the schema without the types of service types, which is printed to `schema.graphql`.
pub fn core_schema() -> ApiSchema {
    with_catalogue(&Arc::default(), || {
        Schema::build(Query::default(), Mutation::default(), Subscription::default()).finish()
    })
}

async fn publish(
    services: &Services,
    subscribers: &Arc<Subscribers>,
    web_hooks: &Arc<WebhookClient>,
    cookie: SessionCookie,
    public_url: &str,
) -> Result<Published, InternalError> {
    let types = Arc::new(type_catalogue(services).await?);
    Published::build(|mode| {
        with_catalogue(&types, || {
            Schema::build(Query::default(), Mutation::default(), Subscription::default())
                .data(Arc::clone(&types))
                .data(services.clone())
                .data(Arc::clone(subscribers))
                .data(Arc::clone(web_hooks))
                .data(cookie)
                .data(PublicAddress(public_url.to_owned()))
                .data(CoreTypeNames(core_type_names()))
                .validation_mode(mode)
                .finish()
        })
    })
    .map_err(InternalError::new)
}

/// Builds the GraphQL types of the service types in the database.
async fn type_catalogue(services: &Services) -> Result<TypeCatalogue, InternalError> {
    let rows = service_types::all_service_types(&mut *services.store.read().await?).await?;
    let mut catalogue = TypeCatalogue::new(core_type_names().iter().map(String::as_str));
    for row in &rows {
        let schema = service_types::compiled(row)?;
        // A service type with a name clash has no GraphQL types; its parameters remain available as JSON.
        if let Err(problem) = catalogue.add(ServiceTypeSource::new(row, &schema)) {
            tracing::warn!(service_type = row.slug, problem = problem.message, "a service type has no GraphQL types");
        }
    }
    Ok(catalogue)
}

/// Returns the names of the core schema's types, which service types must not use.
pub fn core_type_names() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let keywords = ["scalar ", "enum ", "interface ", "union ", "input ", "type "];
        let sdl = core_schema().sdl();
        let lines = sdl.lines().filter_map(|line| keywords.iter().find_map(|keyword| line.strip_prefix(keyword)));
        lines.filter_map(|rest| rest.split([' ', '{', '@']).next()).map(str::to_owned).collect()
    });
    &NAMES
}

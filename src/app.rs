//! The program as one value: configuration, services, catalogue, schema. Built once, shared by every request.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use async_graphql::Schema;
use tokio::sync::watch;

use crate::access::rates::Buckets;
use crate::accounts::graphql::SessionCookie;
use crate::accounts::hashing::Hasher;
use crate::authentication::ApiKeyCache;
use crate::clock::{Clock, Rng};
use crate::config::{Installation, Serving};
use crate::error::InternalError;
use crate::graphql::context::{CoreTypeNames, PublicAddress};
use crate::graphql::roots::{ApiSchema, Mutation, Query, Subscription};
use crate::graphql::typed::with_catalogue;
use crate::http::graphql::{OpenSockets, PublishedSchema};
use crate::http::rates::Rates;
use crate::http::request_counts::RequestCounts;
use crate::mail::Mailer;
use crate::notifications::Notifier;
use crate::provisioning::followers::Followers;
use crate::provisioning::web_hooks::Calls;
use crate::secrets::Sealer;
use crate::service_types;
use crate::service_types::typing::TypeCatalogue;
use crate::services::{Services, ServicesInner};
use crate::store::Store;

/// A schema as the edge serves it.
pub type Published = PublishedSchema<ApiSchema>;

/// What the program is made of.
pub struct App {
    pub services: Services,
    pub serving: Serving,
    /// Where bodies that slow clients have not taken yet are kept.
    pub data_dir: PathBuf,
    pub mailer: Mailer,
    /// What those who follow feeds share.
    pub followers: Arc<Followers>,
    pub schema: Arc<ArcSwap<Published>>,
    /// How often the catalogue's bell had rung when the schema was built; held while it is built anew.
    published_at: tokio::sync::Mutex<u64>,
    /// The same number, to compare without waiting.
    published_rings: AtomicU64,
    pub rates: Rates,
    pub api_key_cache: ApiKeyCache,
    /// Finished requests, for metrics.
    pub request_counts: Arc<RequestCounts>,
    /// The calls to web hooks that are under way.
    pub web_hooks: Arc<Calls>,
    /// Turns true when the program begins to shut down.
    pub stopping: watch::Sender<bool>,
    /// The WebSockets that are open: stopping waits for their closing.
    pub sockets: OpenSockets,
}

/// How often one address may try to sign in.
const SIGN_INS_A_MINUTE: u32 = 20;

/// The parts that a test brings itself.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub hasher: Hasher,
}

impl Parts {
    /// The machine's own.
    ///
    /// # Errors
    /// When the hasher cannot be made.
    pub fn of_this_machine() -> Result<Self, InternalError> {
        let rng: Arc<dyn Rng> = Arc::new(crate::clock::SystemRng);
        let hasher = Hasher::new(Arc::clone(&rng))?;
        Ok(Self { clock: Arc::new(crate::clock::SystemClock), rng, hasher })
    }
}

/// Opens the installation: data folder, sealing key, database.
///
/// # Errors
/// When one of them cannot be had; the sentence says which.
pub async fn open(installation: &Installation, parts: Parts) -> Result<Services, InternalError> {
    crate::config::make_data_dir(&installation.data_dir)?;
    let sealer =
        Sealer::load_or_create(&installation.data_dir, installation.sealing_key().as_ref(), Arc::clone(&parts.rng))
            .map_err(InternalError::new)?;
    let store = Store::open(&installation.database().map_err(InternalError::new)?).await?;
    Ok(Services::from(ServicesInner {
        store,
        sign_ins: Buckets::per_minute(SIGN_INS_A_MINUTE, &parts.clock),
        clock: parts.clock,
        rng: parts.rng,
        sealer: Arc::new(sealer),
        hasher: Arc::new(parts.hasher),
        notifier: Notifier::default(),
    }))
}

impl App {
    /// Puts the program together over an open installation.
    ///
    /// # Errors
    /// When the mailer or the schema cannot be made.
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
            None => Mailer::files(&installation.data_dir.join("mail"), &from, &public_url, clock, rng)?,
        };
        let rings = services.notifier.catalogue_generation();
        let followers = Arc::<Followers>::default();
        let cookie = SessionCookie { plain_http: serving.plain_http_lan };
        let schema = publish(&services, &followers, cookie, &public_url).await?;
        let rates = Rates::new(&services.clock);
        let web_hooks = Arc::new(Calls::new(&serving.web_hook_network)?);
        let (stopping, _) = watch::channel(false);
        Ok(Arc::new(Self {
            services,
            serving,
            data_dir: installation.data_dir.clone(),
            mailer,
            followers,
            schema: Arc::new(ArcSwap::from_pointee(schema)),
            published_at: tokio::sync::Mutex::new(rings),
            published_rings: AtomicU64::new(rings),
            rates,
            api_key_cache: ApiKeyCache::default(),
            request_counts: Arc::default(),
            web_hooks,
            stopping,
            sockets: OpenSockets::default(),
        }))
    }

    /// The cookie of this installation.
    pub const fn cookie(&self) -> SessionCookie {
        SessionCookie { plain_http: self.serving.plain_http_lan }
    }

    /// Builds the schema anew if an admin changed the catalogue since it was built. Running operations keep the old one.
    ///
    /// # Errors
    /// When the database cannot be read; the old schema stays.
    pub async fn refresh_schema(&self) -> Result<(), InternalError> {
        if self.published_rings.load(Ordering::SeqCst) == self.services.notifier.catalogue_generation() {
            return Ok(());
        }
        // Boxed: every request passes here, and hardly one has to build.
        Box::pin(self.build_schema()).await
    }

    async fn build_schema(&self) -> Result<(), InternalError> {
        let mut published_at = self.published_at.lock().await;
        let rings = self.services.notifier.catalogue_generation();
        if *published_at != rings {
            let public_url = self.serving.public_url();
            let schema = publish(&self.services, &self.followers, self.cookie(), &public_url).await?;
            self.schema.store(Arc::new(schema));
            *published_at = rings;
            self.published_rings.store(rings, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// The schema without any service type: what `schema.graphql` is printed from.
pub fn core_schema() -> ApiSchema {
    with_catalogue(&Arc::default(), || {
        Schema::build(Query::default(), Mutation::default(), Subscription::default()).finish()
    })
}

async fn publish(
    services: &Services,
    followers: &Arc<Followers>,
    cookie: SessionCookie,
    public_url: &str,
) -> Result<Published, InternalError> {
    let types = Arc::new(type_catalogue(services).await?);
    Published::build(|mode| {
        with_catalogue(&types, || {
            Schema::build(Query::default(), Mutation::default(), Subscription::default())
                .data(Arc::clone(&types))
                .data(services.clone())
                .data(Arc::clone(followers))
                .data(cookie)
                .data(PublicAddress(public_url.to_owned()))
                .data(CoreTypeNames(core_type_names()))
                .validation_mode(mode)
                .finish()
        })
    })
    .map_err(InternalError::new)
}

/// The GraphQL types of the service types that the database has now.
async fn type_catalogue(services: &Services) -> Result<TypeCatalogue, InternalError> {
    let rows = service_types::queries::all_service_types(&mut *services.store.read().await?).await?;
    let mut catalogue = TypeCatalogue::new(core_type_names().iter().map(String::as_str));
    for row in &rows {
        let schema = service_types::compiled(row)?;
        // One type that clashes must not take the others away; its parameters still travel as JSON.
        if let Err(problem) = catalogue.add(service_types::rules::source(row, &schema)) {
            tracing::warn!(service_type = row.slug, problem = problem.message, "a service type has no GraphQL types");
        }
    }
    Ok(catalogue)
}

/// The names of the API's own types: no service type's may be one of them.
pub fn core_type_names() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let keywords = ["scalar ", "enum ", "interface ", "union ", "input ", "type "];
        let sdl = core_schema().sdl();
        let lines = sdl.lines().filter_map(|line| keywords.iter().find_map(|keyword| line.strip_prefix(keyword)));
        lines.filter_map(|rest| rest.split([' ', '{', '@']).next()).map(str::to_owned).collect()
    });
    &NAMES
}

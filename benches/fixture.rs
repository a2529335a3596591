//! An installation with many extensions: one event, and one service type with six parameters.

use std::sync::Arc;

use async_graphql::{Request, Variables};
use clap::Parser as _;
use diesel_async::SimpleAsyncConnection as _;
use events::EventPhase;
use events::rules::{CreateEvent, CreateNumberRange};
use extensions::list::{self, Filter};
use numbering::keypad::keypad_digits;
use platform::access::{Actor, ApiKeyScope, Caller, Key, Person, Role};
use platform::clock::Timestamp;
use platform::feed_log::digest::FeedDigest;
use platform::feed_log::{self, FeedRef, entry_version};
use platform::ids::{ApiKeyId, EventId, FeedId, ServiceTypeId, SessionId};
use platform::store::Conn;
use serde_json::{Value, json};
use service_types::rules::CreateServiceType;
use service_types::{ServiceBehaviour, rules};
use switchboard::app::{self, App, Dependencies};
use switchboard::cli::Cli;
use switchboard::http::app_state::RequestContext;
use switchboard::http::graphql::{Endpoint, execute};

use super::postgres::Cluster;

/// The number of the first extension; the others are consecutive.
pub const FIRST_NUMBER: u32 = 1_000_000;
/// How many extensions a fixture on PostgreSQL has.
const POSTGRES_EXTENSIONS: u32 = 500;
/// Every number from here on is available.
pub const FIRST_AVAILABLE_NUMBER: u32 = 5_000_000;
/// The tag of the revision that contains all initial feed entries.
const TAG: [u8; 8] = *b"revision";

/// The first words of the labels; each occurs in a tenth of them.
const FIRST_WORDS: [&str; 10] =
    ["tent", "desk", "kitchen", "lounge", "stage", "workshop", "radio", "garden", "tower", "gate"];
const SECOND_WORDS: [&str; 8] = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"];

const CREATE_KEY: &str = "mutation { createApiKey(input: { label: \"sip\", scopes: [READ_CONFIG], \
    serviceTypes: [\"handset\"], events: [\"camp\"] }) { apiKey { id } secret errors { message } } }";
const REGISTER: &str = "mutation($number: PhoneNumber!, $label: String!) { registerExtension(input: { event: \"camp\", \
    serviceType: \"handset\", number: $number, label: $label, visibility: PUBLIC }) \
    { extension { id } errors { message } } }";

/// An installation with its callers.
pub struct Fixture {
    pub app: Arc<App>,
    pub folder: tempfile::TempDir,
    pub event: EventId,
    pub service_type: ServiceTypeId,
    pub feed: FeedId,
    /// How many extensions the fixture was built with.
    pub size: u32,
    /// The ids of the extensions, where they were registered over GraphQL.
    registered: Vec<String>,
    pub guest: RequestContext,
    pub admin: RequestContext,
    pub operator: RequestContext,
    pub user: RequestContext,
    /// The API key of a telephone system; it cannot read secrets.
    pub key: RequestContext,
    /// The secret of the key.
    pub token: String,
}

impl Fixture {
    /// Builds a fixture on SQLite with `size` extensions, which are inserted by SQL.
    pub async fn build(size: u32) -> Self {
        let fixture = Self::open(tempfile::tempdir().unwrap(), &[], size).await;
        let filter = Filter { events: Some(vec![fixture.event]), ..Filter::default() };
        let mut conn = fixture.app.services.store.read().await.unwrap();
        let total = list::total(&mut conn, &filter).await.unwrap();
        assert_eq!(i64::from(total), i64::from(size), "the fixture does not have all extensions");
        drop(conn);
        fixture
    }

    /// Builds a fixture on a PostgreSQL database with `size` extensions, which are registered over GraphQL.
    async fn on_postgres(url: &str, size: u32) -> Self {
        let mut fixture = Self::open(tempfile::tempdir().unwrap(), &["--database-url", url], 0).await;
        fixture.size = size;
        for index in 0..size {
            let number = (FIRST_NUMBER + index).to_string();
            let variables = json!({ "number": number, "label": format!("Tent {index}") });
            fixture.registered.push(text(&fixture.execute(&fixture.user, REGISTER, variables).await, "id"));
        }
        fixture
    }

    async fn open(folder: tempfile::TempDir, options: &[&str], size: u32) -> Self {
        let arguments = ["switchboard", "--data-dir", folder.path().to_str().unwrap()];
        let cli = Cli::try_parse_from(arguments.iter().chain(options)).unwrap();
        let services = app::open(&cli.installation, Dependencies::system().unwrap()).await.unwrap();
        configure(&services).await;
        let app = App::new(&cli.installation, cli.serving, services).await.unwrap();
        let (event, service_type) = ids(&app).await;
        let feed = insert_extensions(&app, FeedRef { event, service_type }, size).await;
        let admin = caller(account(&app, "admin").await);
        let created = execute_as(&app, &admin, CREATE_KEY, json!({})).await;
        let key = Key {
            id: ApiKeyId::from_global(&text(&created, "id")).unwrap(),
            prefix: "bench".to_owned(),
            scopes: vec![ApiKeyScope::ReadConfig],
            service_types: vec![service_type],
            events: vec![event],
            all_events: false,
        };
        Self {
            event,
            service_type,
            feed,
            size,
            registered: Vec::new(),
            guest: caller(Actor::Guest),
            admin,
            operator: caller(account(&app, "operator").await),
            user: caller(account(&app, "user").await),
            key: caller(Actor::Key(Arc::new(key))),
            token: text(&created, "secret"),
            app,
            folder,
        }
    }

    /// Executes an operation as the HTTP handler does, and returns the response's body.
    pub async fn execute(&self, caller: &RequestContext, query: &str, variables: Value) -> Vec<u8> {
        execute_as(&self.app, caller, query, variables).await
    }

    /// The id of an extension; the index wraps around.
    pub fn extension_id(&self, index: u32) -> String {
        let index = index % self.size;
        let registered = self.registered.get(index as usize).cloned();
        registered.unwrap_or_else(|| inserted_id(index + 1))
    }
}

/// Measures a row in a fixture on PostgreSQL; skips the row where PostgreSQL is not installed.
pub async fn on_postgres(name: &str, measure: impl AsyncFnOnce(&Fixture)) {
    let Some(cluster) = Cluster::find() else { return println!("skipped, PostgreSQL is missing: {name}") };
    let fixture = Fixture::on_postgres(&cluster.create_database(), POSTGRES_EXTENSIONS).await;
    measure(&fixture).await;
    drop(fixture);
    cluster.stop();
}

async fn execute_as(app: &Arc<App>, caller: &RequestContext, query: &str, variables: Value) -> Vec<u8> {
    let request = Request::new(query).variables(Variables::from_json(variables));
    let body = execute(&Endpoint::of_app(Arc::clone(app)), caller, request).await.unwrap();
    assert!(!body.starts_with(b"{\"errors\""), "{}", String::from_utf8_lossy(&body));
    body
}

/// The first string with this key in a JSON body.
pub fn text(body: &[u8], key: &str) -> String {
    let body = std::str::from_utf8(body).unwrap();
    let (_, rest) = body.split_once(&format!("\"{key}\":\"")).unwrap_or_else(|| panic!("no {key} in {body}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn caller(actor: Actor) -> RequestContext {
    let caller = Arc::unwrap_or_clone(Caller::system("bench"));
    RequestContext::without_token(Arc::new(Caller { actor, ..caller }))
}

async fn account(app: &App, username: &str) -> Actor {
    let mut conn = app.services.store.read().await.unwrap();
    let account = accounts::account_by_username(&mut conn, username).await.unwrap().unwrap();
    Actor::Person(Arc::new(Person {
        id: account.id,
        username: account.username,
        role: account.role,
        session: SessionId(uuid::Uuid::nil()),
        reauthenticated_at: app.services.now(),
        email_verified: true,
    }))
}

async fn ids(app: &App) -> (EventId, ServiceTypeId) {
    let mut conn = app.services.store.read().await.unwrap();
    let event = events::event_by_slug(&mut conn, "camp").await.unwrap().unwrap();
    let service_type = service_types::service_type_by_slug(&mut conn, "handset").await.unwrap().unwrap();
    (event.id, service_type.id)
}

/// A SQL expression for the six parameters of the extension `n`, as JSON text with sorted keys.
const PARAMETERS: &str = r#"printf('{"codec":"opus","display":true,"handset":"Mark %d","ipei":"%013d","site":"hall %d","volume":%d}', n % 7, n, n % 12, n % 10)"#;

/// The same parameters for a registration.
pub fn parameters(number: u32) -> Value {
    let (handset, site) = (format!("Mark {}", number % 7), format!("hall {}", number % 12));
    json!({ "codec": "opus", "display": true, "handset": handset, "ipei": format!("{number:013}"), "site": site,
        "volume": number % 10 })
}

async fn configure(services: &platform::services::Services) {
    let caller = Caller::system("bench");
    let schema = json!({ "type": "object", "additionalProperties": false, "properties": {
        "codec": { "type": "string", "enum": ["opus", "g722", "pcma"], "default": "opus" },
        "display": { "type": "boolean", "default": false },
        "handset": { "type": "string", "maxLength": 40 },
        "ipei": { "type": "string", "pattern": "^[0-9]{13}$" },
        "site": { "type": "string", "maxLength": 40 },
        "volume": { "type": "integer", "minimum": 0, "maximum": 10, "default": 5 },
    }});
    let service_type = CreateServiceType {
        slug: "handset".to_owned(),
        name: "Handset".to_owned(),
        description: String::new(),
        instructions: String::new(),
        parameter_schema: schema,
        behaviour: ServiceBehaviour::Endpoint,
        privileged: false,
        group_capable: false,
        quota: None,
        member_limit: None,
        settings: None,
    };
    rules::create_service_type(services, &caller, service_type, app::core_type_names().to_vec()).await.unwrap();
    let event = CreateEvent {
        slug: "camp".to_owned(),
        name: "Camp".to_owned(),
        starts_at: None,
        ends_at: None,
        time_zone: "UTC".to_owned(),
        phase: EventPhase::Open,
        hold_seconds: 1800,
        reserved_prefixes: vec!["112".to_owned()],
        copy_from: None,
    };
    rules::create_event(services, &caller, event, vec!["handset".to_owned()]).await.unwrap();
    let range = CreateNumberRange {
        event: "camp".to_owned(),
        first: "1000000".to_owned(),
        last: "9999999".to_owned(),
        label: "Everyone".to_owned(),
        privileged: false,
    };
    rules::create_range(services, &caller, range, Vec::new()).await.unwrap();
    for (username, role) in [("admin", Role::Admin), ("operator", Role::Operator), ("user", Role::User)] {
        let input = accounts::rules::RegisterAccount {
            username: username.to_owned(),
            display_name: username.to_owned(),
            email: format!("{username}@example.org"),
            password: "numberwang".to_owned(),
        };
        accounts::rules::create_admin(services, &caller, input).await.unwrap();
        if role != Role::Admin {
            accounts::rules::set_role(services, &caller, username, role).await.unwrap();
        }
    }
}

/// A SQL expression for the id of the extension `n`: a UUIDv7 in the order of `n`.
const ID: &str = "unhex(printf('01920000000070008000%012x', n))";
/// A SQL expression for the owner of the extension `n`: a thousand accounts have the ids of the first extensions.
const OWNER: &str = "unhex(printf('01920000000070008000%012x', n % 1000 + 1))";
const TERMS: &str = "INSERT INTO directory_terms (event_id, kind, term, number, extension_id)";

/// Inserts the rows that registrations would insert, by one statement per table.
async fn insert_extensions(app: &App, reference: FeedRef, size: u32) -> FeedId {
    let now = app.services.now();
    let rng = Arc::clone(&app.services.rng);
    let digest = initial_digest(size);
    app.services
        .store
        .write(move |conn| {
            Box::pin(async move {
                let feed = feed_log::ensure_feed(conn, reference, &*rng, now).await?;
                if size == 0 {
                    return Ok(feed.id);
                }
                let Conn::Sqlite(conn) = conn else { panic!("extensions are inserted by SQL on SQLite only") };
                conn.batch_execute(&statements(reference, feed.id, now, size, &digest)).await?;
                Ok(feed.id)
            })
        })
        .await
        .unwrap()
}

/// The id of the extension `n` as the API has it.
fn inserted_id(n: u32) -> String {
    format!("Extension:01920000000070008000{n:012x}")
}

fn initial_digest(size: u32) -> String {
    let version = entry_version(1, &TAG);
    let mut sum = FeedDigest::default();
    for n in 1..=size {
        sum.add(&inserted_id(n), &version);
    }
    sum.to_hex()
}

/// The rows of a `VALUES` clause: index, word, keypad digits.
fn word_rows(words: &[&str]) -> String {
    let row = |(index, word): (usize, &&str)| format!("({index}, '{word}', '{}')", keypad_digits(word).unwrap());
    words.iter().enumerate().map(row).collect::<Vec<_>>().join(", ")
}

fn statements(reference: FeedRef, feed: FeedId, now: Timestamp, size: u32, digest: &str) -> String {
    let blob = |id: uuid::Uuid| format!("x'{}'", id.simple());
    let (event, service_type, feed) = (blob(reference.event.0), blob(reference.service_type.0), blob(feed.0));
    let (now, tag) = (now.0, hex::encode(TAG));
    let (first_words, first_count) = (word_rows(&FIRST_WORDS), FIRST_WORDS.len());
    let (second_words, second_count) = (word_rows(&SECOND_WORDS), SECOND_WORDS.len());
    format!(
        "CREATE TEMP TABLE seed AS
            WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {size}),
                first (position, word, keypad) AS (VALUES {first_words}),
                second (position, word, keypad) AS (VALUES {second_words})
            SELECT n, {ID} AS id, CAST({FIRST_NUMBER} + n - 1 AS TEXT) AS number,
                first.word AS first, first.keypad AS first_keypad, second.word AS second, second.keypad AS second_keypad
            FROM count JOIN first ON first.position = n % {first_count}
                JOIN second ON second.position = n / {first_count} % {second_count};
         INSERT INTO accounts (id, username, display_name, email, email_verified_at, password_hash, role, search,
                created_at)
            SELECT id, 'owner' || n, 'Owner ' || n, 'owner' || n || '@example.org', {now}, '', 'USER',
                'owner' || n, {now} FROM seed WHERE n <= 1000;
         INSERT INTO extensions (id, event_id, service_type_id, owner_id, slot, number, label, visibility,
                parameters, status, created_at, updated_at, version)
            SELECT id, {event}, {service_type}, {OWNER}, n, number,
                upper(substr(first, 1, 1)) || substr(first, 2) || ' ' || second || ' ' || n,
                iif(n % 10 = 3, 'MEMBERS', 'PUBLIC'),
                {PARAMETERS}, '{{}}', {now}, {now}, 1 FROM seed ORDER BY n;
         INSERT INTO numbers (id, event_id, number, state, account_id, extension_id, version)
            SELECT e.id, e.event_id, e.number, 'IN_SERVICE', e.owner_id, e.id, 1 FROM extensions AS e;
         {TERMS} SELECT {event}, 'WORD', first, number, id FROM seed;
         {TERMS} SELECT {event}, 'WORD', second, number, id FROM seed;
         {TERMS} SELECT {event}, 'WORD', CAST(n AS TEXT), number, id FROM seed;
         {TERMS} SELECT {event}, 'KEYPAD', first_keypad, number, id FROM seed;
         {TERMS} SELECT {event}, 'KEYPAD', second_keypad, number, id FROM seed;
         INSERT INTO feed_revisions (feed_id, revision, tag, at, entries) VALUES ({feed}, 1, x'{tag}', {now}, {size});
         INSERT INTO feed_entries (entity_id, entity_kind, feed_id, revision, tag, slot, present)
            SELECT id, 'Extension', {feed}, 1, x'{tag}', n, 1 FROM seed;
         INSERT INTO feed_keys (id, entity_id, feed_id, number, parameters, from_revision)
            SELECT id, id, {feed}, number, '{{}}', 1 FROM seed;
         UPDATE feeds SET head = 1, entry_count = {size}, digest = x'{digest}' WHERE id = {feed};
         UPDATE events SET next_slot = {size} + 1 WHERE id = {event};
         DROP TABLE seed;"
    )
}

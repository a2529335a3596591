//! An installation with many extensions: one event, one service type with six parameters.

use std::sync::Arc;

use async_graphql::{Request, Variables};
use clap::Parser as _;
use diesel_async::SimpleAsyncConnection as _;
use serde_json::{Value, json};
use switchboard::access::{Actor, ApiKeyScope, Caller, Key, Person, Role};
use switchboard::accounts;
use switchboard::app::{self, App, Parts};
use switchboard::cli::Cli;
use switchboard::clock::Timestamp;
use switchboard::extensions::list::{self, Filter};
use switchboard::feed_log::digest::Sum;
use switchboard::feed_log::{self, FeedRef, entry_version};
use switchboard::http::app_state::RequestContext;
use switchboard::http::graphql::{Endpoint, execute};
use switchboard::ids::{ApiKeyId, EventId, FeedId, ServiceTypeId, SessionId};
use switchboard::numbers::keypad::keypad_digits;
use switchboard::service_types::rules::{CreateEvent, CreateNumberRange, CreateServiceType};
use switchboard::service_types::{self, EventPhase, ServiceBehaviour, rules};
use switchboard::store::Conn;

use super::postgres::Cluster;

/// The number of the first extension; the others follow.
pub const FIRST_NUMBER: u32 = 1_000_000;
/// Numbers from here on are free.
pub const FREE_FROM: u32 = 5_000_000;
/// The tag of the only revision that the feed begins with.
const TAG: [u8; 8] = *b"revision";

/// The first word of a label: each stands in a tenth of all.
const FIRST_WORDS: [&str; 10] =
    ["tent", "desk", "kitchen", "lounge", "stage", "workshop", "radio", "garden", "tower", "gate"];
const SECOND_WORDS: [&str; 8] = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"];

const CREATE_KEY: &str = "mutation { createApiKey(input: { label: \"sip\", scopes: [READ_CONFIG], serviceTypes: [\"handset\"], \
    events: [\"camp\"] }) { apiKey { id } secret errors { message } } }";
const REGISTER_BARE: &str = "mutation($n: PhoneNumber!, $l: String!) { registerExtension(input: { event: \"camp\", \
    serviceType: \"handset\", number: $n, label: $l, visibility: PUBLIC }) { extension { id } errors { message } } }";

/// An installation that is measured.
pub struct House {
    pub app: Arc<App>,
    pub folder: tempfile::TempDir,
    pub event: EventId,
    pub service_type: ServiceTypeId,
    pub feed: FeedId,
    /// How many extensions there were at first.
    pub size: u32,
    /// The ids of those that were registered one by one.
    registered: Vec<String>,
    pub guest: RequestContext,
    pub admin: RequestContext,
    pub operator: RequestContext,
    pub user: RequestContext,
    /// A telephone system's, without secrets.
    pub key: RequestContext,
    /// What that telephone system presents over HTTP.
    pub token: String,
}

impl House {
    /// Builds one with `size` extensions.
    pub async fn build(size: u32) -> Self {
        let house = Self::furnished(tempfile::tempdir().unwrap(), &[], size).await;
        let filter = Filter { events: Some(vec![house.event]), ..Filter::default() };
        let mut conn = house.app.services.store.read().await.unwrap();
        let total = list::total(&mut conn, &filter).await.unwrap();
        assert_eq!(i64::from(total), i64::from(size), "the house is not as full as it should be");
        drop(conn);
        house
    }

    /// Builds one on the PostgreSQL database of this URL, with `size` extensions, which are registered one by one.
    async fn on_postgres(url: &str, size: u32) -> Self {
        let mut house = Self::furnished(tempfile::tempdir().unwrap(), &["--database-url", url], 0).await;
        house.size = size;
        for n in 0..size {
            let variables = json!({ "n": (FIRST_NUMBER + n).to_string(), "l": format!("Tent {n}") });
            house.registered.push(text(&house.ask(&house.user, REGISTER_BARE, variables).await, "id"));
        }
        house
    }

    async fn furnished(folder: tempfile::TempDir, more: &[&str], size: u32) -> Self {
        let arguments = ["switchboard", "--data-dir", folder.path().to_str().unwrap()];
        let cli = Cli::try_parse_from(arguments.iter().chain(more)).unwrap();
        let services = app::open(&cli.installation, Parts::of_this_machine().unwrap()).await.unwrap();
        configure(&services).await;
        let app = App::new(&cli.installation, cli.serving, services).await.unwrap();
        let (event, service_type) = ids(&app).await;
        let feed = fill(&app, FeedRef { event, service_type }, size).await;
        let admin = known(person(&app, "admin").await);
        let made = ask(&app, &admin, CREATE_KEY, json!({})).await;
        let key = Key {
            id: ApiKeyId::from_global(&text(&made, "id")).unwrap(),
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
            guest: known(Actor::Guest),
            admin,
            operator: known(person(&app, "operator").await),
            user: known(person(&app, "user").await),
            key: known(Actor::Key(Arc::new(key))),
            token: text(&made, "secret"),
            app,
            folder,
        }
    }

    /// Asks as the edge does, without HTTP, and gives the response's body.
    pub async fn ask(&self, who: &RequestContext, query: &str, variables: Value) -> Vec<u8> {
        ask(&self.app, who, query, variables).await
    }

    /// The id of an extension; any `n` will do.
    pub fn extension(&self, n: u32) -> String {
        let n = n % self.size;
        let registered = self.registered.get(n as usize).cloned();
        registered.unwrap_or_else(|| format!("Extension:01920000000070008000{:012x}", n + 1))
    }
}

/// Measures in a small house on PostgreSQL, where the machine has it.
pub async fn on_postgres(work: &str, measured: impl AsyncFnOnce(&House)) {
    let Some(cluster) = Cluster::find() else { return println!("not measured, PostgreSQL is missing: {work}") };
    let house = House::on_postgres(&cluster.database(), 500).await;
    measured(&house).await;
    drop(house);
    cluster.stop();
}

async fn ask(app: &Arc<App>, who: &RequestContext, query: &str, variables: Value) -> Vec<u8> {
    let request = Request::new(query).variables(Variables::from_json(variables));
    let body = execute(&Endpoint::of_app(Arc::clone(app)), who, request).await.unwrap();
    assert!(!body.starts_with(b"{\"errors\""), "{}", String::from_utf8_lossy(&body));
    body
}

/// The first text under a key of an answer.
pub fn text(body: &[u8], key: &str) -> String {
    let body = std::str::from_utf8(body).unwrap();
    let (_, rest) = body.split_once(&format!("\"{key}\":\"")).unwrap_or_else(|| panic!("no {key} in {body}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn known(actor: Actor) -> RequestContext {
    let caller = Arc::unwrap_or_clone(Caller::system("bench"));
    RequestContext::without_token(Arc::new(Caller { actor, ..caller }))
}

async fn person(app: &App, username: &str) -> Actor {
    let mut conn = app.services.store.read().await.unwrap();
    let account = accounts::queries::by_username(&mut conn, username).await.unwrap().unwrap();
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
    let event = service_types::queries::event_by_slug(&mut conn, "camp").await.unwrap().unwrap();
    let service_type = service_types::queries::service_type_by_slug(&mut conn, "handset").await.unwrap().unwrap();
    (event.id, service_type.id)
}

/// The six parameters of the extension `n`, with sorted keys, as SQL that makes JSON text.
const PARAMETERS: &str = r#"printf('{"codec":"opus","display":true,"handset":"Mark %d","ipei":"%013d","site":"hall %d","volume":%d}', n % 7, n, n % 12, n % 10)"#;

/// The same parameters for what is registered.
pub fn parameters(n: u32) -> Value {
    json!({ "codec": "opus", "display": true, "handset": format!("Mark {}", n % 7), "ipei": format!("{n:013}"), "site": format!("hall {}", n % 12), "volume": n % 10 })
}

async fn configure(services: &switchboard::services::Services) {
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
        service_types: vec!["handset".to_owned()],
        copy_from: None,
    };
    rules::create_event(services, &caller, event).await.unwrap();
    let range = CreateNumberRange {
        event: "camp".to_owned(),
        first: "1000000".to_owned(),
        last: "9999999".to_owned(),
        label: "Everyone".to_owned(),
        privileged: false,
        service_types: Vec::new(),
    };
    rules::create_range(services, &caller, range).await.unwrap();
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

/// The SQL of ids: UUIDv7 in form, in the order of `n`.
const ID: &str = "unhex(printf('01920000000070008000%012x', n))";
/// The SQL of an extension's owner: the first extensions' ids are also those of a thousand accounts.
const OWNER: &str = "unhex(printf('01920000000070008000%012x', n % 1000 + 1))";
const TERMS: &str = "INSERT INTO directory_terms (event_id, kind, term, number, extension_id)";

/// Fills the tables as registering would, a statement for each: what is measured is what comes after.
async fn fill(app: &App, reference: FeedRef, size: u32) -> FeedId {
    let now = app.services.now();
    let rng = Arc::clone(&app.services.rng);
    let sum = digest(size);
    app.services
        .store
        .write(move |conn| {
            Box::pin(async move {
                let feed = feed_log::ensure_feed(conn, reference, &*rng, now).await?;
                if size == 0 {
                    return Ok(feed.id);
                }
                let Conn::Sqlite(conn) = conn else { panic!("PostgreSQL is not filled by statements") };
                conn.batch_execute(&statements(reference, feed.id, now, size, &sum)).await?;
                Ok(feed.id)
            })
        })
        .await
        .unwrap()
}

fn digest(size: u32) -> String {
    let version = entry_version(1, &TAG);
    let mut sum = Sum::default();
    for n in 1..=size {
        sum.add(&format!("Extension:01920000000070008000{n:012x}"), &version);
    }
    sum.to_hex()
}

fn words(list: &[&str]) -> String {
    let row = |(place, word): (usize, &&str)| format!("({place}, '{word}', '{}')", keypad_digits(word).unwrap());
    list.iter().enumerate().map(row).collect::<Vec<_>>().join(", ")
}

fn statements(reference: FeedRef, feed: FeedId, now: Timestamp, size: u32, sum: &str) -> String {
    let blob = |id: uuid::Uuid| format!("x'{}'", id.simple());
    let (event, service_type, feed) = (blob(reference.event.0), blob(reference.service_type.0), blob(feed.0));
    let (now, tag, last_place, tenths) = (now.0, hex::encode(TAG), size, FIRST_WORDS.len());
    let (first_words, second_words, eighths) = (words(&FIRST_WORDS), words(&SECOND_WORDS), SECOND_WORDS.len());
    format!(
        "CREATE TEMP TABLE seed AS
            WITH RECURSIVE count (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {size}),
                first (place, word, keypad) AS (VALUES {first_words}), second (place, word, keypad) AS (VALUES {second_words})
            SELECT n, {ID} AS id, CAST({FIRST_NUMBER} + n - 1 AS TEXT) AS number, first.word AS first, first.keypad AS first_keypad,
                second.word AS second, second.keypad AS second_keypad
            FROM count JOIN first ON first.place = n % {tenths} JOIN second ON second.place = n / {tenths} % {eighths};
         INSERT INTO accounts (id, username, display_name, email, email_verified_at, password_hash, role, search, created_at)
            SELECT id, 'owner' || n, 'Owner ' || n, 'owner' || n || '@example.org', {now}, '', 'USER', 'owner' || n, {now} FROM seed WHERE n <= 1000;
         INSERT INTO extensions (id, event_id, service_type_id, owner_id, slot, number, label, visibility, parameters, status, created_at, updated_at, version)
            SELECT id, {event}, {service_type}, {OWNER}, n, number,
                upper(substr(first, 1, 1)) || substr(first, 2) || ' ' || second || ' ' || n, iif(n % 10 = 3, 'MEMBERS', 'PUBLIC'),
                {PARAMETERS}, '{{}}', {now}, {now}, 1 FROM seed ORDER BY n;
         INSERT INTO numbers (id, event_id, number, state, account_id, extension_id, version)
            SELECT e.id, e.event_id, e.number, 'IN_SERVICE', e.owner_id, e.id, 1 FROM extensions AS e;
         {TERMS} SELECT {event}, 'WORD', first, number, id FROM seed;
         {TERMS} SELECT {event}, 'WORD', second, number, id FROM seed;
         {TERMS} SELECT {event}, 'WORD', CAST(n AS TEXT), number, id FROM seed;
         {TERMS} SELECT {event}, 'KEYPAD', first_keypad, number, id FROM seed;
         {TERMS} SELECT {event}, 'KEYPAD', second_keypad, number, id FROM seed;
         INSERT INTO feed_revisions (feed_id, revision, tag, at, entries) VALUES ({feed}, 1, x'{tag}', {now}, {last_place});
         INSERT INTO feed_entries (extension_id, feed_id, revision, tag, slot, present) SELECT id, {feed}, 1, x'{tag}', n, 1 FROM seed;
         INSERT INTO feed_keys (id, extension_id, feed_id, number, parameters, from_revision)
            SELECT id, id, {feed}, number, '{{}}', 1 FROM seed;
         UPDATE feeds SET head = 1, entry_count = {size}, digest = x'{sum}' WHERE id = {feed};
         UPDATE events SET next_slot = {size} + 1 WHERE id = {event};
         DROP TABLE seed;"
    )
}

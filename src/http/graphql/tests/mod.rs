//! A small schema behind the endpoint of a real program, on the loopback interface.

mod http;
mod sockets;
mod streams;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_graphql::{Context, Error, ErrorExtensions as _, Object, Request, Schema, Subscription, Variables};
use clap::Parser as _;
use futures_util::{Stream, StreamExt as _};
use serde_json::{Value, json};

use super::{Endpoint, PublishedSchema, Settings};
use crate::app::{self, App, Dependencies};
use crate::cli::Cli;
use crate::graphql::request::{IdempotencyKey, RequestId, ResponseHeaders};
use crate::http::app_state::{AppState, RequestContext};
use platform::access::{Actor, Caller};
use platform::clock::{Clock, ManualClock, Rng, SystemRng, Timestamp};
use platform::passwords::Hasher;

struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.as_deref().unwrap_or("you"))
    }

    async fn viewer(&self, ctx: &Context<'_>) -> &str {
        match ctx.data_unchecked::<Arc<Caller>>().actor {
            Actor::Guest => "guest",
            Actor::Person(_) => "user",
            Actor::Key(_) => "key",
            Actor::System(_) => "system",
        }
    }

    async fn request_id(&self, ctx: &Context<'_>) -> String {
        ctx.data_unchecked::<RequestId>().to_string()
    }

    async fn slow(&self) -> bool {
        tokio::time::sleep(Duration::from_secs(60)).await;
        true
    }

    async fn broken(&self) -> Result<bool, Error> {
        Err(std::io::Error::other("secret words of the database").into())
    }

    async fn panics(&self) -> bool {
        assert_eq!(1 + 1, 3, "secret words");
        true
    }

    async fn forbidden(&self) -> Result<bool, Error> {
        Err(Error::new("Operators only.").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
    }

    async fn at(&self, when: Instant) -> String {
        when.0
    }

    async fn names(&self, first: Option<i32>) -> Vec<String> {
        vec!["a".to_owned(); usize::try_from(first.unwrap_or(2)).unwrap_or(0)]
    }
}

/// A scalar that refuses some texts.
struct Instant(String);

#[async_graphql::Scalar]
impl async_graphql::ScalarType for Instant {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        match value {
            async_graphql::Value::String(text) if text.starts_with("20") => Ok(Self(text)),
            _ => Err("not an instant".into()),
        }
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.clone().into()
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn sign_in(&self, ctx: &Context<'_>) -> bool {
        let headers = ctx.data_unchecked::<Arc<ResponseHeaders>>();
        headers.set_cookie("session=new; HttpOnly");
        headers.can_set_cookies()
    }

    /// The idempotency key and the beginning of its digest.
    async fn key(&self, ctx: &Context<'_>, #[graphql(default)] n: i32) -> Option<String> {
        let _ = n;
        ctx.data_opt::<IdempotencyKey>().map(|bound| format!("{} {}", bound.key, hex::encode(&bound.digest[..4])))
    }
}

struct Ticks;

#[Subscription]
impl Ticks {
    async fn tick(&self, #[graphql(default = 1000)] times: i32) -> impl Stream<Item = i32> {
        futures_util::stream::iter(1..=times).then(|number| async move {
            tokio::time::sleep(Duration::from_millis(if number == 1 { 1 } else { 30 })).await;
            number
        })
    }

    async fn refused(&self) -> Result<futures_util::stream::Empty<i32>, Error> {
        Err(Error::new("Keys only.").extend_with(|_, extensions| extensions.set("code", "FORBIDDEN")))
    }
}

type TestSchema = Schema<Query, Mutation, Ticks>;

struct Server {
    app: Arc<App>,
    address: SocketAddr,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        Self::start_with(settings, &[]).await
    }

    /// Starts the demo event behind a proxy on this machine, so that rates apply.
    async fn behind_a_proxy() -> Self {
        Self::start_with(Settings::default(), &["--trusted-proxy", "127.0.0.0/8"]).await
    }

    async fn start_with(settings: Settings, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["switchboard", "--data-dir", folder.path().to_str().unwrap()];
        let cli = Cli::try_parse_from(arguments.iter().chain(flags)).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-08-20T09:30:00Z").unwrap()));
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let hasher = Hasher::with_minimal_cost(Arc::clone(&rng)).unwrap();
        let services =
            app::open(&cli.installation, Dependencies { clock: clock as Arc<dyn Clock>, rng, hasher }).await.unwrap();
        crate::demo::load(&services).await.unwrap();
        let app = App::new(&cli.installation, cli.serving, services).await.unwrap();
        let schema = PublishedSchema::<TestSchema>::build(|mode| {
            Schema::build(Query, Mutation, Ticks).validation_mode(mode).finish()
        });
        let schema = Arc::new(ArcSwap::from_pointee(schema.unwrap()));
        let endpoint = Endpoint::new(AppState(Arc::clone(&app)), schema, settings);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = super::routes(endpoint).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        platform::outgoing::install_tls();
        Self { app, address, client: reqwest::Client::new(), _folder: folder }
    }

    /// Executes an operation of the program's own schema.
    async fn execute(&self, actor: Actor, query: &str, variables: Value) -> Value {
        let caller = Arc::unwrap_or_clone(Caller::system("test"));
        let context = RequestContext::without_token(Arc::new(Caller { actor, ..caller }));
        let request = Request::new(query).variables(Variables::from_json(variables));
        let body = super::execute(&Endpoint::of_app(Arc::clone(&self.app)), &context, request).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Signs in and returns the token of the session.
    async fn session(&self, login: &str) -> String {
        let query = "mutation($login: String!) { signIn(input: {login: $login, password: \"numberwang\"}) { token } }";
        let response = self.execute(Actor::Guest, query, json!({ "login": login })).await;
        response["data"]["signIn"]["token"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    async fn actor(&self, token: &str) -> Actor {
        crate::authentication::actor_of(&self.app.services, token).await.unwrap().unwrap()
    }

    /// Creates an API key and returns its secret.
    async fn key(&self) -> String {
        let admin = self.actor(&self.session("admin").await).await;
        let query = "mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], \
                     events: [\"demo\"]}) { secret } }";
        let response = self.execute(admin, query, json!({})).await;
        response["data"]["createApiKey"]["secret"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    /// Ends all sessions of the account of a token.
    async fn revoke(&self, token: &str) {
        let actor = self.actor(token).await;
        let response = self.execute(actor, "mutation { signOut { errors { code } } }", json!({})).await;
        assert_eq!(response["data"]["signOut"]["errors"], json!([]), "{response}");
    }

    /// The `Cookie` header of a session.
    fn cookie(&self, token: &str) -> String {
        format!("{}={token}", self.app.cookie().name())
    }

    fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client.post(self.url()).header("content-type", "application/json").body(body)
    }

    fn post_query(&self, query: &str) -> reqwest::RequestBuilder {
        self.post(json!({ "query": query }).to_string())
    }

    fn get_query(&self, query: &str) -> reqwest::RequestBuilder {
        self.get(&[("query", query)])
    }

    fn get(&self, parameters: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.client.get(format!("{}?{}", self.url(), pairs.join("&")))
    }
}

/// A response whose body has been read.
#[derive(Debug)]
struct Received {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Received {
    fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
    }

    fn outcome(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn send(request: reqwest::RequestBuilder) -> Received {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    Received { status, headers, body }
}

/// Fails after a time that no step of a test may take.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), future).await.expect("in time")
}

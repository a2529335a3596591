//! A small program behind a real server on the loopback interface, asked by real clients.

mod http;
mod sockets;
mod streams;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_graphql::{Context, Error, ErrorExtensions as _, Object, Schema, Subscription, ValidationMode};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::watch;

use super::error::EdgeError;
use super::gateway::{Credentials, Gateway, PublishedSchema, Settings};
use super::open_sockets::OpenSockets;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, Tier};
use crate::graphql::request::{IdempotencyKey, RequestId, ResponseHeaders};
use platform::clock::{Clock, Rng, SystemClock, SystemRng};

struct Query;

#[Object]
impl Query {
    async fn hello(&self, name: Option<String>) -> String {
        format!("hello {}", name.as_deref().unwrap_or("you"))
    }

    async fn viewer(&self, ctx: &Context<'_>) -> String {
        ctx.data_unchecked::<Caller>().name.to_owned()
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

#[derive(Clone, Debug, PartialEq)]
struct Caller {
    name: &'static str,
    tier: Tier,
}

#[derive(Clone)]
struct Program(Arc<Inner>);

struct Inner {
    schema: Arc<PublishedSchema<Query, Mutation, Ticks>>,
    settings: Settings,
    revoked: watch::Sender<bool>,
    shutdown: watch::Sender<bool>,
    sockets: OpenSockets,
    /// How many requests may still come.
    left: AtomicU32,
}

fn when(receiver: watch::Receiver<bool>) -> BoxFuture<'static, ()> {
    let mut receiver = receiver;
    async move {
        if receiver.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
    .boxed()
}

impl Gateway for Program {
    type Query = Query;
    type Mutation = Mutation;
    type Subscription = Ticks;
    type Caller = Caller;

    fn schema(&self) -> Arc<PublishedSchema<Query, Mutation, Ticks>> {
        Arc::clone(&self.0.schema)
    }

    async fn authenticate(&self, credentials: &Credentials) -> Result<Caller, EdgeError> {
        let session = credentials.cookie.as_deref().is_some_and(|cookie| cookie.contains("session="));
        match credentials.bearer.as_deref() {
            Some("key") => Ok(Caller { name: "key", tier: Tier::Key }),
            Some("user") if !*self.0.revoked.borrow() => Ok(Caller { name: "user", tier: Tier::User }),
            Some(_) => Err(EdgeError::new(ErrorCode::Unauthenticated, "The token is not known.")),
            None if session => Ok(Caller { name: "user", tier: Tier::User }),
            None => Ok(Caller { name: "guest", tier: Tier::Guest }),
        }
    }

    fn tier(&self, caller: &Caller) -> Tier {
        caller.tier
    }

    async fn admit(&self, _caller: &Caller, _charge: Charge) -> Result<(), EdgeError> {
        match self.0.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Ok(()),
            Err(_) => Err(EdgeError::rate_limited(7)),
        }
    }

    fn revoked(&self, caller: &Caller) -> BoxFuture<'static, ()> {
        if caller.tier == Tier::Guest { std::future::pending().boxed() } else { when(self.0.revoked.subscribe()) }
    }

    fn shutdown(&self) -> BoxFuture<'static, ()> {
        when(self.0.shutdown.subscribe())
    }

    fn sockets(&self) -> &OpenSockets {
        &self.0.sockets
    }

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    fn rng(&self) -> &(dyn Rng + 'static) {
        &SystemRng
    }

    fn has_session_cookie(&self, cookie: &str) -> bool {
        cookie.contains("session=")
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

struct Server {
    program: Program,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Server {
    async fn start() -> Self {
        Self::with(Settings::new()).await
    }

    async fn with(settings: Settings) -> Self {
        let schema = || Schema::build(Query, Mutation, Ticks);
        let published = PublishedSchema::new(schema().finish())
            .unwrap()
            .with_trusting(schema().validation_mode(ValidationMode::Fast).finish());
        let program = Program(Arc::new(Inner {
            schema: Arc::new(published),
            settings,
            revoked: watch::Sender::new(false),
            shutdown: watch::Sender::new(false),
            sockets: OpenSockets::default(),
            left: AtomicU32::new(100_000),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = super::routes(program.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        platform::outgoing::install_tls();
        Self { program, address, client: reqwest::Client::new() }
    }

    fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client.post(self.url()).header("content-type", "application/json").body(body)
    }

    fn asks(&self, query: &str) -> reqwest::RequestBuilder {
        self.post(serde_json::json!({ "query": query }).to_string())
    }

    fn gets(&self, query: &str) -> reqwest::RequestBuilder {
        self.gets_with(&[("query", query)])
    }

    fn gets_with(&self, parameters: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.client.get(format!("{}?{}", self.url(), pairs.join("&")))
    }
}

/// A response as a test reads it.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: serde_json::Value,
}

impl Seen {
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

async fn seen(request: reqwest::RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    Seen { status, headers, body }
}

/// Gives up on what takes longer than a test may.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), future).await.expect("in time")
}

//! What the edge needs of the program: one trait, so that the edge knows neither sessions nor domains.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{ObjectType, Request, Schema, SubscriptionType};
use futures_util::future::BoxFuture;

use super::error::EdgeError;
use super::open_sockets::OpenSockets;
use platform::clock::{Clock, Rng};
use crate::graphql::limits::{Charge, DocumentCache, Tier, TypeTable};

/// The program behind the edge. Cheap to clone: it is cloned for every request and every subscription.
pub trait Gateway: Clone + Send + Sync + 'static {
    /// The schema's root for queries.
    type Query: ObjectType + 'static;
    /// The schema's root for mutations.
    type Mutation: ObjectType + 'static;
    /// The schema's root for subscriptions.
    type Subscription: SubscriptionType + 'static;
    /// Who asks. A resolver finds it in the request's data.
    type Caller: Clone + Send + Sync + 'static;

    /// The schema now. It may be another one at the next call: what runs keeps the one it began with.
    fn schema(&self) -> Arc<PublishedSchema<Self::Query, Self::Mutation, Self::Subscription>>;

    /// Finds out who asks. No credentials at all is a guest, not an error.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for a token or key that is unknown, expired or revoked; `UNAVAILABLE` when that cannot be told now.
    fn authenticate(&self, credentials: &Credentials) -> impl Future<Output = Result<Self::Caller, EdgeError>> + Send;

    /// Which limits hold for the caller.
    fn tier(&self, caller: &Self::Caller) -> Tier;

    /// Takes one request and its charge out of the caller's buckets. A request whose document was refused is charged nothing but
    /// itself.
    ///
    /// # Errors
    /// [`EdgeError::rate_limited`], or `UNAVAILABLE` under overload.
    fn admit(&self, caller: &Self::Caller, charge: Charge) -> impl Future<Output = Result<(), EdgeError>> + Send;

    /// Completes when the caller's session or key ends: revoked, banned or expired. Never for a guest. It also completes
    /// when the end came before this call: between finding the caller and watching it nothing may be missed.
    fn revoked(&self, caller: &Self::Caller) -> BoxFuture<'static, ()>;

    /// Completes when the program begins to shut down, at once if it already has.
    fn shutdown(&self) -> BoxFuture<'static, ()>;

    /// Where WebSockets are counted: who stops the program waits until they have been closed.
    fn sockets(&self) -> &OpenSockets;

    /// The time, for request ids.
    fn clock(&self) -> &dyn Clock;

    /// Randomness, for request ids.
    fn rng(&self) -> &(dyn Rng + 'static);

    /// Whether a `Cookie` header holds a session: then the request must come from our own pages. By default any cookie counts.
    fn has_session_cookie(&self, _cookie: &str) -> bool {
        true
    }

    /// Whether an `Origin` is the public URL's, for proxies that change `Host`. The origin that equals `Host` always passes.
    fn is_public_origin(&self, _origin: &str) -> bool {
        false
    }

    /// Adds what resolvers need beside the caller, such as what a query reads but once.
    fn prepare(&self, request: Request, _caller: &Self::Caller, _kind: OperationType) -> Request {
        request
    }

    /// Sees each finished operation, for metrics and the log.
    fn observe(&self, _seen: &Observation<'_>) {}

    /// Times and sizes.
    fn settings(&self) -> &Settings {
        const { &Settings::new() }
    }
}

/// How somebody says who they are. An `Authorization` header makes cookies count for nothing.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The token of `Authorization: Bearer …`: a session's or an API key. A header of another scheme never gets here.
    pub bearer: Option<String>,
    /// The `Cookie` headers, joined by `; `; nothing beside a bearer token. Their origin has been checked where it matters.
    pub cookie: Option<String>,
    /// The address of the connection; nothing only where the server was not told.
    pub peer: Option<SocketAddr>,
    /// The `X-Forwarded-For` headers, joined by `, `: to be believed from a trusted proxy only.
    pub forwarded_for: Option<String>,
    /// `User-Agent`, as sent.
    pub user_agent: Option<String>,
    /// Whether the browser says that one of our own pages sent this.
    pub same_origin: bool,
}

/// What became of one operation. For a subscription it is seen when it begins or fails to.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The first field of the root, such as `registerExtension`; `invalid` where the document was refused.
    pub operation: &'a str,
    /// `ok`, or the code of the first error.
    pub outcome: &'a str,
    /// From the decoded request to the finished response.
    pub elapsed: Duration,
    /// What was charged.
    pub charge: Charge,
}

/// Times and sizes of the edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most bytes of a request's body or of a WebSocket message.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a guest's or a user's query or mutation may run.
    pub people_timeout: Duration,
    /// How long a key's may.
    pub key_timeout: Duration,
    /// How long a WebSocket may take to send `connection_init`.
    pub init_timeout: Duration,
    /// Between two signs of life on an idle stream.
    pub keep_alive: Duration,
    /// How long a client may take to read one message before it is given up.
    pub send_timeout: Duration,
    /// The most operations that one WebSocket runs at a time.
    pub socket_operations: usize,
}

impl Settings {
    /// The values that the API documents.
    pub const fn new() -> Self {
        Self {
            body_bytes: 256 * 1024,
            body_timeout: Duration::from_secs(30),
            people_timeout: Duration::from_secs(5),
            key_timeout: Duration::from_secs(10),
            init_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(12),
            send_timeout: Duration::from_secs(10),
            socket_operations: 100,
        }
    }

    pub(super) const fn timeout(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Guest | Tier::User => self.people_timeout,
            Tier::Key => self.key_timeout,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// A schema with what the edge has learnt of it: its types, and the documents that it has answered.
pub struct PublishedSchema<Q, M, S> {
    strict: Schema<Q, M, S>,
    trusting: Option<Schema<Q, M, S>>,
    types: TypeTable,
    documents: DocumentCache,
}

impl<Q, M, S> PublishedSchema<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    /// Publishes a schema that validates every request.
    ///
    /// # Errors
    /// When the schema's own SDL cannot be read back.
    pub fn new(schema: Schema<Q, M, S>) -> Result<Self, String> {
        let types = TypeTable::from_sdl(&schema.sdl())?;
        Ok(Self { strict: schema, trusting: None, types, documents: DocumentCache::default() })
    }

    /// Also runs documents that have been found valid before, which saves their validation: `trusting` is the same schema, built
    /// with `ValidationMode::Fast`. Variables are checked for each request in any case.
    #[must_use]
    pub fn with_trusting(self, trusting: Schema<Q, M, S>) -> Self {
        Self { trusting: Some(trusting), ..self }
    }

    /// The schema itself.
    pub const fn schema(&self) -> &Schema<Q, M, S> {
        &self.strict
    }

    /// The types that variables and costs are computed with.
    pub const fn types(&self) -> &TypeTable {
        &self.types
    }

    /// The documents kept.
    pub const fn documents(&self) -> &DocumentCache {
        &self.documents
    }

    pub(super) fn executor(&self, valid: bool) -> &Schema<Q, M, S> {
        match &self.trusting {
            Some(trusting) if valid => trusting,
            _ => &self.strict,
        }
    }
}

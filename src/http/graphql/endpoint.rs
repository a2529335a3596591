//! The GraphQL endpoint: the program's state, the schema that it serves, and the limits of its connections.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_graphql::Executor;

use super::error::RequestError;
use super::published_schema::PublishedSchema;
use crate::app::App;
use crate::graphql::limits::Tier;
use crate::graphql::roots::ApiSchema;
use crate::http::app_state::{AppState, RequestContext};
use crate::http::credentials::Credentials;

/// An endpoint that executes operations with `E`. Cheap to clone: every request and every subscription has one.
#[derive(Clone)]
pub struct Endpoint<E> {
    pub(super) state: AppState,
    pub(super) settings: Arc<Settings>,
    schema: Arc<ArcSwap<PublishedSchema<E>>>,
}

/// Times and sizes of the endpoint.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The maximal size of a request's body or of a WebSocket message, in bytes.
    pub body_bytes: usize,
    /// The time within which a body must arrive.
    pub body_timeout: Duration,
    /// The time that a query or mutation of a guest or user may take.
    pub user_timeout: Duration,
    /// The time that a query or mutation of an API key may take.
    pub key_timeout: Duration,
    /// The time within which a WebSocket must send `connection_init`.
    pub init_timeout: Duration,
    /// The time between two pings, or comments, on an idle stream.
    pub keep_alive: Duration,
    /// The time within which a client must read one message before its connection is dropped.
    pub send_timeout: Duration,
    /// The maximal number of operations that one WebSocket runs at a time.
    pub socket_operations: usize,
}

impl Default for Settings {
    /// The values that the API documents.
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            body_timeout: Duration::from_secs(30),
            user_timeout: Duration::from_secs(5),
            key_timeout: Duration::from_secs(10),
            init_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(12),
            send_timeout: Duration::from_secs(10),
            socket_operations: 100,
        }
    }
}

impl Settings {
    pub(super) const fn timeout(&self, tier: Tier) -> Duration {
        match tier {
            Tier::Guest | Tier::User => self.user_timeout,
            Tier::Key => self.key_timeout,
        }
    }
}

impl Endpoint<ApiSchema> {
    /// The endpoint of the program's own schema.
    pub fn of_app(app: Arc<App>) -> Self {
        let schema = Arc::clone(&app.schema);
        Self::new(AppState(app), schema, Settings::default())
    }
}

impl<E: Executor> Endpoint<E> {
    pub(super) fn new(state: AppState, schema: Arc<ArcSwap<PublishedSchema<E>>>, settings: Settings) -> Self {
        Self { state, settings: Arc::new(settings), schema }
    }

    /// The current schema. An operation keeps the schema with which it began.
    pub(super) fn schema(&self) -> Arc<PublishedSchema<E>> {
        self.schema.load_full()
    }

    /// Authenticates a request, after the schema has followed the service types.
    ///
    /// # Errors
    /// As [`AppState::authenticate`].
    pub(super) async fn authenticate(&self, credentials: &Credentials) -> Result<RequestContext, RequestError> {
        if let Err(error) = self.state.0.refresh_schema().await {
            tracing::warn!(%error, "the schema could not be rebuilt; the previous one stays in use");
        }
        self.state.authenticate(credentials).await
    }
}

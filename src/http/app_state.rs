//! The state that all HTTP handlers share, and the authenticated caller of one request.

use std::net::IpAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::address::{client_address, is_local};
use super::credentials::Credentials;
use super::graphql::RequestError;
use super::http_error::HttpError;
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, Tier};
use crate::graphql::request::RequestId;
use platform::access::rates::RateAddress;
use platform::access::{Actor, Caller, RefusalReason};
use platform::notifications::Notification;

/// How often an open stream checks its session or key again. Expiry sends no notification, and a notification of
/// another instance can be lost.
const RECHECK_INTERVAL: Duration = Duration::from_millis(750);

/// The program, as axum passes it to handlers.
#[derive(Clone)]
pub struct AppState(pub Arc<App>);

/// The caller of one request.
#[derive(Clone)]
pub struct RequestContext {
    /// The caller, as rules and resolvers see it.
    pub caller: Arc<Caller>,
    /// The session token or API key of the caller; `None` for a guest and for a caller that the program made itself.
    token: Option<Arc<str>>,
    /// Whether the bucket of the address has paid for the request already.
    is_prepaid: bool,
}

impl RequestContext {
    /// A context for a caller that the program made itself.
    pub const fn without_token(caller: Arc<Caller>) -> Self {
        Self { caller, token: None, is_prepaid: false }
    }

    /// The tier whose limits apply to the caller.
    pub fn tier(&self) -> Tier {
        match self.caller.actor {
            Actor::Guest => Tier::Guest,
            Actor::Person(_) => Tier::User,
            Actor::Key(_) | Actor::System(_) => Tier::Key,
        }
    }
}

impl AppState {
    /// Authenticates a request. A request without credentials belongs to a guest, and so does one with the cookie of a
    /// session that has ended.
    ///
    /// Takes one request from the bucket of the address before anything is read for it, and gives it back to a caller
    /// with a bucket of its own. A token that was valid lately needs nothing of that bucket, so strangers at the same
    /// address cannot lock out its holder.
    ///
    /// # Errors
    /// `RATE_LIMITED` when that bucket is empty; `UNAUTHENTICATED` for a bearer token that is malformed, unknown,
    /// expired or revoked; `UNAVAILABLE` when the database cannot be read.
    pub async fn authenticate(&self, credentials: &Credentials) -> Result<RequestContext, RequestError> {
        let App { api_key_cache, rates, valid_tokens, .. } = &*self.0;
        let guest = self.guest(credentials);
        let from_cookie = credentials.cookie.as_deref().and_then(|cookie| self.0.cookie().token_in(cookie));
        let token = credentials.bearer.as_deref().or(from_cookie).filter(|token| !token.is_empty());
        let Some(token) = token else {
            rates.take_of_address(&guest.caller)?;
            return match credentials.malformed {
                Some(message) => Err(RequestError::new(ErrorCode::Unauthenticated, message)),
                None => Ok(RequestContext { is_prepaid: true, ..guest }),
            };
        };
        let was_valid = valid_tokens.contains(token);
        if !was_valid {
            rates.take_of_address(&guest.caller)?;
        }
        let actor = api_key_cache.actor_of(&self.0.services, token).await.map_err(|error| {
            tracing::warn!(?error, "authentication failed");
            RequestError::new(ErrorCode::Unavailable, "The server cannot do this now. Try again in a moment.")
        })?;
        match actor {
            Some(actor) => {
                if !was_valid {
                    rates.give_back_to_address(&guest.caller);
                    valid_tokens.insert(token);
                }
                let context = self.context(credentials, actor, Some(token));
                let has_session_cookie = credentials.bearer.is_none();
                let caller = Caller { has_session_cookie, ..Arc::unwrap_or_clone(context.caller) };
                Ok(RequestContext { caller: Arc::new(caller), ..context })
            }
            None => {
                valid_tokens.remove(token);
                if was_valid {
                    rates.take_of_address(&guest.caller)?;
                }
                if credentials.bearer.is_none() {
                    return Ok(RequestContext { is_prepaid: true, ..guest });
                }
                Err(RequestError::new(ErrorCode::Unauthenticated, "This token or key is unknown, expired or revoked."))
            }
        }
    }

    /// The context of a request whose credentials are not evaluated.
    pub fn guest(&self, credentials: &Credentials) -> RequestContext {
        self.context(credentials, Actor::Guest, None)
    }

    fn context(&self, credentials: &Credentials, actor: Actor, token: Option<&str>) -> RequestContext {
        let trusted = &self.0.serving.trusted_proxy;
        let peer = credentials.peer.map(|peer| peer.ip());
        if credentials.is_forwarded && trusted.is_empty() && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
        {
            warn_of_untrusted_proxy();
        }
        let address = |peer: IpAddr| client_address(peer, credentials.forwarded_for.as_deref(), trusted);
        let caller = Caller {
            actor,
            request_id: None,
            idempotency: None,
            address: peer.map(address).map(RateAddress::from),
            is_rated: !peer.is_some_and(|peer| is_local(peer, trusted, credentials.is_forwarded)),
            has_session_cookie: false,
            user_agent: credentials.user_agent.clone(),
        };
        RequestContext { caller: Arc::new(caller), token: token.map(Into::into), is_prepaid: false }
    }

    /// Takes one request and its charge from the caller's buckets.
    ///
    /// # Errors
    /// `RATE_LIMITED` when a bucket holds less.
    pub fn charge(&self, context: &RequestContext, charge: Charge) -> Result<(), RequestError> {
        let RequestContext { caller, is_prepaid, .. } = context;
        let rates = &self.0.rates;
        Ok(if *is_prepaid { rates.take_prepaid(caller, charge) } else { rates.take(caller, charge) }?)
    }

    /// Takes a request that is refused before it has a charge from the bucket of its address, unless that has paid.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the bucket is empty.
    pub fn charge_refused(&self, context: &RequestContext) -> Result<(), RequestError> {
        if context.is_prepaid {
            return Ok(());
        }
        Ok(self.0.rates.take_of_address(&context.caller)?)
    }

    /// Takes rows of a feed or a directory from the caller's bucket.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the bucket holds less.
    pub fn charge_rows(&self, context: &RequestContext, rows: u64) -> Result<(), RequestError> {
        Ok(self.0.rates.take_rows(&context.caller, rows)?)
    }

    /// Completes when the caller's session or key ends: revoked, banned or expired, also before this call. Never
    /// completes for a guest.
    pub fn credentials_ended(&self, context: &RequestContext) -> BoxFuture<'static, ()> {
        let Some(token) = context.token.clone() else { return Box::pin(std::future::pending()) };
        let app = Arc::clone(&self.0);
        let mut notifications = app.services.notifier.listen();
        Box::pin(async move {
            while !matches!(app.api_key_cache.actor_of(&app.services, &token).await, Ok(None)) {
                let notified = ended_notification(&mut notifications);
                drop(tokio::time::timeout(RECHECK_INTERVAL, notified).await);
            }
        })
    }

    /// Completes when the program begins to shut down, at once if it already has.
    pub fn shutdown(&self) -> BoxFuture<'static, ()> {
        let mut stopping = self.0.stopping.subscribe();
        Box::pin(async move {
            drop(stopping.wait_for(|stopping| *stopping).await);
        })
    }

    /// A new request id.
    pub fn new_request_id(&self) -> RequestId {
        RequestId(self.0.services.rng.uuid(self.0.services.now()))
    }

    /// The response to a plain HTTP request, counted.
    pub fn respond(&self, operation: &'static str, started: Instant, outcome: Result<Response, HttpError>) -> Response {
        let code = outcome.as_ref().map_or_else(|error| error.code, |_| "ok");
        self.record(operation, code, started.elapsed());
        outcome.unwrap_or_else(IntoResponse::into_response)
    }

    /// Counts a finished request. The outcome is `ok` or an error code.
    pub fn record(&self, operation: &str, outcome: &str, elapsed: Duration) {
        self.0.request_counts.record(operation, outcome, elapsed);
        if outcome == ErrorCode::Forbidden.as_str() {
            self.0.services.refusals.record(RefusalReason::Forbidden);
            tracing::info!(operation, "an operation was refused: the caller's role or scopes do not allow it");
        }
        tracing::debug!(operation, outcome, elapsed_ms = elapsed.as_millis(), "request finished");
    }
}

/// Logs once that requests come through a proxy that the settings do not name.
fn warn_of_untrusted_proxy() {
    static LOGGED: Once = Once::new();
    LOGGED.call_once(|| {
        tracing::warn!(
            "a proxy on this machine forwards requests, but --trusted-proxy does not name it: all its clients share the \
             rates of one address, and /metrics is closed to it"
        );
    });
}

/// Waits for a notification that may concern a session or a key, or for a gap in the notifications.
async fn ended_notification(notifications: &mut Receiver<Notification>) {
    loop {
        match notifications.recv().await {
            Ok(Notification::SessionEnded(_) | Notification::AccountEnded(_) | Notification::KeyRevoked(_))
            | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

//! The program as the GraphQL edge sees it.

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::Request;
use async_graphql::parser::types::OperationType;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;

use super::address::{client_address, is_exempt_from_rates};
use super::browsers::Browser;
use super::graphql::{Credentials, EdgeError, Gateway, Observation, OpenSockets, PublishedSchema};
use crate::app::App;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, Tier};
use crate::graphql::roots::{Mutation, Query, Subscription};
use crate::graphql::service_types::ServiceTypeCache;
use platform::access::rates::RateAddress;
use platform::access::{Actor, Caller};
use platform::clock::{Clock, Rng};
use platform::notifications::Notification;

/// How often an open subscription looks whether its session or key is still good, beside notifications.
const RECHECK: std::time::Duration = std::time::Duration::from_millis(750);

/// The program behind the edge.
#[derive(Clone)]
pub struct Switchboard(pub Arc<App>);

/// Who asks, with the token that proves it.
#[derive(Clone)]
pub struct Known {
    /// For the resolvers.
    pub caller: Arc<Caller>,
    token: Option<Arc<str>>,
    /// By what rates tell a guest from others behind the same address.
    pub(super) browser: Option<Browser>,
}

impl Known {
    /// A caller whom nobody has to find, since the program itself made them.
    pub const fn made(caller: Arc<Caller>) -> Self {
        Self { caller, token: None, browser: None }
    }

    /// The same with a cookie.
    #[cfg(test)]
    pub fn in_browser(self, browser: Browser) -> Self {
        Self { browser: Some(browser), ..self }
    }
}

impl Switchboard {
    fn unavailable() -> EdgeError {
        EdgeError::new(ErrorCode::Unavailable, "The server cannot do this now. Try again in a moment.")
    }

    /// Takes rows of a feed out of the caller's bucket.
    ///
    /// # Errors
    /// `RATE_LIMITED` when there are not enough in it.
    pub fn admit_rows(&self, caller: &Known, rows: u64) -> Result<(), EdgeError> {
        self.0.rates.take_rows(caller, rows).map_err(|retry| EdgeError::rate_limited(retry.seconds))
    }

    /// Whoever `actor` is, as rates and the audit see them.
    fn known(&self, credentials: &Credentials, actor: Actor, token: Option<&str>) -> Known {
        let App { services, serving, .. } = &*self.0;
        let peer = credentials.peer.map(|peer| peer.ip());
        let is_rated = !peer.is_some_and(|peer| is_exempt_from_rates(peer, &serving.trusted_proxy));
        let is_counted_by_browser = is_rated && matches!(actor, Actor::Guest);
        let cookie = credentials.cookie.as_deref().filter(|_| is_counted_by_browser);
        let browser = cookie.and_then(|cookie| Browser::from_cookie(services, cookie, serving.plain_http_lan));
        let caller = Caller {
            actor,
            request_id: None,
            idempotency: None,
            address: self.address(credentials).map(RateAddress::from),
            is_rated,
            user_agent: credentials.user_agent.clone(),
        };
        Known { caller: Arc::new(caller), token: token.map(Into::into), browser }
    }

    /// Who asks without saying who they are.
    pub fn guest(&self, credentials: &Credentials) -> Known {
        self.known(credentials, Actor::Guest, None)
    }

    /// The cookie for a browser that has none, unless its address has been given many: then it stays one of those without.
    pub fn greeting(&self, guest: &Known) -> Option<String> {
        let App { services, serving, rates, .. } = &*self.0;
        if guest.browser.is_some() || !guest.caller.is_rated || rates.take_greeting(guest).is_err() {
            return None;
        }
        let made = Browser::new_cookie(services, serving.plain_http_lan);
        made.inspect_err(|error| tracing::warn!(%error, "a browser could not be given a cookie")).ok()
    }

    fn address(&self, credentials: &Credentials) -> Option<IpAddr> {
        let peer = credentials.peer?.ip();
        Some(client_address(peer, credentials.forwarded_for.as_deref(), &self.0.serving.trusted_proxy))
    }
}

impl Gateway for Switchboard {
    type Query = Query;
    type Mutation = Mutation;
    type Subscription = Subscription;
    type Caller = Known;

    fn schema(&self) -> Arc<PublishedSchema<Query, Mutation, Subscription>> {
        self.0.schema.load_full()
    }

    async fn authenticate(&self, credentials: &Credentials) -> Result<Known, EdgeError> {
        if let Err(fault) = self.0.refresh_schema().await {
            tracing::warn!(error = %fault, "the schema could not be built anew and stays as it was");
        }
        let from_cookie = credentials.cookie.as_deref().and_then(|cookie| self.0.cookie().token_in(cookie));
        let token = credentials.bearer.as_deref().or(from_cookie).filter(|token| !token.is_empty());
        let actor = match token {
            None => Actor::Guest,
            Some(token) => {
                let actor = self.0.known_keys.actor_of(&self.0.services, token).await.map_err(|stop| {
                    tracing::warn!(error = ?stop, "a caller could not be authenticated");
                    Self::unavailable()
                })?;
                match actor {
                    Some(actor) => actor,
                    // A browser whose session has ended is a guest; a program with a bad token is told.
                    None if credentials.bearer.is_none() => Actor::Guest,
                    None => {
                        return Err(EdgeError::new(
                            ErrorCode::Unauthenticated,
                            "This token or key is not good, or not any more.",
                        ));
                    }
                }
            }
        };
        Ok(self.known(credentials, actor, token))
    }

    fn tier(&self, caller: &Known) -> Tier {
        match caller.caller.actor {
            Actor::Guest => Tier::Guest,
            Actor::Person(_) => Tier::User,
            Actor::Key(_) | Actor::System(_) => Tier::Key,
        }
    }

    async fn admit(&self, caller: &Known, charge: Charge) -> Result<(), EdgeError> {
        self.0.rates.take(caller, charge).map_err(|retry| EdgeError::rate_limited(retry.seconds))
    }

    fn revoked(&self, caller: &Known) -> BoxFuture<'static, ()> {
        let Some(token) = caller.token.clone() else { return Box::pin(std::future::pending()) };
        if matches!(caller.caller.actor, Actor::Guest) {
            return Box::pin(std::future::pending());
        }
        let app = Arc::clone(&self.0);
        let mut rings = app.services.notifier.listen();
        Box::pin(async move {
            loop {
                // Expiry rings no bell, and another instance's bell may be lost.
                if matches!(app.known_keys.actor_of(&app.services, &token).await, Ok(None)) {
                    return;
                }
                let heard = tokio::time::timeout(RECHECK, async {
                    loop {
                        match rings.recv().await {
                            Ok(
                                Notification::SessionEnded(_)
                                | Notification::AccountEnded(_)
                                | Notification::KeyRevoked(_),
                            )
                            | Err(RecvError::Lagged(_)) => return,
                            Ok(_) => {}
                            Err(RecvError::Closed) => std::future::pending().await,
                        }
                    }
                });
                drop(heard.await);
            }
        })
    }

    fn shutdown(&self) -> BoxFuture<'static, ()> {
        let mut stopping = self.0.stopping.subscribe();
        Box::pin(async move {
            drop(stopping.wait_for(|stopping| *stopping).await);
        })
    }

    fn sockets(&self) -> &OpenSockets {
        &self.0.sockets
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.services.clock
    }

    fn rng(&self) -> &(dyn Rng + 'static) {
        &*self.0.services.rng
    }

    fn has_session_cookie(&self, cookie: &str) -> bool {
        self.0.cookie().token_in(cookie).is_some()
    }

    fn is_public_origin(&self, origin: &str) -> bool {
        origin.trim_end_matches('/') == self.0.serving.public_url()
    }

    fn observe(&self, seen: &Observation<'_>) {
        self.0.requests.count(seen.operation, seen.outcome, seen.elapsed);
        tracing::debug!(
            operation = seen.operation,
            outcome = seen.outcome,
            elapsed_ms = seen.elapsed.as_millis(),
            "a request was answered"
        );
    }

    fn prepare(&self, request: Request, caller: &Known, kind: OperationType) -> Request {
        let request = request.data(Arc::clone(&caller.caller));
        if kind == OperationType::Query { request.data(ServiceTypeCache::default()) } else { request }
    }
}

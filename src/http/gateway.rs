//! The program as the GraphQL edge sees it.

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::Request;
use async_graphql::parser::types::OperationType;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;

use super::address::{client_address, is_exempt_from_rates};
use super::graphql::{Credentials, EdgeError, Gateway, Observation, OpenSockets, PublishedSchema};
use crate::access::rates::RateAddress;
use crate::access::{Actor, Caller};
use crate::app::App;
use crate::changes::doorbell::Ring;
use crate::clock::{Clock, Rng};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, Tier};
use crate::graphql::roots::{Mutation, Query, Subscription};
use crate::service_types::graphql::ReadTypes;

/// How often an open subscription looks whether its session or key is still good, beside the doorbell.
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
}

impl Known {
    /// A caller whom nobody has to find, since the program itself made them.
    pub const fn made(caller: Arc<Caller>) -> Self {
        Self { caller, token: None }
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
        if rows == 0 || !caller.caller.is_rated {
            return Ok(());
        }
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let taken = self.0.rates.rows.take(caller.caller.actor.label(), rows);
        taken.map_err(|retry| EdgeError::rate_limited(retry.seconds))
    }

    fn address(&self, credentials: &Credentials) -> Option<IpAddr> {
        let peer = credentials.peer?.ip();
        let forwarded: Vec<&str> = credentials
            .forwarded_for
            .as_deref()
            .map(|list| list.split(',').map(str::trim).collect())
            .unwrap_or_default();
        Some(client_address(peer, forwarded, &self.0.serving.trusted_proxy))
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
        let address = self.address(credentials);
        let peer = credentials.peer.map(|peer| peer.ip());
        let is_exempt = peer.is_some_and(|peer| is_exempt_from_rates(peer, &self.0.serving.trusted_proxy));
        let caller = Caller {
            actor,
            request_id: None,
            idempotency: None,
            address: address.map(RateAddress::from),
            is_rated: !is_exempt,
            user_agent: credentials.user_agent.clone(),
        };
        Ok(Known { caller: Arc::new(caller), token: token.map(Into::into) })
    }

    fn tier(&self, caller: &Known) -> Tier {
        match caller.caller.actor {
            Actor::Guest => Tier::Guest,
            Actor::Person(_) => Tier::User,
            Actor::Key(_) | Actor::System(_) => Tier::Key,
        }
    }

    async fn admit(&self, caller: &Known, charge: Charge) -> Result<(), EdgeError> {
        if !caller.caller.is_rated {
            return Ok(());
        }
        let rates = &self.0.rates;
        let taken = match &caller.caller.actor {
            Actor::Guest => rates.guests.take(caller.caller.address, 1),
            Actor::Person(person) => rates.people.take(person.username.clone(), 1),
            Actor::Key(key) => rates.keys.take(key.prefix.clone(), 1),
            Actor::System(_) => Ok(()),
        };
        taken.map_err(|retry| EdgeError::rate_limited(retry.seconds))?;
        self.admit_rows(caller, charge.feed_rows)
    }

    fn revoked(&self, caller: &Known) -> BoxFuture<'static, ()> {
        let Some(token) = caller.token.clone() else { return Box::pin(std::future::pending()) };
        if matches!(caller.caller.actor, Actor::Guest) {
            return Box::pin(std::future::pending());
        }
        let app = Arc::clone(&self.0);
        let mut rings = app.services.doorbell.listen();
        Box::pin(async move {
            loop {
                // Expiry rings no bell, and another instance's bell may be lost.
                if matches!(app.known_keys.actor_of(&app.services, &token).await, Ok(None)) {
                    return;
                }
                let heard = tokio::time::timeout(RECHECK, async {
                    loop {
                        match rings.recv().await {
                            Ok(Ring::SessionEnded(_) | Ring::AccountEnded(_) | Ring::KeyRevoked(_))
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
        if kind == OperationType::Query { request.data(ReadTypes::default()) } else { request }
    }
}

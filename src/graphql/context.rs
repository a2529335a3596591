//! What a resolver finds in its context.

use std::sync::Arc;

use async_graphql::Context;

use super::error::ApiError;
use super::request::{IdempotencyKey, RequestId};
use platform::access::{self, Caller, Scope};
use platform::error::InternalError;
use platform::services::Services;
use platform::store::PooledConn;

/// The services under the rules.
///
/// # Errors
/// Never, once the schema is built as it should be.
pub fn services<'a>(ctx: &Context<'a>) -> Result<&'a Services, ApiError> {
    ctx.data_opt::<Services>().ok_or_else(|| InternalError::new("the schema was built without services").into())
}

/// Whoever makes this request, with its id and its idempotency key.
///
/// # Errors
/// Never, once the edge has let the request in.
pub fn caller(ctx: &Context<'_>) -> Result<Arc<Caller>, ApiError> {
    let caller = known_caller(ctx)?;
    let mut caller = Caller::clone(caller);
    caller.request_id = ctx.data_opt::<RequestId>().map(ToString::to_string);
    caller.idempotency = ctx
        .data_opt::<IdempotencyKey>()
        .map(|key| access::IdempotencyKey { key: key.key.clone(), request_hash: key.digest });
    Ok(Arc::new(caller))
}

/// Whoever makes this request.
///
/// # Errors
/// Never, once the edge has let the request in.
pub fn actor<'a>(ctx: &Context<'a>) -> Result<&'a access::Actor, ApiError> {
    known_caller(ctx).map(|caller| &caller.actor)
}

/// How far the caller sees.
///
/// # Errors
/// Never, once the edge has let the request in.
pub fn scope(ctx: &Context<'_>) -> Result<Scope, ApiError> {
    actor(ctx).map(access::scope)
}

/// A connection for short reads.
///
/// # Errors
/// UNAVAILABLE when none comes free.
pub async fn read(ctx: &Context<'_>) -> Result<PooledConn, ApiError> {
    Ok(services(ctx)?.store.read().await?)
}

fn known_caller<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Caller>, ApiError> {
    ctx.data_opt::<Arc<Caller>>().ok_or_else(|| InternalError::new("a request without a caller").into())
}

/// Where browsers and telephones reach this installation, without a slash at the end.
#[derive(Clone, Debug)]
pub struct PublicAddress(pub String);

/// The names of the API's own types, which service types may not take.
#[derive(Clone, Copy)]
pub struct CoreTypeNames(pub &'static [String]);

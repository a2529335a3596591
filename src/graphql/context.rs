//! The data that resolvers read from their context.

use std::sync::Arc;

use async_graphql::Context;

use super::error::ApiError;
use super::request::{IdempotencyKey, RequestId};
use platform::access::{self, Caller, Scope};
use platform::error::InternalError;
use platform::services::Services;
use platform::store::PooledConn;

/// The services of the program.
///
/// # Errors
/// `INTERNAL` when the schema was built without them.
pub fn services<'a>(ctx: &Context<'a>) -> Result<&'a Services, ApiError> {
    ctx.data_opt::<Services>().ok_or_else(|| InternalError::new("the schema was built without services").into())
}

/// The caller, with the request's id and idempotency key.
///
/// # Errors
/// `INTERNAL` when the endpoint has not set the caller.
pub fn caller(ctx: &Context<'_>) -> Result<Arc<Caller>, ApiError> {
    let caller = request_caller(ctx)?;
    let mut caller = Caller::clone(caller);
    caller.request_id = ctx.data_opt::<RequestId>().map(ToString::to_string);
    caller.idempotency = ctx
        .data_opt::<IdempotencyKey>()
        .map(|key| access::IdempotencyKey { key: key.key.clone(), request_hash: key.digest });
    Ok(Arc::new(caller))
}

/// The actor of the request.
///
/// # Errors
/// `INTERNAL` when the endpoint has not set the caller.
pub fn actor<'a>(ctx: &Context<'a>) -> Result<&'a access::Actor, ApiError> {
    request_caller(ctx).map(|caller| &caller.actor)
}

/// The scope of what the caller may read.
///
/// # Errors
/// `INTERNAL` when the endpoint has not set the caller.
pub fn scope(ctx: &Context<'_>) -> Result<Scope, ApiError> {
    actor(ctx).map(access::scope)
}

/// A connection for short reads.
///
/// # Errors
/// `UNAVAILABLE` when no connection becomes free in time.
pub async fn read(ctx: &Context<'_>) -> Result<PooledConn, ApiError> {
    Ok(services(ctx)?.store.read().await?)
}

fn request_caller<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Caller>, ApiError> {
    ctx.data_opt::<Arc<Caller>>().ok_or_else(|| InternalError::new("a request without a caller").into())
}

/// The address of this installation for browsers and telephones, without a slash at the end.
#[derive(Clone, Debug)]
pub struct PublicAddress(pub String);

/// The names of the API's own types. No type of a service type may have one of them.
#[derive(Clone, Copy)]
pub struct CoreTypeNames(pub &'static [String]);

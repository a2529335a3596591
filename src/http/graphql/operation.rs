//! One operation, whichever transport brought it: limits, charge, execution.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Name, Request};
use axum::http::StatusCode;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::endpoint::Endpoint;
use super::error::{RequestError, TIMEOUT_MESSAGE};
use super::idempotency;
use super::open_sockets::{Holder, Place};
use super::published_schema::PublishedSchema;
use super::response::{self, EncodedResponse};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, MAX_SHORT_COST, Operation, PreparedDocument, Tier, measure};
use crate::graphql::request::{RequestId, ResponseHeaders};
use crate::graphql::service_types::ServiceTypeCache;
use crate::http::app_state::{AppState, RequestContext};
use platform::deadline::{self, Deadline};
use platform::error::InternalError;
use platform::workers::CallerKind;

/// The transport of a request, which decides what kinds of operations it can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// GET with one response: queries.
    Get,
    /// POST with one response: queries and mutations.
    Post,
    /// GET with a stream of events: queries and subscriptions.
    GetStream,
    /// POST with a stream of events, or a WebSocket: every operation.
    Stream,
}

/// A request whose caller is known.
pub(super) struct IncomingOperation<'a, E> {
    pub endpoint: &'a Endpoint<E>,
    pub context: &'a RequestContext,
    pub request: Request,
    pub idempotency_key: Option<String>,
    pub transport: Transport,
    pub request_id: RequestId,
    pub headers: Arc<ResponseHeaders>,
}

/// An operation that may be executed.
pub(super) struct AdmittedOperation<E> {
    schema: Arc<PublishedSchema<E>>,
    document: Arc<PreparedDocument>,
    request: Request,
    kind: OperationType,
    tier: Tier,
    timeout: std::time::Duration,
    record: Record,
    /// The place of a subscription among those of its caller.
    place: Option<Place>,
}

/// What the metrics need of an operation, and what its response reports.
struct Record {
    state: AppState,
    /// The first field of the root type.
    root_field: Option<Name>,
    charge: Charge,
    request_id: RequestId,
    started: Instant,
}

impl Record {
    fn finish(&self, code: Option<ErrorCode>) {
        let operation = self.root_field.as_ref().map_or("__typename", Name::as_str);
        self.state.record(operation, code.map_or("ok", ErrorCode::as_str), self.started.elapsed());
    }
}

impl<E: Executor> IncomingOperation<'_, E> {
    /// Checks the limits of a single request, then takes the charge from the caller's buckets. A request that breaks a
    /// limit is charged as one request without cost.
    ///
    /// # Errors
    /// `RATE_LIMITED` before every other error, also when the caller has too many subscriptions; else the first limit
    /// that the request breaks.
    pub fn admit(self) -> Result<AdmittedOperation<E>, RequestError> {
        let started = Instant::now();
        let (state, context) = (&self.endpoint.state, self.context);
        let checked = self.check(started);
        let charge = checked.as_ref().map_or_else(|_| Charge::default(), |admitted| admitted.record.charge);
        let outcome = state.charge(context, charge).and(checked).and_then(|admitted| admitted.counted(context));
        if let Err(error) = &outcome {
            state.record("invalid", error.code.as_str(), started.elapsed());
        }
        outcome
    }

    fn check(self, started: Instant) -> Result<AdmittedOperation<E>, RequestError> {
        let Self { endpoint, context, mut request, idempotency_key, transport, request_id, headers } = self;
        let schema = endpoint.schema();
        let tier: Tier = context.tier();
        let document = schema.documents().get(&request.query, schema.types())?;
        let operation = document.operation(request.operation_name.as_deref())?;
        transport.require(operation)?;
        let charge = measure(&document, operation, &request.variables, schema.types(), tier)?;
        let (kind, root_field) = (operation.kind, operation.root_fields.first().cloned());
        if let Some(key) = idempotency_key {
            let bound = idempotency::bind(key, &request, operation)?;
            request = request.data(bound);
        }
        request.set_parsed_query(document.document().clone());
        request = request.data(Arc::clone(&context.caller)).data(request_id).data(headers);
        if kind == OperationType::Query {
            request = request.data(ServiceTypeCache::default());
        }
        let record = Record { state: endpoint.state.clone(), root_field, charge, request_id, started };
        let timeout = endpoint.settings.timeout(tier);
        Ok(AdmittedOperation { schema, document, request, kind, tier, timeout, record, place: None })
    }
}

impl Transport {
    fn require(self, operation: &Operation) -> Result<(), RequestError> {
        match (operation.kind, self) {
            (OperationType::Mutation, Self::Get | Self::GetStream) => {
                Err(RequestError::method_not_allowed("POST", "A mutation must be sent by POST."))
            }
            (OperationType::Subscription, Self::Get | Self::Post) => Err(RequestError::malformed(
                StatusCode::NOT_ACCEPTABLE,
                "A subscription needs a WebSocket, or `Accept: text/event-stream`.",
            )),
            _ => Ok(()),
        }
    }
}

/// An item of a streamed response.
pub(super) enum StreamItem {
    /// A complete response.
    Next(Vec<u8>),
    /// A JSON array of request errors, after which the stream ends.
    Errors(Vec<u8>),
}

impl From<EncodedResponse> for StreamItem {
    fn from(response: EncodedResponse) -> Self {
        match response.request_errors {
            Some(errors) => Self::Errors(errors),
            None => Self::Next(response.body),
        }
    }
}

impl<E: Executor> AdmittedOperation<E> {
    /// Counts a subscription among those of its caller.
    ///
    /// # Errors
    /// `RATE_LIMITED` when there are too many.
    fn counted(mut self, context: &RequestContext) -> Result<Self, RequestError> {
        if self.kind == OperationType::Subscription {
            let place = self.record.state.0.sockets.subscribe(Holder::of(&context.caller));
            self.place = Some(place.ok_or_else(|| {
                RequestError::new(ErrorCode::RateLimited, "There are too many subscriptions: end some of them first.")
            })?);
        }
        Ok(self)
    }

    /// Executes a query or a mutation within the timeout of the caller's tier. At its end the statements of the
    /// operation stop too. Those of a query also stop when the caller drops this future, because the client is gone; a
    /// mutation that has begun is completed.
    ///
    /// # Errors
    /// `UNAVAILABLE` after the timeout, `INTERNAL` when a resolver panics.
    pub async fn execute(self) -> Result<EncodedResponse, RequestError> {
        let Self { schema, document, request, kind, tier, timeout, record, .. } = self;
        let is_validated = document.is_validated();
        let caller = if tier == Tier::Guest { CallerKind::Guest } else { CallerKind::Authenticated };
        let is_long = record.charge.cost > MAX_SHORT_COST;
        let workers = &record.state.0.workers;
        let deadline = if is_long { workers.deadline(caller, timeout) } else { Deadline::after(timeout) };
        let execution =
            async move { AssertUnwindSafe(schema.executor(is_validated).execute(request)).catch_unwind().await };
        let run = run(&record, is_long.then_some(caller), &deadline, execution);
        let bounded = async {
            match kind {
                OperationType::Query => deadline::abandoned_on_drop(Arc::clone(&deadline), run).await,
                _ => run.await,
            }
        };
        let outcome = match tokio::time::timeout(timeout, bounded).await {
            Err(_) | Ok(Err(InternalError::Overloaded(_))) => {
                Err(RequestError::new(ErrorCode::Unavailable, TIMEOUT_MESSAGE))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "an operation could not be run");
                Err(RequestError::internal())
            }
            Ok(Ok(Err(_))) => {
                tracing::error!("a resolver panicked");
                Err(RequestError::internal())
            }
            Ok(Ok(Ok(executed))) => {
                let encoded = response::encode(executed, record.request_id, record.charge, is_validated);
                if encoded.request_errors.is_none() {
                    document.set_validated();
                }
                Ok(encoded)
            }
        };
        record.finish(outcome.as_ref().map_or_else(|error| Some(error.code), |encoded| encoded.code));
        outcome
    }

    /// Executes an operation of any kind as a stream; a query or a mutation is a stream of one response.
    pub fn stream(self) -> BoxStream<'static, StreamItem> {
        if self.kind == OperationType::Subscription {
            return self.subscribe();
        }
        let request_id = self.record.request_id;
        stream::once(async move {
            match self.execute().await {
                Ok(encoded) => encoded.into(),
                Err(error) => StreamItem::Errors(response::errors_json(&error, request_id)),
            }
        })
        .boxed()
    }

    fn subscribe(self) -> BoxStream<'static, StreamItem> {
        let Self { schema, document, request, record, place, .. } = self;
        let is_validated = document.is_validated();
        let events = AssertUnwindSafe(schema.executor(is_validated).execute_stream(request, None)).catch_unwind();
        let mut is_first = true;
        let mut has_panicked = false;
        events
            .take_while(move |event| {
                let continues = !has_panicked;
                has_panicked |= event.is_err();
                std::future::ready(continues)
            })
            .map(move |event| {
                // Held until the stream is dropped.
                let _place = &place;
                let Ok(executed) = event else {
                    tracing::error!(request.id = %record.request_id, "a subscription panicked");
                    return StreamItem::Errors(response::errors_json(&RequestError::internal(), record.request_id));
                };
                let encoded = response::encode(executed, record.request_id, record.charge, is_validated);
                if std::mem::take(&mut is_first) {
                    record.finish(encoded.code);
                    if encoded.request_errors.is_none() {
                        document.set_validated();
                    }
                }
                encoded.into()
            })
            .boxed()
    }
}

/// Runs the execution of an operation: on a thread of its own where its statements may occupy the thread for long.
/// `long` is the kind of the caller of an operation that may read much.
async fn run<F>(
    record: &Record,
    long: Option<CallerKind>,
    deadline: &Arc<Deadline>,
    execution: F,
) -> Result<F::Output, InternalError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let execution = execution.in_current_span();
    let app = &record.state.0;
    match long {
        Some(kind) if app.services.store.is_embedded() => app.workers.run(kind, deadline, execution).await,
        _ => Ok(deadline::within(Some(Arc::clone(deadline)), execution).await),
    }
}

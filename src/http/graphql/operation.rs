//! One operation, whichever way it came: from its payload, through the limits, to its execution.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Name, Request};
use axum::http::StatusCode;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use super::error::{EdgeError, TIMEOUT_MESSAGE};
use super::gateway::{Gateway, Observation, PublishedSchema};
use super::idempotency;
use super::payload::Payload;
use super::respond::{self, Answer};
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::{Charge, Operation, Prepared, Tier, measure};
use crate::graphql::request::{RequestId, ResponseHeaders};

type SchemaOf<G> = PublishedSchema<<G as Gateway>::Query, <G as Gateway>::Mutation, <G as Gateway>::Subscription>;

/// What the way a request came by can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// GET: nothing that changes anything.
    Get,
    /// POST with one answer.
    Post,
    /// GET with a stream of events.
    GetStream,
    /// A stream of events, or a WebSocket: everything.
    Stream,
}

/// A request as it arrived.
pub(super) struct Arrival<'a, G: Gateway> {
    pub gateway: &'a G,
    pub caller: &'a G::Caller,
    pub payload: Payload,
    pub idempotency_key: Option<String>,
    pub carrier: Carrier,
    pub request_id: RequestId,
    pub headers: Arc<ResponseHeaders>,
}

/// An operation that may run.
pub(super) struct Ready<G: Gateway> {
    gateway: G,
    schema: Arc<SchemaOf<G>>,
    prepared: Arc<Prepared>,
    request: Request,
    kind: OperationType,
    root_field: Option<Name>,
    tier: Tier,
    charge: Charge,
    request_id: RequestId,
    began: Instant,
}

impl<G: Gateway> Arrival<'_, G> {
    /// Limits, then the caller's buckets: what costs least to refuse comes first.
    ///
    /// # Errors
    /// With the code that says why the operation may not run.
    pub async fn admit(self) -> Result<Ready<G>, EdgeError> {
        let began = Instant::now();
        let gateway = self.gateway.clone();
        let caller = self.caller.clone();
        let ready = self.check(began);
        let charge = ready.as_ref().map_or_else(|_| Charge::default(), |ready| ready.charge);
        let admitted = gateway.admit(&caller, charge).await;
        let outcome = ready.and_then(|ready| admitted.clone().map(|()| ready));
        if let Err(error) = &outcome {
            let code = admitted.as_ref().err().unwrap_or(error).code;
            gateway.observe(&Observation {
                operation: "invalid",
                outcome: code.as_str(),
                elapsed: began.elapsed(),
                charge,
            });
        }
        admitted?;
        outcome
    }

    fn check(self, began: Instant) -> Result<Ready<G>, EdgeError> {
        let schema = self.gateway.schema();
        let tier = self.gateway.tier(self.caller);
        let prepared = schema.documents().get(&self.payload.query, schema.types())?;
        let operation = prepared.operation(self.payload.operation_name.as_deref())?;
        self.carrier.require(operation)?;
        let charge = measure(&prepared, operation, &self.payload.variables, schema.types(), tier)?;
        let (kind, root_field) = (operation.kind, operation.root_fields.first().cloned());
        let mut request =
            Request::new(String::new()).data(self.caller.clone()).data(self.request_id).data(self.headers);
        if let Some(key) = self.idempotency_key {
            request = request.data(idempotency::bind(key, &self.payload, operation)?);
        }
        request.set_parsed_query(prepared.document().clone());
        request.operation_name = self.payload.operation_name;
        request.variables = self.payload.variables;
        let request = self.gateway.prepare(request, self.caller, kind);
        let gateway = self.gateway.clone();
        let request_id = self.request_id;
        Ok(Ready { gateway, schema, prepared, request, kind, root_field, tier, charge, request_id, began })
    }
}

impl Carrier {
    fn require(self, operation: &Operation) -> Result<(), EdgeError> {
        match (operation.kind, self) {
            (OperationType::Mutation, Self::Get | Self::GetStream) => {
                Err(EdgeError::method("POST", "A mutation must be sent by POST."))
            }
            (OperationType::Subscription, Self::Get | Self::Post) => Err(EdgeError::malformed(
                StatusCode::NOT_ACCEPTABLE,
                "A subscription needs a WebSocket, or `Accept: text/event-stream`.",
            )),
            _ => Ok(()),
        }
    }
}

/// A part of a streamed answer.
pub(super) enum Frame {
    /// A whole response.
    Next(Vec<u8>),
    /// The operation was refused: a JSON array of errors, and the end.
    Refused(Vec<u8>),
}

impl<G: Gateway> Ready<G> {
    /// Runs a query or a mutation within the caller's time.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the time is up, `INTERNAL` when a resolver panics.
    pub async fn execute(self) -> Result<Answer, EdgeError> {
        let Self { gateway, schema, prepared, request, root_field, tier, charge, request_id, began, .. } = self;
        let known_valid = prepared.is_valid();
        let running = AssertUnwindSafe(schema.executor(known_valid).execute(request)).catch_unwind();
        let outcome = match tokio::time::timeout(gateway.settings().timeout(tier), running).await {
            Err(_) => Err(EdgeError::new(ErrorCode::Unavailable, TIMEOUT_MESSAGE)),
            Ok(Err(_)) => {
                tracing::error!(request.id = %request_id, "a resolver panicked");
                Err(EdgeError::internal())
            }
            Ok(Ok(executed)) => {
                let answer = respond::answer(executed, request_id, charge, known_valid);
                if answer.refused.is_none() && !known_valid {
                    prepared.set_valid();
                }
                Ok(answer)
            }
        };
        let code = outcome.as_ref().map_or_else(|error| Some(error.code), |answer| answer.code);
        observe(&gateway, root_field.as_ref(), code, began, charge);
        outcome
    }

    /// Runs any operation as a stream; a query or a mutation is a stream of one.
    pub fn stream(self) -> BoxStream<'static, Frame> {
        let request_id = self.request_id;
        if self.kind == OperationType::Subscription {
            return self.subscribe();
        }
        stream::once(async move {
            match self.execute().await {
                Ok(Answer { refused: Some(errors), .. }) => Frame::Refused(errors),
                Ok(answer) => Frame::Next(answer.body),
                Err(error) => Frame::Refused(respond::errors_json(&error, request_id)),
            }
        })
        .boxed()
    }

    fn subscribe(self) -> BoxStream<'static, Frame> {
        let Self { gateway, schema, prepared, request, root_field, charge, request_id, began, .. } = self;
        let known_valid = prepared.is_valid();
        let events = AssertUnwindSafe(schema.executor(known_valid).execute_stream(request)).catch_unwind();
        let mut first = true;
        let mut over = false;
        events
            .take_while(move |event| {
                // After a panic, or a refusal, nothing sensible follows.
                let go_on = !over;
                over |= event.is_err();
                std::future::ready(go_on)
            })
            .map(move |event| {
                let Ok(executed) = event else {
                    tracing::error!(request.id = %request_id, "a subscription panicked");
                    return Frame::Refused(respond::errors_json(&EdgeError::internal(), request_id));
                };
                let answer = respond::answer(executed, request_id, charge, known_valid);
                if std::mem::take(&mut first) {
                    observe(&gateway, root_field.as_ref(), answer.code, began, charge);
                    if answer.refused.is_none() {
                        prepared.set_valid();
                    }
                }
                match answer.refused {
                    Some(errors) => Frame::Refused(errors),
                    None => Frame::Next(answer.body),
                }
            })
            .boxed()
    }
}

fn observe<G: Gateway>(
    gateway: &G,
    root_field: Option<&Name>,
    code: Option<ErrorCode>,
    began: Instant,
    charge: Charge,
) {
    gateway.observe(&Observation {
        operation: root_field.map_or("__typename", Name::as_str),
        outcome: code.map_or("ok", ErrorCode::as_str),
        elapsed: began.elapsed(),
        charge,
    });
}

//! Dispatching deliveries: claims due hooks, posts their payloads and stores the outcome.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::client::{MAX_CONCURRENT, WebhookClient};
use super::model::{Failure, WebHook};
use super::payload::{DeliveryResponse, Payload, body};
use super::prepare::{Delivery, Preparation, prepare};
use super::queries;
use super::signature::sign;
use crate::acknowledge::{self, Acknowledgement};
use platform::error::{Error, InternalError};
use platform::ids::ConsumerId;
use platform::services::Services;

/// The number of payloads that are posted under one claim.
const MAX_PAYLOADS_PER_CLAIM: usize = 2;

/// Starts a delivery to every hook that is due. The deliveries continue after this function returns.
///
/// # Errors
/// A database error.
pub async fn deliver_due(services: &Services, client: &Arc<WebhookClient>) -> Result<(), Error> {
    let limit = i64::try_from(MAX_CONCURRENT).unwrap_or(i64::MAX);
    let due = queries::due(&mut *services.store.read().await?, services.now(), limit).await?;
    for consumer in due {
        let Some(permit) = client.try_acquire() else { return Ok(()) };
        // Spawned, so that dropping this future between the claim and the delivery does not block the hook until the
        // claim expires.
        let starting = tokio::spawn(claim_and_deliver(services.clone(), Arc::clone(client), consumer, permit));
        starting.await.map_err(InternalError::new)??;
    }
    Ok(())
}

/// Claims a hook and starts the delivery, unless another instance has claimed it.
async fn claim_and_deliver(
    services: Services,
    client: Arc<WebhookClient>,
    consumer: ConsumerId,
    permit: OwnedSemaphorePermit,
) -> Result<(), Error> {
    let now = services.now();
    let is_claimed = services
        .store
        .write(move |conn| Box::pin(async move { Ok(queries::claim(conn, consumer, now).await?) }))
        .await?;
    if is_claimed {
        tokio::spawn(async move {
            deliver_claimed(&services, &client, consumer).await;
            drop(permit);
        });
    }
    Ok(())
}

/// Delivers to a claimed hook and releases the claim.
async fn deliver_claimed(services: &Services, client: &WebhookClient, consumer: ConsumerId) {
    match deliver(services, client, consumer).await {
        Ok(Some(outcome)) => {
            if let Err(error) = store_outcome(services, outcome).await {
                tracing::warn!(error = ?error, "the outcome of a web hook was not written; it is called again");
            }
        }
        Ok(None) => {}
        // The claim expires, and the same payload is delivered again.
        Err(error) => tracing::warn!(error = ?error, "a feed could not be read for a web hook; it is tried again"),
    }
}

/// The outcome of the deliveries under one claim.
struct Outcome {
    hook: WebHook,
    has_delivered: bool,
    /// Whether the consumer has received that its event is archived.
    closed: bool,
    /// A note for operators about a successful delivery.
    note: Option<String>,
    /// The reason of a failure.
    failure: Option<Failure>,
}

async fn store_outcome(services: &Services, outcome: Outcome) -> Result<(), Error> {
    let now = services.now();
    let [jitter] = services.rng.bytes();
    services
        .store
        .write(move |conn| {
            Box::pin(async move {
                let Outcome { hook, has_delivered, closed, note, failure } = outcome;
                match failure {
                    None => {
                        let delivered_at = has_delivered.then_some(now);
                        queries::release(conn, hook.consumer_id, delivered_at, closed, note.as_deref()).await?;
                    }
                    Some(failure) => {
                        let hook =
                            if has_delivered { WebHook { attempts: 0, failing_since: None, ..hook } } else { hook };
                        let failed = hook.after_failure(&failure, now, jitter);
                        if failed.dead_at.is_some() {
                            tracing::warn!(consumer.id = %failed.consumer_id.global(), "a web hook was given up");
                        }
                        queries::save_failure(conn, &failed).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

/// Posts up to [`MAX_PAYLOADS_PER_CLAIM`] payloads; `None` when the hook does not exist any more.
async fn deliver(services: &Services, client: &WebhookClient, id: ConsumerId) -> Result<Option<Outcome>, Error> {
    let Some(hook) = queries::of_consumer(&mut *services.store.read().await?, id).await? else { return Ok(None) };
    let was_closed = hook.closed;
    let mut outcome = Outcome { hook, has_delivered: false, closed: was_closed, note: None, failure: None };
    for _ in 0..MAX_PAYLOADS_PER_CLAIM {
        let delivery = match prepare(services, &outcome.hook).await? {
            Preparation::Ready(delivery) => delivery,
            Preparation::Skip => break,
            Preparation::Impossible(reason) => {
                outcome.failure = Some(reason.into());
                break;
            }
        };
        let Some(payload) = delivery.next_payload(outcome.closed).await? else { break };
        outcome.closed = matches!(payload, Payload::Closed);
        match post(services, client, &delivery, &payload).await? {
            Ok(response) => {
                outcome.has_delivered = true;
                outcome.note = acknowledge_payload(services, &delivery, &payload, response).await?;
            }
            Err(failure) => {
                outcome.closed = was_closed;
                outcome.failure = Some(failure);
                break;
            }
        }
        if !matches!(&payload, Payload::Page(page) if page.has_more) {
            break;
        }
    }
    Ok(Some(outcome))
}

/// Posts a payload. The inner error is the reason why the consumer did not accept it.
async fn post(
    services: &Services,
    client: &WebhookClient,
    delivery: &Delivery,
    payload: &Payload,
) -> Result<Result<DeliveryResponse, Failure>, Error> {
    let body = body(&delivery.endpoint, delivery.consumer.acknowledged.as_deref(), payload)?;
    let signature = sign(&delivery.secret, services.now(), &body);
    Ok(client.post(&delivery.url, signature, body).await.map(|response| DeliveryResponse::parse(&response)))
}

/// Moves the consumer's position to the end of the payload. Returns a note for operators when the errors that the
/// response reports are refused.
async fn acknowledge_payload(
    services: &Services,
    delivery: &Delivery,
    payload: &Payload,
    response: DeliveryResponse,
) -> Result<Option<String>, Error> {
    let Some(cursor) = payload.cursor() else { return Ok(None) };
    let position_only = Acknowledgement {
        event: delivery.endpoint.event.clone(),
        service_type: delivery.endpoint.service_type.clone(),
        consumer: delivery.endpoint.name.clone(),
        cursor: cursor.encode(),
        digest: None,
        errors: Vec::new(),
        resolved: Vec::new(),
    };
    let full = response.into_acknowledgement(position_only.clone());
    match acknowledge::acknowledge(services, &delivery.caller, full).await {
        Err(Error::User(problems)) => {
            acknowledge::acknowledge(services, &delivery.caller, position_only).await?;
            let reason = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" ");
            Ok(Some(format!("what its answer reports was refused: {reason}")))
        }
        result => result.map(|_| None),
    }
}

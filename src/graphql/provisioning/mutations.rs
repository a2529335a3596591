//! Mutations of feed consumers, acknowledgements and write-back.

use async_graphql::{Context, ID, InputObject, Json, MaybeUndefined, Object, SimpleObject};
use serde_json::Value;

use super::consumers::FeedConsumer;
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{self, caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::extensions::{Extension, ExtensionPayload};
use crate::graphql::scalars::FeedCursor;
use platform::error::{self, Error};
use provisioning::acknowledge::{self, Acknowledgement, ReportedError};
use provisioning::consumers::{self, ConsumerOutcome, ConsumerPatch, NewConsumer};

/// The input for creating a telephone system.
#[derive(InputObject)]
pub struct CreateFeedConsumerInput {
    /// The name, unique in its feed.
    name: String,
    /// The slug of the event.
    event: String,
    /// The slug of the service type.
    service_type: String,
    /// The key that reads and acknowledges for it.
    api_key: ID,
}

/// The input for changing a telephone system. A field that is left out keeps its value.
#[derive(InputObject)]
pub struct UpdateFeedConsumerInput {
    /// The id of the telephone system.
    id: ID,
    /// The name, unique in its feed.
    name: MaybeUndefined<String>,
    /// Whether it is paused: nothing waits for the acknowledgements of a paused telephone system.
    paused: MaybeUndefined<bool>,
}

/// The input for deleting a telephone system.
#[derive(InputObject)]
pub struct DeleteFeedConsumerInput {
    /// The id of the telephone system.
    id: ID,
}

/// The input for pausing or resuming a telephone system.
#[derive(InputObject)]
pub struct PauseFeedConsumerInput {
    /// The id of the telephone system.
    id: ID,
    /// Whether it is paused: nothing waits for its acknowledgements, and its web hook is not called.
    paused: bool,
}

/// The position that a telephone system has applied.
#[derive(InputObject)]
pub struct AcknowledgeProvisioningInput {
    /// The slug of the event.
    event: String,
    /// The slug of the service type.
    service_type: String,
    /// The name of one of the telephone systems that are bound to the key.
    consumer: String,
    /// Everything up to this cursor is applied, apart from `errors`. It may lie before the last acknowledged one, for a
    /// system that was restored.
    cursor: FeedCursor,
    /// The digest of the system's copy. It is compared if the cursor is the head; a difference is shown as an error of
    /// the telephone system.
    digest: Option<String>,
    /// The extensions that could not be applied.
    #[graphql(default)]
    errors: Vec<FeedErrorInput>,
    /// `Extension.id` of extensions whose error is over although their state is the same, because a retry succeeded.
    #[graphql(default)]
    resolved: Vec<ID>,
}

/// An extension that could not be applied.
#[derive(InputObject)]
pub struct FeedErrorInput {
    /// `Extension.id`.
    extension_id: ID,
    /// The system's own code, 1 to 64 characters.
    code: String,
    /// The reason as text for people, at most 1000 characters.
    message: String,
}

/// Parameters that a telephone system writes into an extension.
#[derive(InputObject)]
pub struct WriteBackParametersInput {
    /// The id of the extension.
    id: ID,
    /// A JSON merge patch (RFC 7396) of parameters that the telephone system may write.
    parameters: Json<Value>,
}

/// A telephone system, or the errors.
#[derive(SimpleObject)]
pub struct FeedConsumerPayload {
    /// The telephone system in its present state.
    pub(super) consumer: Option<FeedConsumer>,
    /// The errors. When there are any, nothing was changed.
    pub(super) errors: Vec<UserError>,
}

/// The telephone system that has acknowledged, or the errors.
#[derive(SimpleObject)]
pub struct AcknowledgeProvisioningPayload {
    /// The telephone system in its present state.
    consumer: Option<FeedConsumer>,
    /// The errors. When there are any, nothing was changed.
    errors: Vec<UserError>,
}

/// The mutations of provisioning.
#[derive(Default)]
pub struct ProvisioningMutation;

#[Object]
impl ProvisioningMutation {
    /// Creates a telephone system and binds it to one key and one feed.
    async fn create_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: CreateFeedConsumerInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        let CreateFeedConsumerInput { name, event, service_type, api_key } = input;
        let new = NewConsumer { name, event, service_type, api_key: api_key.0 };
        payload(ctx, consumers::create(services(ctx)?, &caller(ctx)?, new).await).await
    }

    /// Renames, pauses or resumes a telephone system.
    async fn update_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: UpdateFeedConsumerInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        match patch(input) {
            Ok(patch) => payload(ctx, consumers::update(services(ctx)?, &caller(ctx)?, patch).await).await,
            Err(problem) => payload(ctx, Err(problem.into())).await,
        }
    }

    /// Pauses or resumes a telephone system. For operators.
    async fn pause_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: PauseFeedConsumerInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        payload(ctx, consumers::set_paused(services(ctx)?, &caller(ctx)?, input.id.0, input.paused).await).await
    }

    /// Deletes a telephone system. Nothing waits for its acknowledgements any more.
    async fn delete_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: DeleteFeedConsumerInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(consumers::delete(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Acknowledges the position that a telephone system has applied, and reports the extensions that it could not
    /// apply.
    async fn acknowledge_provisioning(
        &self,
        ctx: &Context<'_>,
        input: AcknowledgeProvisioningInput,
    ) -> Result<AcknowledgeProvisioningPayload, ApiError> {
        let done = acknowledge::acknowledge(services(ctx)?, &caller(ctx)?, input.into()).await;
        let FeedConsumerPayload { consumer, errors } = payload(ctx, done).await?;
        Ok(AcknowledgeProvisioningPayload { consumer, errors })
    }

    /// Merges parameters that a telephone system reports into an extension. The extension in the payload is null when
    /// the key may write but not read.
    async fn write_back_parameters(
        &self,
        ctx: &Context<'_>,
        input: WriteBackParametersInput,
    ) -> Result<ExtensionPayload, ApiError> {
        match into_payload(
            extensions::rules::write_back(services(ctx)?, &caller(ctx)?, &input.id, input.parameters.0).await,
        )? {
            Ok(written) => {
                let row =
                    extensions::queries::by_id(&mut *context::read(ctx).await?, &context::scope(ctx)?, written.id)
                        .await?;
                Ok(ExtensionPayload {
                    extension: row.map(Extension::new),
                    generated: None,
                    preview: None,
                    errors: Vec::new(),
                })
            }
            Err(errors) => Ok(ExtensionPayload::failed(errors)),
        }
    }
}

fn patch(input: UpdateFeedConsumerInput) -> Result<ConsumerPatch, error::UserError> {
    let not_null = |field: &str| error::UserError::invalid(field, "It cannot be null.");
    Ok(ConsumerPatch {
        id: input.id.0,
        name: if input.name.is_null() { return Err(not_null("name")) } else { input.name.take() },
        paused: if input.paused.is_null() { return Err(not_null("paused")) } else { input.paused.take() },
    })
}

impl From<AcknowledgeProvisioningInput> for Acknowledgement {
    fn from(input: AcknowledgeProvisioningInput) -> Self {
        let error = |error: FeedErrorInput| ReportedError {
            entity: error.extension_id.0,
            code: error.code,
            message: error.message,
        };
        Self {
            event: input.event,
            service_type: input.service_type,
            consumer: input.consumer,
            cursor: input.cursor.0,
            digest: input.digest,
            errors: input.errors.into_iter().map(error).collect(),
            resolved: input.resolved.into_iter().map(|id| id.0).collect(),
        }
    }
}

pub(super) async fn payload(
    ctx: &Context<'_>,
    result: Result<ConsumerOutcome, Error>,
) -> Result<FeedConsumerPayload, ApiError> {
    Ok(match into_payload(result)? {
        Ok(done) => FeedConsumerPayload { consumer: FeedConsumer::load(ctx, done.id).await?, errors: Vec::new() },
        Err(errors) => FeedConsumerPayload { consumer: None, errors },
    })
}

//! What admins and telephone systems change about feeds.

use async_graphql::{Context, ID, InputObject, Json, MaybeUndefined, Object, SimpleObject};
use serde_json::Value;

use super::consumers::FeedConsumer;
use crate::accounts::graphql::AcceptedPayload;
use crate::error::{self, Error};
use crate::extensions;
use crate::extensions::graphql::{Extension, ExtensionPayload};
use crate::graphql::context::{self, caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::FeedCursor;
use crate::provisioning::acknowledge::{self, Acknowledgement, ReportedError};
use crate::provisioning::consumers::{self, ConsumerPatch, Done, NewConsumer};

/// A telephone system to be named.
#[derive(InputObject)]
pub struct CreateFeedConsumerInput {
    /// Its name, unique in its feed.
    name: String,
    /// The slug of the event.
    event: String,
    /// The slug of the service type.
    service_type: String,
    /// The key that reads and acknowledges for it.
    api_key: ID,
}

/// What is to be different about a telephone system. A field left out stays.
#[derive(InputObject)]
pub struct UpdateFeedConsumerInput {
    /// Which.
    id: ID,
    /// Its name, unique in its feed.
    name: MaybeUndefined<String>,
    /// While paused, nothing waits for it.
    paused: MaybeUndefined<bool>,
}

/// A telephone system to be forgotten.
#[derive(InputObject)]
pub struct DeleteFeedConsumerInput {
    /// Which.
    id: ID,
}

/// A telephone system to be paused or woken.
#[derive(InputObject)]
pub struct PauseFeedConsumerInput {
    /// Which.
    id: ID,
    /// While paused, nothing waits for it and its web hook is not called.
    paused: bool,
}

/// How far a telephone system has come.
#[derive(InputObject)]
pub struct AcknowledgeProvisioningInput {
    /// The slug of the event.
    event: String,
    /// The slug of the service type.
    service_type: String,
    /// One of the key's own consumers.
    consumer: String,
    /// Everything up to here is applied, apart from `errors`. It may lie before the last one: the system was restored.
    cursor: FeedCursor,
    /// Compared if the cursor is the head; a difference is shown as an error of the consumer.
    digest: Option<String>,
    /// What could not be applied.
    #[graphql(default)]
    errors: Vec<FeedErrorInput>,
    /// Extensions whose error is over though their state is the same: they were tried again. `Extension.id`.
    #[graphql(default)]
    resolved: Vec<ID>,
}

/// Something that could not be applied.
#[derive(InputObject)]
pub struct FeedErrorInput {
    /// `Extension.id`.
    extension_id: ID,
    /// The system's own code, 1 to 64 characters.
    code: String,
    /// Why, for a person; at most 1000 characters.
    message: String,
}

/// What a telephone system tells about an extension.
#[derive(InputObject)]
pub struct WriteBackParametersInput {
    /// Which extension.
    id: ID,
    /// A JSON merge patch (RFC 7396) of parameters that are the system's to write.
    parameters: Json<Value>,
}

/// A telephone system, or why not.
#[derive(SimpleObject)]
pub struct FeedConsumerPayload {
    /// As it is now.
    pub(super) consumer: Option<FeedConsumer>,
    /// What went wrong; nothing was changed then.
    pub(super) errors: Vec<UserError>,
}

/// A telephone system that has acknowledged, or why not.
#[derive(SimpleObject)]
pub struct AcknowledgeProvisioningPayload {
    /// As it is now.
    consumer: Option<FeedConsumer>,
    /// What went wrong; nothing was changed then.
    errors: Vec<UserError>,
}

/// What admins and telephone systems change about feeds.
#[derive(Default)]
pub struct ProvisioningMutation;

#[Object]
impl ProvisioningMutation {
    /// Names a telephone system and binds it to one key and one feed.
    async fn create_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: CreateFeedConsumerInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        let CreateFeedConsumerInput { name, event, service_type, api_key } = input;
        let new = NewConsumer { name, event, service_type, api_key: api_key.0 };
        payload(ctx, consumers::create(services(ctx)?, &caller(ctx)?, new).await).await
    }

    /// Renames, pauses or wakes a telephone system.
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

    /// Pauses a telephone system or wakes it. For operators.
    async fn pause_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: PauseFeedConsumerInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        payload(ctx, consumers::pause(services(ctx)?, &caller(ctx)?, input.id.0, input.paused).await).await
    }

    /// Forgets a telephone system: nothing waits for it any more.
    async fn delete_feed_consumer(
        &self,
        ctx: &Context<'_>,
        input: DeleteFeedConsumerInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(consumers::delete(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }

    /// Says how far a telephone system has come, and what it could not apply.
    async fn acknowledge_provisioning(
        &self,
        ctx: &Context<'_>,
        input: AcknowledgeProvisioningInput,
    ) -> Result<AcknowledgeProvisioningPayload, ApiError> {
        let done = acknowledge::acknowledge(services(ctx)?, &caller(ctx)?, input.into()).await;
        let FeedConsumerPayload { consumer, errors } = payload(ctx, done).await?;
        Ok(AcknowledgeProvisioningPayload { consumer, errors })
    }

    /// Merges what a telephone system tells into an extension; null is answered for the extension where the key may write and not read.
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
            extension: error.extension_id.0,
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

pub(super) async fn payload(ctx: &Context<'_>, result: Result<Done, Error>) -> Result<FeedConsumerPayload, ApiError> {
    Ok(match into_payload(result)? {
        Ok(done) => FeedConsumerPayload { consumer: FeedConsumer::load(ctx, done.id).await?, errors: Vec::new() },
        Err(errors) => FeedConsumerPayload { consumer: None, errors },
    })
}

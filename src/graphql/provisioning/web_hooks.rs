//! Web hooks in GraphQL.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::consumers::FeedConsumer;
use super::mutations::{FeedConsumerPayload, payload};
use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{actor, caller, services};
use crate::graphql::enums::WebHookState;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::DateTime;
use platform::access::Role;
use platform::error::{Error, InternalError};
use provisioning::web_hooks::{self, ReplayFrom, WebHookOutcome, WebhookClient};

/// The web hook of a telephone system: the changes of its feed are posted to its address, with a signature.
pub struct WebHook(pub(super) web_hooks::WebHook);

#[Object]
impl WebHook {
    /// The address. Admins only.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<&str>, ApiError> {
        Ok(actor(ctx)?.is_at_least(Role::Admin).then_some(self.0.url.as_str()))
    }

    /// The state of its deliveries.
    async fn state(&self) -> WebHookState {
        self.0.state().into()
    }

    /// When it was created, or its address last changed.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// The number of consecutive failures.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// When the first of the consecutive failures was.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.failing_since.map(Into::into)
    }

    /// When the next attempt is due; null while deliveries succeed, and after they were given up.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let is_failing = self.0.failing_since.is_some() && self.0.dead_at.is_none();
        is_failing.then(|| self.0.next_at.into())
    }

    /// The reason of the last failure, or the reason why the errors that it reports were refused.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// When a delivery last succeeded.
    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(Into::into)
    }

    /// When deliveries were given up, after a day of failures. `replayWebHook` starts them again, and no change is
    /// lost.
    async fn dead_at(&self) -> Option<DateTime> {
        self.0.dead_at.map(Into::into)
    }
}

/// The input for creating or changing a web hook.
#[derive(InputObject)]
struct SaveWebHookInput {
    /// The id of the telephone system.
    consumer: ID,
    /// An address that starts with https://, or with http:// in a network that the option --web-hook-network allows.
    url: String,
}

/// The input for replacing the secret of a web hook.
#[derive(InputObject)]
struct RotateWebHookSecretInput {
    /// The id of the telephone system.
    consumer: ID,
}

/// The input for deleting a web hook.
#[derive(InputObject)]
struct DeleteWebHookInput {
    /// The id of the telephone system.
    consumer: ID,
}

/// The input for replaying a web hook.
#[derive(InputObject)]
struct ReplayWebHookInput {
    /// The id of the telephone system.
    consumer: ID,
    /// Whether the telephone system is asked to start again from a snapshot.
    #[graphql(default)]
    whole: bool,
}

/// A telephone system with its web hook, or the errors.
#[derive(SimpleObject)]
struct WebHookPayload {
    /// The telephone system in its present state.
    consumer: Option<FeedConsumer>,
    /// The signing secret when a new one was generated. Shown only this once.
    secret: Option<String>,
    /// The errors. When there are any, nothing was changed.
    errors: Vec<UserError>,
}

/// The mutations of web hooks.
#[derive(Default)]
pub struct WebHookMutation;

#[Object]
impl WebHookMutation {
    /// Creates the web hook of a telephone system or changes its address. Creating it generates a secret, which a new
    /// address keeps. An address that deliveries may not go to is refused: a private one, or `http://`, outside the
    /// networks of the server's setting `--web-hook-network`. Needs a sign-in within 15 minutes.
    async fn save_web_hook(&self, ctx: &Context<'_>, input: SaveWebHookInput) -> Result<WebHookPayload, ApiError> {
        let client = ctx.data_opt::<Arc<WebhookClient>>();
        let client = client.ok_or_else(|| Error::from(InternalError::new("the client of web hooks is missing")))?;
        let saved = web_hooks::save(services(ctx)?, client, &caller(ctx)?, input.consumer.0, input.url).await;
        hook_payload(ctx, saved).await
    }

    /// Replaces the secret of a web hook; no later delivery is signed with the old one. Needs a sign-in within 15
    /// minutes.
    async fn rotate_web_hook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateWebHookSecretInput,
    ) -> Result<WebHookPayload, ApiError> {
        let saved = web_hooks::rotate(services(ctx)?, &caller(ctx)?, input.consumer.0).await;
        hook_payload(ctx, saved).await
    }

    /// Deletes the web hook of a telephone system, which may still read the feed by itself.
    async fn delete_web_hook(&self, ctx: &Context<'_>, input: DeleteWebHookInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(web_hooks::delete(services(ctx)?, &caller(ctx)?, input.consumer.0).await)
    }

    /// Starts the deliveries of a web hook again at once, also after they were given up. For operators.
    async fn replay_web_hook(
        &self,
        ctx: &Context<'_>,
        input: ReplayWebHookInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        let from = if input.whole { ReplayFrom::Snapshot } else { ReplayFrom::Acknowledged };
        let replayed = web_hooks::replay(services(ctx)?, &caller(ctx)?, input.consumer.0, from).await;
        payload(ctx, replayed).await
    }
}

async fn hook_payload(ctx: &Context<'_>, result: Result<WebHookOutcome, Error>) -> Result<WebHookPayload, ApiError> {
    Ok(match into_payload(result)? {
        Ok(saved) => WebHookPayload {
            consumer: FeedConsumer::load(ctx, saved.consumer).await?,
            secret: saved.secret.map(|secret| secret.expose().to_owned()),
            errors: Vec::new(),
        },
        Err(errors) => WebHookPayload { consumer: None, secret: None, errors },
    })
}

//! Web hooks in the API.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::consumers::FeedConsumer;
use super::mutations::{FeedConsumerPayload, payload};
use crate::access::Role;
use crate::accounts::graphql::AcceptedPayload;
use crate::error::Error;
use crate::graphql::context::{actor, caller, services};
use crate::graphql::enums::WebHookState;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::DateTime;
use crate::provisioning::web_hooks::{self, Saved};

/// Where a telephone system wants to be called: what its feed tells is posted there, signed.
pub struct WebHook(pub(super) web_hooks::WebHook);

#[Object]
impl WebHook {
    /// The address. Admins only.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<&str>, ApiError> {
        Ok(actor(ctx)?.is_at_least(Role::Admin).then_some(self.0.url.as_str()))
    }

    /// How it fares.
    async fn state(&self) -> WebHookState {
        self.0.state().into()
    }

    /// When it was set up, or its address changed.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// How often it has failed in a row.
    async fn attempts(&self) -> i32 {
        self.0.attempts
    }

    /// Since when it fails.
    async fn failing_since(&self) -> Option<DateTime> {
        self.0.failing_since.map(Into::into)
    }

    /// When it is tried again by itself; null while it works, and when it was given up.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let is_failing = self.0.failing_since.is_some() && self.0.dead_at.is_none();
        is_failing.then(|| self.0.next_at.into())
    }

    /// Why it failed last, or why what it reports was not taken.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// When it last took a delivery.
    async fn delivered_at(&self) -> Option<DateTime> {
        self.0.delivered_at.map(Into::into)
    }

    /// When it was given up, after a day of failures: `replayWebHook` has it called again, and nothing is lost.
    async fn dead_at(&self) -> Option<DateTime> {
        self.0.dead_at.map(Into::into)
    }
}

/// Where a telephone system is to be called.
#[derive(InputObject)]
struct SaveWebHookInput {
    /// Which telephone system.
    consumer: ID,
    /// An address that begins with https://; with http:// within a network that the installation names with --web-hook-network.
    url: String,
}

/// A web hook whose secret is to be made anew.
#[derive(InputObject)]
struct RotateWebHookSecretInput {
    /// Which telephone system's.
    consumer: ID,
}

/// A web hook to be taken away.
#[derive(InputObject)]
struct DeleteWebHookInput {
    /// Which telephone system's.
    consumer: ID,
}

/// A web hook to be called again.
#[derive(InputObject)]
struct ReplayWebHookInput {
    /// Which telephone system's.
    consumer: ID,
    /// Whether it is told to begin anew with a snapshot.
    #[graphql(default)]
    whole: bool,
}

/// A telephone system with its web hook, or why not.
#[derive(SimpleObject)]
struct WebHookPayload {
    /// As it is now.
    consumer: Option<FeedConsumer>,
    /// The secret that signs, where a new one was made. Shown this once.
    secret: Option<String>,
    /// What went wrong; nothing was changed then.
    errors: Vec<UserError>,
}

/// Mutations of web hooks.
#[derive(Default)]
pub struct WebHookMutation;

#[Object]
impl WebHookMutation {
    /// Has a telephone system called. The first time a secret is made; a new address keeps it. Needs a sign-in within 15 minutes.
    async fn save_web_hook(&self, ctx: &Context<'_>, input: SaveWebHookInput) -> Result<WebHookPayload, ApiError> {
        let saved = web_hooks::save(services(ctx)?, &caller(ctx)?, input.consumer.0, input.url).await;
        hook_payload(ctx, saved).await
    }

    /// Makes a new secret for a web hook; the old one signs nothing any more. Needs a sign-in within 15 minutes.
    async fn rotate_web_hook_secret(
        &self,
        ctx: &Context<'_>,
        input: RotateWebHookSecretInput,
    ) -> Result<WebHookPayload, ApiError> {
        let saved = web_hooks::rotate(services(ctx)?, &caller(ctx)?, input.consumer.0).await;
        hook_payload(ctx, saved).await
    }

    /// Stops calling a telephone system; it may go on by reading.
    async fn delete_web_hook(&self, ctx: &Context<'_>, input: DeleteWebHookInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(web_hooks::delete(services(ctx)?, &caller(ctx)?, input.consumer.0).await)
    }

    /// Calls a web hook again at once, one that was given up too. For operators.
    async fn replay_web_hook(
        &self,
        ctx: &Context<'_>,
        input: ReplayWebHookInput,
    ) -> Result<FeedConsumerPayload, ApiError> {
        let replayed = web_hooks::replay(services(ctx)?, &caller(ctx)?, input.consumer.0, input.whole).await;
        payload(ctx, replayed).await
    }
}

async fn hook_payload(ctx: &Context<'_>, result: Result<Saved, Error>) -> Result<WebHookPayload, ApiError> {
    Ok(match into_payload(result)? {
        Ok(saved) => WebHookPayload {
            consumer: FeedConsumer::load(ctx, saved.consumer).await?,
            secret: saved.secret.map(|secret| secret.expose().to_owned()),
            errors: Vec::new(),
        },
        Err(errors) => WebHookPayload { consumer: None, secret: None, errors },
    })
}

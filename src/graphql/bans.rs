//! Bans in the API.

use async_graphql::{Context, InputObject, Object};

use accounts::rules;
use crate::graphql::accounts::AccountPayload;
use crate::graphql::context::{caller, services};
use crate::graphql::error::ApiError;

/// Whom to ban, and why.
#[derive(InputObject)]
struct BanAccountInput {
    /// The account.
    username: String,
    /// Told to the person after a right password.
    reason: String,
}

/// Whose ban to lift.
#[derive(InputObject)]
struct UnbanAccountInput {
    /// The account.
    username: String,
}

/// What operators do about people.
#[derive(Default)]
pub struct ModerationMutation;

#[Object]
impl ModerationMutation {
    /// Bans an account: no sign-in, no change, no calls. Its sessions end at once.
    async fn ban_account(&self, ctx: &Context<'_>, input: BanAccountInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::ban(services(ctx)?, &caller(ctx)?, &input.username, &input.reason).await).await
    }

    /// Lifts a ban: what it restricted is as it was before.
    async fn unban_account(&self, ctx: &Context<'_>, input: UnbanAccountInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::unban(services(ctx)?, &caller(ctx)?, &input.username).await).await
    }
}

//! GraphQL mutations of bans.

use accounts::rules;
use async_graphql::{Context, InputObject, Object};

use crate::graphql::accounts::AccountPayload;
use crate::graphql::context::{caller, services};
use crate::graphql::error::ApiError;

/// The account to ban, with the reason.
#[derive(InputObject)]
struct BanAccountInput {
    /// The account.
    username: String,
    /// Shown at sign-in after a correct password.
    reason: String,
}

/// The account whose ban is lifted.
#[derive(InputObject)]
struct UnbanAccountInput {
    /// The account.
    username: String,
}

/// Mutations of bans.
#[derive(Default)]
pub struct ModerationMutation;

#[Object]
impl ModerationMutation {
    /// Bans an account: no sign-in, no change, no calls. Its sessions end at once. Not for the caller's own account.
    async fn ban_account(&self, ctx: &Context<'_>, input: BanAccountInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::ban(services(ctx)?, &caller(ctx)?, &input.username, &input.reason).await).await
    }

    /// Lifts a ban. All effects of the ban end.
    async fn unban_account(&self, ctx: &Context<'_>, input: UnbanAccountInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::unban(services(ctx)?, &caller(ctx)?, &input.username).await).await
    }
}

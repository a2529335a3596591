//! GraphQL operations on the caller's personal data.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use serde_json::Value;

use crate::graphql::accounts::{AcceptedPayload, SessionCookie};
use crate::graphql::context::{caller, services};
use crate::graphql::error::ApiError;
use crate::graphql::request::ResponseHeaders;

/// The proof that it is the owner who deletes the account.
#[derive(InputObject)]
struct DeleteAccountInput {
    /// The caller's password.
    password: String,
}

/// Queries of one's own data.
#[derive(Default)]
pub struct PersonalDataQuery;

#[Object]
impl PersonalDataQuery {
    /// Everything held about the caller. Secret parameters are in it where the caller signed in or gave the password within 15
    /// minutes, and null otherwise. Exports are audited.
    async fn export_my_data(&self, ctx: &Context<'_>) -> Result<Value, ApiError> {
        Ok(accounts::rules::export(services(ctx)?, &caller(ctx)?).await?)
    }
}

/// Mutations of one's own data.
#[derive(Default)]
pub struct PersonalDataMutation;

#[Object]
impl PersonalDataMutation {
    /// Deletes the caller's account for good: extensions end as by delete, sessions end, and the username is never given to another
    /// account.
    async fn delete_account(&self, ctx: &Context<'_>, input: DeleteAccountInput) -> Result<AcceptedPayload, ApiError> {
        let payload =
            AcceptedPayload::of(accounts::rules::delete_account(services(ctx)?, &caller(ctx)?, &input.password).await)?;
        if let (true, Some(headers), Some(cookie)) =
            (payload.accepted, ctx.data_opt::<Arc<ResponseHeaders>>(), ctx.data_opt::<SessionCookie>())
        {
            headers.set_cookie(cookie.clear());
        }
        Ok(payload)
    }
}

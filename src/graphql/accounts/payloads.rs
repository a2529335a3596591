//! GraphQL payloads of accounts.

use accounts::rules;
use async_graphql::{Context, SimpleObject};

use super::objects::{Account, Session};
use crate::graphql::error::{ApiError, UserError, into_payload};

/// Never reveals whether an account exists.
#[derive(SimpleObject)]
pub struct AcceptedPayload {
    /// Whether the operation succeeded, as far as the caller may know.
    pub accepted: bool,
    /// The errors of the input.
    pub errors: Vec<UserError>,
}

impl AcceptedPayload {
    /// The payload of an operation without a result.
    ///
    /// # Errors
    /// Errors of the top level of the response.
    pub fn of<T>(result: Result<T, platform::error::Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(_) => Self { accepted: true, errors: Vec::new() },
            Err(errors) => Self { accepted: false, errors },
        })
    }
}

/// An account, or errors.
#[derive(SimpleObject)]
pub struct AccountPayload {
    /// The account as it is now.
    pub account: Option<Account>,
    /// The errors of the input.
    pub errors: Vec<UserError>,
}

impl AccountPayload {
    /// The payload of an operation that created or changed an account.
    ///
    /// # Errors
    /// Errors of the top level of the response.
    pub async fn of(
        ctx: &Context<'_>,
        result: Result<rules::Changed, platform::error::Error>,
    ) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(changed) => Self { account: Account::load(ctx, changed.account).await?, errors: Vec::new() },
            Err(errors) => Self { account: None, errors },
        })
    }
}

/// A session, or errors.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Send it as `Authorization: Bearer`; browsers get a cookie as well.
    pub token: Option<String>,
    /// The account that signed in.
    pub account: Option<Account>,
    /// The session.
    pub session: Option<Session>,
    /// The errors of the input.
    pub errors: Vec<UserError>,
}

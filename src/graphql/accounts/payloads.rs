//! What mutations of accounts answer.

use async_graphql::{Context, SimpleObject};

use super::objects::{Account, Session};
use crate::graphql::error::{ApiError, UserError, into_payload};
use accounts::rules;

/// The answer never tells whether an account exists.
#[derive(SimpleObject)]
pub struct AcceptedPayload {
    /// Whether it was done, as far as the caller may know.
    pub accepted: bool,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl AcceptedPayload {
    /// The payload of an operation that gives nothing back.
    ///
    /// # Errors
    /// What belongs to the top of the response.
    pub fn of<T>(result: Result<T, platform::error::Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(_) => Self { accepted: true, errors: Vec::new() },
            Err(errors) => Self { accepted: false, errors },
        })
    }
}

/// An account, or why not.
#[derive(SimpleObject)]
pub struct AccountPayload {
    /// The account as it is now.
    pub account: Option<Account>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl AccountPayload {
    /// The payload of an operation that made or changed an account.
    ///
    /// # Errors
    /// What belongs to the top of the response.
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

/// A session, or why not.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Send it as `Authorization: Bearer`; browsers get a cookie as well.
    pub token: Option<String>,
    /// Who is signed in.
    pub account: Option<Account>,
    /// The session.
    pub session: Option<Session>,
    /// Why not.
    pub errors: Vec<UserError>,
}

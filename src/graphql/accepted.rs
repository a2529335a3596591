//! The payload of mutations that have nothing to show.

use async_graphql::SimpleObject;

use super::error::{ApiError, UserError, settle};
use crate::problem::Stop;

/// Whether a mutation was accepted. The answer never tells whether an account exists.
#[derive(SimpleObject, Clone, Debug)]
pub struct AcceptedPayload {
    /// Whether it was done, or will be where that is no secret.
    pub accepted: bool,
    /// Why it was not done.
    pub errors: Vec<UserError>,
}

impl AcceptedPayload {
    /// The payload of a rule's result.
    ///
    /// # Errors
    /// Everything that belongs to the top of the response.
    pub fn of<T>(result: Result<T, Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(_) => Self { accepted: true, errors: Vec::new() },
            Err(errors) => Self { accepted: false, errors },
        })
    }
}

//! Mutations of numbers that are not in service.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use numbers::{PlanNumber, ReserveNumber, release_hold, release_reservation, reserve};
use platform::error::Error;

use super::Number;
use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::{DateTime, PhoneNumber};

/// Which number to keep, and for whom.
#[derive(InputObject)]
struct ReserveNumberInput {
    /// The event's slug; left out: an E.164 number.
    event: Option<String>,
    /// The number.
    number: PhoneNumber,
    /// The username of whom it is kept for.
    owner: String,
    /// When the reservation lapses; left out: when an operator releases it.
    until: Option<DateTime>,
    /// The version that the caller read; 0 for a number that was never touched.
    expected_version: Option<i32>,
}

/// `event` left out: an E.164 number.
#[derive(InputObject)]
struct ReleaseReservationInput {
    /// The event's slug.
    event: Option<String>,
    /// The number.
    number: PhoneNumber,
    /// The version that the caller read.
    expected_version: Option<i32>,
}

/// `event` left out: an E.164 number.
#[derive(InputObject)]
struct ReleaseHoldInput {
    /// The event's slug.
    event: Option<String>,
    /// The number.
    number: PhoneNumber,
}

/// A number, or why not.
#[derive(SimpleObject)]
pub struct NumberPayload {
    /// The number as it is now.
    pub number: Option<Number>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl NumberPayload {
    /// The payload of an operation that changed a number.
    ///
    /// # Errors
    /// Errors that the response reports at the top level.
    pub async fn of(ctx: &Context<'_>, result: Result<PlanNumber, Error>) -> Result<Self, ApiError> {
        Ok(match into_payload(result)? {
            Ok(plan_number) => Self { number: Number::load(ctx, &plan_number).await?, errors: Vec::new() },
            Err(errors) => Self { number: None, errors },
        })
    }
}

/// Mutations of numbers.
#[derive(Default)]
pub struct NumbersMutation;

#[Object]
impl NumbersMutation {
    /// Reserves a number for an account: only this account can register it. For operators.
    async fn reserve_number(&self, ctx: &Context<'_>, input: ReserveNumberInput) -> Result<NumberPayload, ApiError> {
        let input = ReserveNumber {
            event: input.event,
            number: input.number.0,
            owner: input.owner,
            until: input.until.map(|until| until.0),
            expected_version: input.expected_version,
        };
        NumberPayload::of(ctx, reserve(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Ends a reservation: the number is anybody's again. For operators.
    async fn release_reservation(
        &self,
        ctx: &Context<'_>,
        input: ReleaseReservationInput,
    ) -> Result<NumberPayload, ApiError> {
        let ReleaseReservationInput { event, number, expected_version } = input;
        let (services, caller) = (services(ctx)?, caller(ctx)?);
        NumberPayload::of(ctx, release_reservation(services, &caller, event, &number.0, expected_version).await).await
    }

    /// Gives up one's own held number.
    async fn release_hold(&self, ctx: &Context<'_>, input: ReleaseHoldInput) -> Result<NumberPayload, ApiError> {
        NumberPayload::of(ctx, release_hold(services(ctx)?, &caller(ctx)?, input.event, &input.number.0).await).await
    }
}

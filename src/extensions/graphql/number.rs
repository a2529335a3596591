//! A number of a plan.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use super::Extension;
use crate::access::{Role, scope};
use crate::accounts::graphql::{Account, Restriction};
use crate::extensions::queries;
use crate::graphql::context::{self, actor};
use crate::graphql::enums::NumberState;
use crate::graphql::error::ApiError;
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::numbers::{self, NumberRow};
use crate::restrictions::{self, TargetKind};
use crate::service_types::graphql::Event;
use crate::store::types::Id;

/// One number of one numbering plan. Rows appear when a number is first touched; an untouched number in a range is AVAILABLE.
#[derive(Clone)]
pub struct Number {
    event: Event,
    number: String,
    row: Option<Arc<NumberRow>>,
}

impl Number {
    /// The number of an event, touched or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, event: Event, number: String) -> Result<Self, ApiError> {
        let row = numbers::queries::find(&mut *context::read(ctx).await?, event.0.id, &number).await?;
        Ok(Self { event, number, row: row.map(Arc::new) })
    }

    fn is_open(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let actor = actor(ctx)?;
        let is_own = self.row.as_ref().is_some_and(|row| row.account_id.is_some() && row.account_id == actor.account());
        Ok(is_own || actor.is_at_least(Role::Operator))
    }
}

#[Object]
impl Number {
    /// Made of plan and digits, so that a number never touched has one too.
    pub async fn id(&self) -> ID {
        ID(format!("Number:{}:{}", self.event.0.id.0.simple(), self.number))
    }

    /// The plan it belongs to; null for an E.164 number, which is unique in the world.
    async fn event(&self) -> Option<Event> {
        Some(self.event.clone())
    }

    /// The number as it is dialled.
    async fn number(&self) -> PhoneNumber {
        self.number.clone().into()
    }

    /// Where it is in its life.
    async fn state(&self) -> NumberState {
        self.row.as_ref().map_or(numbers::state::NumberState::Available, |row| row.state).into()
    }

    /// For RESERVED and IN_SERVICE.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        match self.row.as_ref().and_then(|row| row.account_id) {
            Some(id) if self.is_open(ctx)? => Account::load(ctx, id).await,
            _ => Ok(None),
        }
    }

    /// Until when a hold, a reservation or ageing lasts.
    async fn until(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, ApiError> {
        let until = self.row.as_ref().and_then(|row| row.until).map(Into::into);
        Ok(if self.is_open(ctx)? { until } else { None })
    }

    /// The extension that it serves, if the caller may see it.
    async fn extension(&self, ctx: &Context<'_>) -> Result<Option<Extension>, ApiError> {
        let scope = scope(actor(ctx)?);
        let row = queries::by_number(&mut *context::read(ctx).await?, &scope, self.event.0.id, &self.number).await?;
        Ok(row.map(Extension::new))
    }

    /// What restricts it.
    async fn restrictions(&self, ctx: &Context<'_>) -> Result<Vec<Restriction>, ApiError> {
        let Some(row) = self.row.as_ref() else { return Ok(Vec::new()) };
        if !self.is_open(ctx)? {
            return Ok(Vec::new());
        }
        let rows =
            restrictions::of_targets(&mut *context::read(ctx).await?, TargetKind::Number, &[Id(row.id.0)]).await?;
        Ok(rows.into_iter().map(Restriction).collect())
    }

    /// Rises with every change.
    async fn version(&self) -> i32 {
        self.row.as_ref().map_or(0, |row| row.version)
    }
}

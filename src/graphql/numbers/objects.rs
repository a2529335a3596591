//! A number of a plan.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use numbers::{NumberRow, PlanNumber};
use platform::access::Role;
use platform::store::types::Id;
use restrictions::TargetKind;

use super::history::{self, NumberHistoryConnection};
use crate::connection;
use crate::graphql::accounts::{Account, Restriction};
use crate::graphql::context::{self, actor};
use crate::graphql::enums::NumberState;
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::extensions::Extension;
use crate::graphql::scalars::{DateTime, PhoneNumber};

/// One number of one numbering plan. Rows appear when a number is first touched; an untouched number in a range is AVAILABLE.
#[derive(Clone)]
pub struct Number {
    /// `None` for an E.164 number.
    event: Option<Event>,
    number: String,
    row: Option<Arc<NumberRow>>,
}

impl Number {
    /// The number of a plan, with or without a row; `None` if the caller may not see its event.
    ///
    /// # Errors
    /// A database error.
    pub async fn load(ctx: &Context<'_>, plan_number: &PlanNumber) -> Result<Option<Self>, ApiError> {
        let event = match plan_number.event {
            None => None,
            Some(id) => match Event::load_visible(ctx, id).await? {
                None => return Ok(None),
                known => known,
            },
        };
        let row =
            numbers::number_on_plan(&mut *context::read(ctx).await?, plan_number.event, &plan_number.number).await?;
        Ok(Some(Self { event, number: plan_number.number.clone(), row: row.map(Arc::new) }))
    }

    /// The object of a row of this event, or of an E.164 number.
    pub(super) fn from_row(event: Option<Event>, row: NumberRow) -> Self {
        Self { event, number: row.number.clone(), row: Some(Arc::new(row)) }
    }

    /// The number as text.
    pub(super) fn text(&self) -> &str {
        &self.number
    }

    fn plan_number(&self) -> PlanNumber {
        PlanNumber { event: self.event.as_ref().map(|event| event.0.id), number: self.number.clone() }
    }

    /// Whether the caller may see account, period, restrictions and history.
    fn shows_details(&self, ctx: &Context<'_>) -> Result<bool, ApiError> {
        let actor = actor(ctx)?;
        let is_own = self.row.as_ref().is_some_and(|row| row.account_id.is_some() && row.account_id == actor.account());
        Ok(is_own || actor.is_at_least(Role::Operator))
    }
}

#[Object]
impl Number {
    /// Made of plan and digits, so that a number never touched has one too.
    pub async fn id(&self) -> ID {
        ID(self.plan_number().global())
    }

    /// The plan it belongs to; null for an E.164 number, which is unique in the world.
    async fn event(&self) -> Option<Event> {
        self.event.clone()
    }

    /// The number as it is dialled.
    async fn number(&self) -> PhoneNumber {
        self.number.clone().into()
    }

    /// Where it is in its life.
    async fn state(&self) -> NumberState {
        self.row.as_ref().map_or(numbering::NumberState::Available, |row| row.state).into()
    }

    /// For RESERVED and IN_SERVICE.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        match self.row.as_ref().and_then(|row| row.account_id) {
            Some(id) if self.shows_details(ctx)? => Account::load(ctx, id).await,
            _ => Ok(None),
        }
    }

    /// Until when a hold, a reservation or ageing lasts.
    async fn until(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, ApiError> {
        let until = self.row.as_ref().and_then(|row| row.until).map(Into::into);
        Ok(if self.shows_details(ctx)? { until } else { None })
    }

    /// The extension that it serves, if the caller may see it.
    async fn extension(&self, ctx: &Context<'_>) -> Result<Option<Extension>, ApiError> {
        let Some(event) = &self.event else { return Ok(None) };
        Extension::by_number(ctx, event.0.id, &self.number).await
    }

    /// What restricts it.
    async fn restrictions(&self, ctx: &Context<'_>) -> Result<Vec<Restriction>, ApiError> {
        let Some(row) = self.row.as_ref() else { return Ok(Vec::new()) };
        if !self.shows_details(ctx)? {
            return Ok(Vec::new());
        }
        let rows =
            restrictions::of_targets(&mut *context::read(ctx).await?, TargetKind::Number, &[Id(row.id.0)]).await?;
        Ok(rows.into_iter().map(Restriction).collect())
    }

    /// The steps of its life, oldest first: for whom it is kept or serves, and for operators. Empty for others.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<NumberHistoryConnection, ApiError> {
        let shown = if self.shows_details(ctx)? { self.row.as_ref().map(|row| row.id) } else { None };
        history::page(ctx, shown, first, after.as_deref()).await
    }

    /// Rises with every change; 0 for a number that was never touched.
    async fn version(&self) -> i32 {
        self.row.as_ref().map_or(0, |row| row.version)
    }
}

connection!(NumberConnection, NumberEdge, Number, "touched numbers", total_count);

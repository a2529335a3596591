//! The history of a number.

use async_graphql::{Context, Object};
use numbers::HistoryRow;
use platform::access::Role;
use platform::ids::{NumberHistoryId, NumberId};

use crate::connection;
use crate::graphql::accounts::Account;
use crate::graphql::context::{self, actor};
use crate::graphql::enums::NumberState;
use crate::graphql::error::ApiError;
use crate::graphql::paging::Page;
use crate::graphql::scalars::DateTime;

/// One step of a number's life.
#[derive(Clone)]
pub struct NumberHistoryEntry(HistoryRow);

#[Object]
impl NumberHistoryEntry {
    /// When it happened.
    async fn at(&self) -> DateTime {
        self.0.at.into()
    }

    /// The state before.
    async fn from(&self) -> NumberState {
        self.0.from_state.into()
    }

    /// The state after.
    async fn to(&self) -> NumberState {
        self.0.to_state.into()
    }

    /// Whose number it became, or whose it was before. Null for other people's, except to operators.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        let actor = actor(ctx)?;
        match self.0.account_id {
            Some(id) if actor.account() == Some(id) || actor.is_at_least(Role::Operator) => {
                Account::load(ctx, id).await
            }
            _ => Ok(None),
        }
    }

    /// Who did it. Operators only.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<&str>, ApiError> {
        Ok(actor(ctx)?.is_at_least(Role::Operator).then_some(self.0.actor.as_str()))
    }
}

connection!(NumberHistoryConnection, NumberHistoryEdge, NumberHistoryEntry, "a number's history");

/// A page of the history of a number, oldest first; an empty page if `number` is `None`.
pub(super) async fn page(
    ctx: &Context<'_>,
    number: Option<NumberId>,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<NumberHistoryConnection, ApiError> {
    let page = Page::new("history", first, after)?;
    let after = page.after_as()?.map(NumberHistoryId);
    let rows = match number {
        None => Vec::new(),
        Some(number) => {
            numbers::history_of_number(&mut *context::read(ctx).await?, number, after, page.limit()).await?
        }
    };
    let entries = rows.into_iter().map(NumberHistoryEntry).collect();
    Ok(NumberHistoryConnection::new(page.paginate(entries, |entry: &NumberHistoryEntry| entry.0.id.0.to_string())))
}

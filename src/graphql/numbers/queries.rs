//! Queries of numbers.

use async_graphql::{Context, Object};
use numbering::number;
use numbers::{Filter, PlanNumber};
use platform::access::Role;

use super::{Number, NumberConnection};
use crate::graphql::context::{self, actor, services};
use crate::graphql::enums::NumberState;
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::paging::Page;
use crate::graphql::scalars::PhoneNumber;

/// Queries of numbers.
#[derive(Default)]
pub struct NumbersQuery;

/// The normal form of a bound of a list, as the database compares it.
fn bound(given: Option<PhoneNumber>) -> Result<Option<String>, ApiError> {
    let clean =
        |text: PhoneNumber| number::Number::clean(&text.0).map_err(|problem| ApiError::bad_input(problem.message));
    Ok(given.map(clean).transpose()?.map(number::Number::into_string))
}

#[Object]
impl NumbersQuery {
    /// A number of a plan, touched or not. Null for what is no number of the plan, and for an unknown event.
    async fn number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug; left out: an E.164 number.")] event: Option<String>,
        #[graphql(desc = "The number.")] number: PhoneNumber,
    ) -> Result<Option<Number>, ApiError> {
        let Ok(number) = number::Number::clean(&number.0) else { return Ok(None) };
        if number.is_e164() == event.is_some() {
            return Ok(None);
        }
        let event = match event {
            None => None,
            Some(slug) => match Event::find_visible(ctx, &slug).await? {
                None => return Ok(None),
                found => found,
            },
        };
        let plan_number = PlanNumber { event: event.as_ref().map(|event| event.0.id), number: number.into_string() };
        Number::load(ctx, &plan_number).await
    }

    /// Operators: touched numbers of a plan by number, for example all that are RESERVED or HELD.
    #[expect(clippy::too_many_arguments, reason = "they are the contract's")]
    async fn numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug; left out: E.164 numbers.")] event: Option<String>,
        #[graphql(desc = "The lowest number; numbers are compared as texts, digit by digit.")] from: Option<
            PhoneNumber,
        >,
        #[graphql(desc = "The highest number.")] to: Option<PhoneNumber>,
        #[graphql(desc = "Only numbers in this state.")] state: Option<NumberState>,
        #[graphql(desc = "Only numbers of this account, by its username.")] account: Option<String>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<NumberConnection, ApiError> {
        actor(ctx)?.demand(Role::Operator)?;
        let page = Page::new("numbers", first, after.as_deref())?;
        let mut filter =
            Filter { from: bound(from)?, to: bound(to)?, state: state.map(Into::into), ..Filter::default() };
        let found_event = match &event {
            None => None,
            Some(slug) => Event::find_visible(ctx, slug).await?,
        };
        let mut is_impossible = event.is_some() && found_event.is_none();
        filter.event = found_event.as_ref().map(|event| event.0.id);
        let mut conn = context::read(ctx).await?;
        if let Some(name) = account {
            let found = accounts::account_by_username(&mut conn, &name.trim().to_ascii_lowercase()).await?;
            filter.account = found.map(|account| account.id);
            is_impossible |= filter.account.is_none();
        }
        let rows = if is_impossible {
            Vec::new()
        } else {
            numbers::list_numbers(&mut conn, &filter, page.after.as_deref(), page.limit()).await?
        };
        drop(conn);
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                if is_impossible {
                    return Ok(0);
                }
                let count = numbers::count_numbers(&mut *store.read().await?, &filter).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        let numbers = rows.into_iter().map(|row| Number::from_row(found_event.clone(), row)).collect();
        Ok(NumberConnection::new(page.paginate(numbers, |number: &Number| number.text().to_owned()), total))
    }
}

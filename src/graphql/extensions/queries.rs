//! Queries of extensions and of available numbers.

use async_graphql::{Context, Object};
use extensions::list::Filter;
use extensions::queries;
use numbering::number;
use numbers::NumberSearch;
use platform::access::{Role, scope};

use super::{Extension, ExtensionConnection};
use crate::graphql::context::{self, actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::events::Event;
use crate::graphql::paging::Page;
use crate::graphql::scalars::PhoneNumber;

/// Queries of extensions and of available numbers.
#[derive(Default)]
pub struct ExtensionsQuery;

#[Object]
impl ExtensionsQuery {
    /// Free numbers the caller may register: nearest to a prefix or a keypad word (`like`), or ascending from a number (`from`, up
    /// to 1,000: a grid), otherwise spread at random.
    async fn available_numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(desc = "The service type's slug.")] service_type: String,
        #[graphql(desc = "A prefix or a word on the keypad.")] like: Option<String>,
        #[graphql(desc = "The number to begin with.")] from: Option<PhoneNumber>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
    ) -> Result<Vec<PhoneNumber>, ApiError> {
        let page = Page::new("availableNumbers", first, None)?;
        let Some(event) = Event::find_visible(ctx, &event).await? else { return Ok(Vec::new()) };
        let found = service_types::service_type_by_slug(&mut *context::read(ctx).await?, &service_type).await?;
        let Some(service_type) = found else { return Ok(Vec::new()) };
        let clean = |text: &str| number::Number::clean(text).map_err(|problem| ApiError::bad_input(problem.message));
        let search = match (like, from) {
            (Some(_), Some(_)) => return Err(ApiError::bad_input("Give `like` or `from`, not both.")),
            (Some(like), None) => NumberSearch::Like(clean(&like)?.into_string()),
            (None, Some(from)) => NumberSearch::From(clean(&from.0)?),
            (None, None) => NumberSearch::Random,
        };
        let is_staff = actor(ctx)?.is_at_least(Role::Operator);
        let free =
            numbers::available_numbers(services(ctx)?, is_staff, &event.0, &service_type, search, page.first).await?;
        Ok(free.into_iter().map(|number| number.into_string().into()).collect())
    }

    /// Owner, operators and scoped keys; others get null.
    async fn extension(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(desc = "The number.")] number: PhoneNumber,
    ) -> Result<Option<Extension>, ApiError> {
        let (Ok(number), scope) = (number::Number::clean(&number.0), scope(actor(ctx)?)) else { return Ok(None) };
        let mut conn = context::read(ctx).await?;
        let found = queries::by_slug_and_number(&mut conn, &scope, &event, number.as_str()).await?;
        drop(conn);
        Extension::if_visible(ctx, found).await
    }

    /// A user's own; an operator's all. By id.
    #[expect(clippy::too_many_arguments, reason = "they are the contract's")]
    async fn extensions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: Option<String>,
        #[graphql(desc = "The beginning of the number, words of the label, or words of the owner's name.")]
        search: Option<String>,
        #[graphql(desc = "The service type's slug.")] service_type: Option<String>,
        #[graphql(desc = "The owner's username.")] owner: Option<String>,
        #[graphql(desc = "Only those that may be called, or only the others.")] active: Option<bool>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<ExtensionConnection, ApiError> {
        actor(ctx)?.demand(Role::User)?;
        let page = Page::new("extensions", first, after.as_deref())?;
        let filter = Filter {
            active,
            search: search.as_deref().and_then(extensions::search::Query::parse),
            ..Filter::default()
        };
        let filter = resolve_filter(ctx, filter, event, service_type, owner).await?;
        let scope = context::scope(ctx)?;
        ExtensionConnection::list(ctx, filter.and_then(|filter| filter.within(&scope)), page).await
    }
}

/// Completes a filter with the rows that the arguments name; `None` if one of them does not exist.
async fn resolve_filter(
    ctx: &Context<'_>,
    mut filter: Filter,
    event: Option<String>,
    service_type: Option<String>,
    owner: Option<String>,
) -> Result<Option<Filter>, ApiError> {
    if let Some(slug) = event {
        let Some(event) = Event::find_visible(ctx, &slug).await? else { return Ok(None) };
        filter.events = Some(vec![event.0.id]);
    }
    let mut conn = context::read(ctx).await?;
    if let Some(slug) = service_type {
        let found = service_types::service_type_by_slug(&mut conn, &slug).await?;
        let Some(service_type) = found else { return Ok(None) };
        filter.service_types = Some(vec![service_type.id]);
    }
    if let Some(name) = owner {
        let found = accounts::account_by_username(&mut conn, &name.trim().to_ascii_lowercase()).await?;
        let Some(account) = found else { return Ok(None) };
        filter.owner = Some(account.id);
    }
    let actor = actor(ctx)?;
    let is_operator = actor.is_at_least(Role::Operator) && !actor.is_at_least(Role::Admin);
    if is_operator && (filter.owner.is_none() || filter.owner != actor.account()) {
        filter.hidden_events = events::draft_events(&mut conn).await?;
    }
    Ok(Some(filter))
}

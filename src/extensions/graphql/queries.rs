//! Finding numbers and extensions.

use async_graphql::{Context, Object};

use super::{Extension, ExtensionConnection, Number};
use crate::access::{Role, scope};
use crate::accounts;
use crate::extensions::queries::{self, Filter};
use crate::extensions::rules::{self, Wish};
use crate::graphql::context::{self, actor, services};
use crate::graphql::error::ApiError;
use crate::graphql::paging::Page;
use crate::graphql::scalars::PhoneNumber;
use crate::ids::ExtensionId;
use crate::numbers::number;
use crate::service_types;
use crate::service_types::graphql::Event;

/// Queries of numbers and extensions.
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
        let Some(event) = Event::find(ctx, &event).await? else { return Ok(Vec::new()) };
        let found =
            service_types::queries::service_type_by_slug(&mut *context::read(ctx).await?, &service_type).await?;
        let Some(service_type) = found else { return Ok(Vec::new()) };
        let clean = |text: &str| number::Number::clean(text).map_err(|problem| ApiError::bad_input(problem.message));
        let wish = match (like, from) {
            (Some(_), Some(_)) => return Err(ApiError::bad_input("Give `like` or `from`, not both.")),
            (Some(like), None) => Wish::Like(clean(&like)?.into_string()),
            (None, Some(from)) => Wish::From(clean(&from.0)?),
            (None, None) => Wish::Any,
        };
        let is_staff = actor(ctx)?.is_at_least(Role::Operator);
        let free = rules::available(services(ctx)?, is_staff, &event.0, &service_type, wish, page.first).await?;
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
        let Some(event) = service_types::queries::event_by_slug(&mut conn, &event).await? else { return Ok(None) };
        Ok(queries::by_number(&mut conn, &scope, event.id, number.as_str()).await?.map(Extension::new))
    }

    /// A user's own; an operator's all.
    #[expect(clippy::too_many_arguments, reason = "they are the contract's")]
    async fn extensions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: Option<String>,
        #[graphql(desc = "The beginning of the number.")] search: Option<String>,
        #[graphql(desc = "The service type's slug.")] service_type: Option<String>,
        #[graphql(desc = "The owner's username.")] owner: Option<String>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<ExtensionConnection, ApiError> {
        let actor = actor(ctx)?;
        actor.demand(Role::User)?;
        let page = Page::new("extensions", first, after.as_deref())?;
        let after = page.after_as()?.map(ExtensionId);
        let mut filter = Filter { number_prefix: search.filter(|text| !text.trim().is_empty()), ..Filter::default() };
        let mut conn = context::read(ctx).await?;
        let mut is_impossible = false;
        if let Some(slug) = event {
            filter.event = service_types::queries::event_by_slug(&mut conn, &slug).await?.map(|event| event.id);
            is_impossible |= filter.event.is_none();
        }
        if let Some(slug) = service_type {
            filter.service_type =
                service_types::queries::service_type_by_slug(&mut conn, &slug).await?.map(|found| found.id);
            is_impossible |= filter.service_type.is_none();
        }
        if let Some(name) = owner {
            filter.owner =
                accounts::queries::by_username(&mut conn, &name.to_ascii_lowercase()).await?.map(|found| found.id);
            is_impossible |= filter.owner.is_none();
        }
        if let Some(own) = scope(actor).own() {
            is_impossible |= filter.owner.is_some_and(|owner| owner != own);
            filter.owner = Some(own);
        }
        let rows =
            if is_impossible { Vec::new() } else { queries::list(&mut conn, &filter, after, page.limit()).await? };
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                if is_impossible {
                    return Ok(0);
                }
                let count = queries::count(&mut *store.read().await?, &filter).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        let rows = rows.into_iter().map(Extension::new).collect();
        Ok(ExtensionConnection::new(page.cut(rows, |extension: &Extension| extension.0.id.0.to_string()), total))
    }

    /// A number of an event's plan, touched or not. Null for what is no number, and for an unknown event.
    async fn number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug; left out: an E.164 number.")] event: Option<String>,
        #[graphql(desc = "The number.")] number: PhoneNumber,
    ) -> Result<Option<Number>, ApiError> {
        let (Some(event), Ok(number)) = (event, number::Number::clean(&number.0)) else { return Ok(None) };
        let Some(event) = Event::find(ctx, &event).await? else { return Ok(None) };
        Number::load(ctx, event, number.into_string()).await.map(Some)
    }
}

//! GraphQL API of the directory.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::OnceCell;

use crate::connection;
use crate::graphql::context::{actor, read, services};
use crate::graphql::error::ApiError;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::events::{Event, missing_row};
use crate::graphql::paging::{Page, Total};
use crate::graphql::scalars::PhoneNumber;
use crate::graphql::service_types::ServiceType;
use extensions::directory;
use extensions::directory::watch::{self, Fingerprints};
use extensions::directory::{Audience, DirectoryFilter, Entry, EntryCursor};
use platform::access::{Actor, Person, account_status};
use platform::error::{AuthError, Error};
use platform::ids::{EventId, ServiceTypeId};
use platform::services::Services;

/// Entry of the directory.
#[derive(Clone)]
pub struct DirectoryEntry {
    cursor: EntryCursor,
    entry: Arc<Entry>,
    types: ServiceTypes,
}

/// Service types by id, loaded at most once per page, on first access.
#[derive(Clone, Default)]
struct ServiceTypes(Arc<OnceCell<HashMap<ServiceTypeId, ServiceType>>>);

impl ServiceTypes {
    async fn get(&self, services: &Services) -> Result<&HashMap<ServiceTypeId, ServiceType>, ApiError> {
        let read = || async {
            let rows = service_types::all_service_types(&mut *services.store.read().await?).await?;
            Ok::<_, ApiError>(rows.into_iter().map(|row| (row.id, ServiceType(Arc::new(row)))).collect())
        };
        self.0.get_or_try_init(read).await
    }

    /// Returns the ids of service types by their slugs. Ignores unknown slugs.
    async fn with_slugs(&self, services: &Services, slugs: &[String]) -> Result<Vec<ServiceTypeId>, ApiError> {
        let all = self.get(services).await?;
        Ok(all.iter().filter(|(_, found)| slugs.contains(&found.0.slug)).map(|(&id, _)| id).collect())
    }
}

#[Object]
impl DirectoryEntry {
    /// The number to dial.
    async fn number(&self) -> PhoneNumber {
        self.entry.number.clone().into()
    }

    /// The name that its owner chose.
    async fn label(&self) -> &str {
        &self.entry.label
    }

    /// The type of service that answers a call.
    async fn service_type(&self, ctx: &Context<'_>) -> Result<ServiceType, ApiError> {
        let all = self.types.get(services(ctx)?).await?;
        all.get(&self.entry.service_type_id).cloned().ok_or_else(|| missing_row("service type"))
    }

    /// Whether a call permission of the extension highlights it, for example for an emergency desk.
    async fn highlighted(&self) -> bool {
        self.entry.highlighted
    }
}

connection!(DirectoryConnection, DirectoryEdge, DirectoryEntry, "the directory's entries", total);

/// Queries of the directory.
#[derive(Default)]
pub struct DirectoryQuery;

#[Object]
impl DirectoryQuery {
    /// Entries of an event's directory. Guests see PUBLIC entries, members also MEMBERS, operators also STAFF. The search matches
    /// the exact number, numbers with this prefix, words of the label and keypad letters, in this order, and by number within
    /// each. Null for an unknown event.
    #[expect(clippy::too_many_arguments, reason = "the arguments are part of the API")]
    async fn directory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(
            desc = "A number or its prefix, prefixes of words of a label, or keypad digits. Blank: all entries."
        )]
        search: Option<String>,
        #[graphql(desc = "Slugs of service types. Absent or empty: all.")] service_types: Option<Vec<String>>,
        #[graphql(desc = "Only entries that a call permission highlights, or only the others.")] highlighted: Option<
            bool,
        >,
        #[graphql(desc = "Maximum number of entries; 50 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page starts.")] after: Option<String>,
    ) -> Result<Option<DirectoryConnection>, ApiError> {
        let page = Page::new("directory", first, after.as_deref())?;
        DirectoryInput { event, search, service_types, highlighted }.resolve(ctx, page).await
    }
}

/// Arguments of the query `directory`.
struct DirectoryInput {
    event: String,
    search: Option<String>,
    service_types: Option<Vec<String>>,
    highlighted: Option<bool>,
}

impl DirectoryInput {
    async fn resolve(self, ctx: &Context<'_>, page: Page) -> Result<Option<DirectoryConnection>, ApiError> {
        let (services, actor) = (services(ctx)?, actor(ctx)?);
        let after = page.after_as::<EntryCursor>()?;
        let types = ServiceTypes::default();
        let service_types = match self.service_types.filter(|slugs| !slugs.is_empty()) {
            Some(slugs) => Some(types.with_slugs(services, &slugs).await?),
            None => None,
        };
        let mut conn = read(ctx).await?;
        let Some(event) = directory::find_event(&mut conn, actor, &self.event).await? else { return Ok(None) };
        let is_listed = directory::is_listed(event.phase);
        let filter = DirectoryFilter {
            event: event.id,
            audience: Audience::of(actor, event.id),
            service_types,
            highlighted: self.highlighted,
            search: self.search.as_deref().and_then(extensions::search::Query::parse),
        };
        let found = if is_listed {
            directory::entries(&mut conn, &filter, after.as_ref(), page.limit()).await?
        } else {
            Vec::new()
        };
        let entries = found
            .into_iter()
            .map(|(cursor, entry)| DirectoryEntry { cursor, entry: Arc::new(entry), types: types.clone() })
            .collect();
        let filter = is_listed.then_some(filter);
        Ok(Some(DirectoryConnection::new(
            page.paginate(entries, |entry| entry.cursor.to_string()),
            total(services.clone(), filter),
        )))
    }
}

/// Returns the total count, which runs a query only when the client selects it. `None`: the event has no directory.
fn total(services: Services, filter: Option<DirectoryFilter>) -> Total {
    Box::new(move || {
        let (services, filter) = (services.clone(), filter.clone());
        Box::pin(async move {
            match filter {
                Some(filter) => Ok(directory::total(&mut *services.store.read().await?, &filter).await?),
                None => Ok(0),
            }
        })
    })
}

/// Subscriptions to the directory.
#[derive(Default)]
pub struct DirectorySubscription {
    fingerprints: Arc<Fingerprints>,
}

#[Subscription]
impl DirectorySubscription {
    /// Emits the event when the entries that the caller can see have changed. Combines changes within a short time.
    async fn directory_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
    ) -> Result<BoxStream<'static, Result<Event, ApiError>>, ApiError> {
        let (services, actor) = (services(ctx)?, actor(ctx)?);
        let event = directory::find_event(&mut *read(ctx).await?, actor, &event).await?;
        let event = event.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "There is no such event."))?.id;
        let audience = Audience::of(actor, event);
        let changes = watch::changes(services.clone(), Arc::clone(&self.fingerprints), event, audience).await?;
        let source = (services.clone(), actor.clone(), event, audience);
        // Ends with the first refusal.
        let events = stream::unfold(Some(changes.boxed()), move |changes| {
            let (services, actor, event, audience) = source.clone();
            async move {
                let mut changes = changes?;
                let change = changes.next().await?;
                if let Err(error) = require_audience(&services, &actor, event, audience).await {
                    return Some((Err(error), None));
                }
                Some((current(services, event, change).await, Some(changes)))
            }
        });
        Ok(events.boxed())
    }
}

/// Requires that the caller still belongs to an audience. A session outlives a change of its account's role.
///
/// # Errors
/// `FORBIDDEN` after the role was lowered; `INTERNAL` or `UNAVAILABLE` when the database fails.
async fn require_audience(
    services: &Services,
    actor: &Actor,
    event: EventId,
    audience: Audience,
) -> Result<(), ApiError> {
    let Actor::Person(person) = actor else { return Ok(()) };
    let mut conn = services.store.read().await?;
    let status = account_status(&services.hooks, &mut conn, person.id).await?.ok_or(AuthError::Unauthenticated)?;
    let current = Actor::Person(Arc::new(Person { role: status.role, ..Person::clone(person) }));
    if Audience::of(&current, event) < audience {
        return Err(AuthError::Forbidden.into());
    }
    Ok(())
}

/// Loads the current event after a change of its directory.
async fn current(services: Services, event: EventId, change: Result<(), Error>) -> Result<Event, ApiError> {
    change?;
    let row = events::event_by_id(&mut *services.store.read().await?, event).await?;
    row.map(|row| Event(Arc::new(row))).ok_or_else(|| missing_row("event"))
}

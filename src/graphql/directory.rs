//! The directory in the API.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
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
use extensions::directory::{Audience, Entry, Key, Listing};
use platform::error::Error;
use platform::ids::{EventId, ServiceTypeId};
use platform::services::Services;

/// One line of the directory.
#[derive(Clone)]
pub struct DirectoryEntry {
    key: Key,
    entry: Arc<Entry>,
    types: ServiceTypes,
}

/// The service types, read once for a page and only when somebody asks.
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

    /// The ids of these slugs; unknown ones are passed over.
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

    /// What its owner calls it.
    async fn label(&self) -> &str {
        &self.entry.label
    }

    /// What kind of service answers.
    async fn service_type(&self, ctx: &Context<'_>) -> Result<ServiceType, ApiError> {
        let all = self.types.get(services(ctx)?).await?;
        all.get(&self.entry.service_type_id).cloned().ok_or_else(|| missing_row("service type"))
    }

    /// Whether a call permission of the extension marks it, as it does for an emergency desk.
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
    /// Guests see PUBLIC entries, members also MEMBERS, operators also STAFF. Search matches the number, numbers that begin so, words of the
    /// label, keypad letters, in this order and within each by number. Null for an unknown event.
    #[expect(clippy::too_many_arguments, reason = "they are the contract's")]
    async fn directory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's slug.")] event: String,
        #[graphql(
            desc = "A number, the beginning of one, beginnings of words of a label, or keypad digits; blank: everything."
        )]
        search: Option<String>,
        #[graphql(desc = "Slugs of service types: only their entries. Left out or empty: all.")] service_types: Option<
            Vec<String>,
        >,
        #[graphql(desc = "Only entries that a call permission highlights, or only the others.")] highlighted: Option<
            bool,
        >,
        #[graphql(desc = "How many at most; 50 where left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which to go on.")] after: Option<String>,
    ) -> Result<Option<DirectoryConnection>, ApiError> {
        let page = Page::new("directory", first, after.as_deref())?;
        let wish = Wish { event, search, service_types, highlighted };
        wish.answer(ctx, page).await
    }
}

/// What a query of the directory asks for.
struct Wish {
    event: String,
    search: Option<String>,
    service_types: Option<Vec<String>>,
    highlighted: Option<bool>,
}

impl Wish {
    async fn answer(self, ctx: &Context<'_>, page: Page) -> Result<Option<DirectoryConnection>, ApiError> {
        let (services, actor) = (services(ctx)?, actor(ctx)?);
        let after = page.after_as::<Key>()?;
        let types = ServiceTypes::default();
        let service_types = match self.service_types.filter(|slugs| !slugs.is_empty()) {
            Some(slugs) => Some(types.with_slugs(services, &slugs).await?),
            None => None,
        };
        let mut conn = read(ctx).await?;
        let Some(event) = directory::find_event(&mut conn, actor, &self.event).await? else { return Ok(None) };
        let is_listed = directory::is_listed(event.phase);
        let listing = Listing {
            event: event.id,
            audience: Audience::of(actor, event.id),
            service_types,
            highlighted: self.highlighted,
            search: self.search.as_deref().and_then(extensions::search::Query::parse),
        };
        let found = if is_listed {
            directory::entries(&mut conn, &listing, after.as_ref(), page.limit()).await?
        } else {
            Vec::new()
        };
        let entries = found
            .into_iter()
            .map(|(key, entry)| DirectoryEntry { key, entry: Arc::new(entry), types: types.clone() })
            .collect();
        let listing = is_listed.then_some(listing);
        Ok(Some(DirectoryConnection::new(
            page.paginate(entries, |entry| entry.key.to_string()),
            total(services.clone(), listing),
        )))
    }
}

/// Counts a listing when somebody asks; a closed directory has no entries.
fn total(services: Services, listing: Option<Listing>) -> Total {
    Box::new(move || {
        let (services, listing) = (services.clone(), listing.clone());
        Box::pin(async move {
            match listing {
                Some(listing) => Ok(directory::total(&mut *services.store.read().await?, &listing).await?),
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
    /// Fires when what the caller can see in the directory has changed. Changes that come close together are told once.
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
        let services = services.clone();
        Ok(changes.then(move |change| current(services.clone(), event, change)).boxed())
    }
}

/// The event as it is when its directory has changed.
async fn current(services: Services, event: EventId, change: Result<(), Error>) -> Result<Event, ApiError> {
    change?;
    let row = events::event_by_id(&mut *services.store.read().await?, event).await?;
    row.map(|row| Event(Arc::new(row))).ok_or_else(|| missing_row("event"))
}

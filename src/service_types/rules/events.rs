//! Events and their phases.

use std::sync::Arc;

use super::{Changed, catalogue_changed, clean_name, clean_slug, service_types};
use crate::access::{Action, Caller};
use crate::changes::{self, locks};
use crate::changes::doorbell::Ring;
use crate::clock::Timestamp;
use crate::ids::{EventId, NumberRangeId};
use crate::numbers::plan::ReservedPrefixes;
use crate::problem::{Problem, ProblemKind, Stop};
use crate::service_types::model::{Event, EventPhase, NumberRange};
use crate::service_types::queries;
use crate::services::Services;
use crate::store::types::JsonValue;
use crate::transaction::{Mode, Tx, transact};

/// The longest hold: a week, in seconds.
const LONGEST_HOLD_SECONDS: i32 = 7 * 24 * 3600;

/// An event to be made.
pub struct CreateEvent {
    pub slug: String,
    pub name: String,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub phase: EventPhase,
    pub hold_seconds: i32,
    pub reserved_prefixes: Vec<String>,
    pub service_types: Vec<String>,
    /// The slug of the event whose ranges, service types and settings are copied.
    pub copy_from: Option<String>,
}

/// What is to change of an event; what is `None` stays.
pub struct UpdateEvent {
    pub slug: String,
    pub name: Option<String>,
    pub starts_at: Option<Option<Timestamp>>,
    pub ends_at: Option<Option<Timestamp>>,
    pub time_zone: Option<String>,
    pub phase: Option<EventPhase>,
    pub hold_seconds: Option<i32>,
    pub reserved_prefixes: Option<Vec<String>>,
    pub service_types: Option<Vec<String>>,
}

fn check(event: &Event) -> Result<(), Problem> {
    if jiff::tz::TimeZone::get(&event.time_zone).is_err() {
        return Err(Problem::invalid("timeZone", "This is not a time zone, such as Europe/London."));
    }
    if !(0..=LONGEST_HOLD_SECONDS).contains(&event.hold_seconds) {
        return Err(Problem::invalid("holdSeconds", "A hold lasts 0 to 604,800 seconds."));
    }
    if let (Some(starts), Some(ends)) = (event.starts_at, event.ends_at)
        && ends < starts
    {
        return Err(Problem::invalid("endsAt", "An event ends after it starts."));
    }
    Ok(())
}

fn prefixes(given: &[String]) -> Result<JsonValue, Problem> {
    let prefixes = ReservedPrefixes::new(given)?;
    Ok(JsonValue(serde_json::json!(prefixes.as_slice())))
}

/// Makes an event.
///
/// # Errors
/// INVALID, NOT_FOUND or ALREADY_EXISTS at the field concerned.
pub async fn create_event(services: &Services, caller: &Arc<Caller>, input: CreateEvent) -> Result<Changed<EventId>, Stop> {
    transact(services, caller, Action::CreateEvent, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit(Action::CreateEvent).await?;
            let event = Event {
                id: EventId::new(tx.rng(), tx.now),
                slug: clean_slug(&input.slug)?,
                name: clean_name("name", &input.name)?,
                phase: input.phase,
                starts_at: input.starts_at,
                ends_at: input.ends_at,
                time_zone: input.time_zone.clone(),
                hold_seconds: input.hold_seconds,
                reserved_prefixes: prefixes(&input.reserved_prefixes)?,
                next_slot: 1,
                created_at: tx.now,
            };
            check(&event)?;
            if queries::event_by_slug(tx.conn, &event.slug).await?.is_some() {
                return Err(Problem::new(ProblemKind::AlreadyExists, "slug", "There is an event with this slug.").into());
            }
            let source = match &input.copy_from {
                None => None,
                Some(slug) => {
                    let found = queries::event_by_slug(tx.conn, slug).await?;
                    Some(found.ok_or_else(|| Problem::not_found("copyFrom", "There is no event with this slug."))?)
                }
            };
            let mut event = event;
            if let Some(source) = &source
                && input.reserved_prefixes.is_empty()
            {
                event.reserved_prefixes = source.reserved_prefixes.clone();
            }
            queries::insert_event(tx.conn, &permit, &event).await?;
            let mut types = service_types(tx, &input.service_types).await?;
            if let Some(source) = &source {
                for offered in queries::service_types_of_event(tx.conn, source.id).await? {
                    if !types.contains(&offered.id) {
                        types.push(offered.id);
                    }
                }
                copy_ranges(tx, &permit, source, &event).await?;
            }
            queries::offer(tx.conn, &permit, event.id, &types).await?;
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(event.id.global()), format!("event {} was made", event.slug)).await?;
            Ok(Changed { id: event.id })
        })
    })
    .await
}

async fn copy_ranges(tx: &mut Tx<'_>, permit: &crate::access::Permit, source: &Event, event: &Event) -> Result<(), Stop> {
    let limits = queries::range_limits(tx.conn, source.id).await?;
    for range in queries::ranges_of_event(tx.conn, source.id).await? {
        let copy = NumberRange { id: NumberRangeId::new(tx.rng(), tx.now), event_id: event.id, ..range.clone() };
        queries::insert_range(tx.conn, permit, &copy).await?;
        let types: Vec<_> = limits.iter().filter(|(id, _)| *id == range.id).map(|(_, service_type)| *service_type).collect();
        queries::limit_range(tx.conn, permit, copy.id, &types).await?;
    }
    Ok(())
}

/// Changes an event. An event that is archived closes its feeds; one that is reopened opens them again.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn update_event(services: &Services, caller: &Arc<Caller>, input: UpdateEvent) -> Result<Changed<EventId>, Stop> {
    transact(services, caller, Action::UpdateEvent, Mode::Commit, move |tx| {
        Box::pin(async move {
            if let Some(found) = queries::event_by_slug(tx.conn, &input.slug).await? {
                locks::events(tx.conn, &[found.id]).await?;
            }
            let permit = tx.permit(Action::UpdateEvent).await?;
            let found = queries::event_by_slug(tx.conn, &input.slug).await?;
            let mut event = found.ok_or_else(|| Problem::not_found("slug", "There is no event with this slug."))?;
            let was_archived = event.phase == EventPhase::Archived;
            if let Some(name) = &input.name {
                event.name = clean_name("name", name)?;
            }
            event.phase = input.phase.unwrap_or(event.phase);
            event.starts_at = input.starts_at.unwrap_or(event.starts_at);
            event.ends_at = input.ends_at.unwrap_or(event.ends_at);
            event.time_zone = input.time_zone.unwrap_or(event.time_zone);
            event.hold_seconds = input.hold_seconds.unwrap_or(event.hold_seconds);
            if let Some(given) = &input.reserved_prefixes {
                event.reserved_prefixes = prefixes(given)?;
            }
            check(&event)?;
            queries::save_event(tx.conn, &permit, &event).await?;
            if let Some(slugs) = &input.service_types {
                let types = service_types(tx, slugs).await?;
                queries::offer(tx.conn, &permit, event.id, &types).await?;
            }
            if was_archived != (event.phase == EventPhase::Archived) {
                for feed in changes::feeds_of_event(tx.conn, event.id).await? {
                    tx.ring(Ring::Feed(feed.id));
                }
            }
            tx.ring(Ring::Directory(event.id));
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(event.id.global()), format!("event {} was changed", event.slug)).await?;
            Ok(Changed { id: event.id })
        })
    })
    .await
}

//! Events and their phases.

use crate::actions;
use std::sync::Arc;

use super::{Changed, catalogue_changed, clean_name, clean_slug, service_types};
use platform::access::{Caller, Permit};
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::feed_log;
use platform::ids::{EventId, NumberHistoryId, NumberId, NumberRangeId};
use platform::locks;
use platform::notifications::Notification;
use numbering::number::Number;
use numbering::plan::ReservedPrefixes;
use platform::patch::Patch;
use crate::model::{Event, EventPhase, NumberRange};
use crate::{effects, queries};
use platform::services::Services;
use platform::store::types::JsonValue;
use platform::transaction::{Mode, Tx, transact};

/// The longest hold: a week, in seconds.
const LONGEST_HOLD_SECONDS: i32 = 7 * 24 * 3600;
/// The hold of an event that is made without one, in seconds.
pub const DEFAULT_HOLD_SECONDS: i32 = 1800;
/// The time zone of an event that is made without one.
pub const DEFAULT_TIME_ZONE: &str = "UTC";

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
    /// The slug of the event whose ranges, service types, settings and reservations are copied. What differs from the API's defaults goes
    /// before the copied settings.
    pub copy_from: Option<String>,
}

/// What is to change of an event.
pub struct UpdateEvent {
    pub slug: String,
    pub name: Patch<String>,
    pub starts_at: Patch<Timestamp>,
    pub ends_at: Patch<Timestamp>,
    pub time_zone: Patch<String>,
    pub phase: Patch<EventPhase>,
    pub hold_seconds: Patch<i32>,
    pub reserved_prefixes: Patch<Vec<String>>,
    pub service_types: Patch<Vec<String>>,
}

fn check(event: &Event) -> Result<(), UserError> {
    if jiff::tz::TimeZone::get(&event.time_zone).is_err() {
        return Err(UserError::invalid("timeZone", "This is not a time zone, such as Europe/London."));
    }
    if !(0..=LONGEST_HOLD_SECONDS).contains(&event.hold_seconds) {
        return Err(UserError::invalid("holdSeconds", "A hold lasts 0 to 604,800 seconds."));
    }
    if let (Some(starts), Some(ends)) = (event.starts_at, event.ends_at)
        && ends < starts
    {
        return Err(UserError::invalid("endsAt", "An event ends after it starts."));
    }
    Ok(())
}

fn prefixes(given: &[String]) -> Result<JsonValue, UserError> {
    let prefixes = ReservedPrefixes::new(given)?;
    Ok(JsonValue(serde_json::json!(prefixes.as_slice())))
}

/// Makes an event.
///
/// # Errors
/// INVALID, NOT_FOUND or ALREADY_EXISTS at the field concerned.
pub async fn create_event(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateEvent,
) -> Result<Changed<EventId>, Error> {
    transact(services, caller, actions::CREATE_EVENT, Mode::Commit, move |tx| {
        Box::pin(async move {
            let source = source_of_copy(tx, input.copy_from.as_deref()).await?;
            let permit = tx.permit().await?;
            let source = source?;
            let event = new_event(tx, &input, source.as_ref())?;
            check(&event)?;
            if queries::event_by_slug(tx.conn, &event.slug).await?.is_some() {
                return Err(
                    UserError::new(UserErrorKind::AlreadyExists, "slug", "There is an event with this slug.").into()
                );
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
                copy_reservations(tx, &permit, source, &event).await?;
            }
            queries::offer(tx.conn, &permit, event.id, &types).await?;
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(event.id.global()), format!("event {} was made", event.slug)).await?;
            Ok(Changed { id: event.id })
        })
    })
    .await
}

/// The event to copy from, under its lock; the inner error says that there is none.
async fn source_of_copy(tx: &mut Tx<'_>, slug: Option<&str>) -> Result<Result<Option<Event>, UserError>, Error> {
    let Some(slug) = slug else { return Ok(Ok(None)) };
    let missing = || UserError::not_found("copyFrom", "There is no event with this slug.");
    let Some(found) = queries::event_by_slug(tx.conn, slug).await? else { return Ok(Err(missing())) };
    locks::events(tx.conn, &[found.id]).await?;
    Ok(queries::event_by_id(tx.conn, found.id).await?.map(Some).ok_or_else(missing))
}

fn new_event(tx: &Tx<'_>, input: &CreateEvent, source: Option<&Event>) -> Result<Event, UserError> {
    let mut event = Event {
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
    if let Some(source) = source {
        if input.reserved_prefixes.is_empty() {
            event.reserved_prefixes = source.reserved_prefixes.clone();
        }
        if input.time_zone == DEFAULT_TIME_ZONE {
            event.time_zone = source.time_zone.clone();
        }
        if input.hold_seconds == DEFAULT_HOLD_SECONDS {
            event.hold_seconds = source.hold_seconds;
        }
    }
    Ok(event)
}

/// Keeps for the same people the numbers that are reserved for them in the event that is copied.
async fn copy_reservations(tx: &mut Tx<'_>, permit: &Permit, source: &Event, event: &Event) -> Result<(), Error> {
    let reserved = event.reserved_prefixes()?;
    for reservation in effects::reservations(tx.conn, source.id, tx.now).await? {
        // The new event may reserve more prefixes than the old one did.
        if reserved.forbid(&Number::stored(reservation.number.clone())?) {
            continue;
        }
        let ids = (NumberId::new(tx.rng(), tx.now), NumberHistoryId::new(tx.rng(), tx.now));
        effects::reserve(tx.conn, permit, ids, event.id, &reservation, tx.now).await?;
    }
    Ok(())
}

/// Refuses a new prefix under which a number is in service or promised to somebody.
async fn refuse_prefixes_in_use(tx: &mut Tx<'_>, before: &Event, after: &Event) -> Result<(), Error> {
    let before = before.reserved();
    for prefix in after.reserved().iter().filter(|prefix| !before.contains(prefix)) {
        if let Some(number) = effects::promised_under(tx.conn, after.id, prefix).await? {
            let message =
                format!("The prefix {prefix} cannot be reserved: {number} is in service or reserved for somebody.");
            return Err(UserError::new(UserErrorKind::Conflict, "reservedPrefixes", message).into());
        }
    }
    Ok(())
}

async fn copy_ranges(tx: &mut Tx<'_>, permit: &Permit, source: &Event, event: &Event) -> Result<(), Error> {
    let limits = queries::range_limits(tx.conn, source.id).await?;
    for range in queries::ranges_of_event(tx.conn, source.id).await? {
        let copy = NumberRange { id: NumberRangeId::new(tx.rng(), tx.now), event_id: event.id, ..range.clone() };
        queries::insert_range(tx.conn, permit, &copy).await?;
        let types: Vec<_> =
            limits.iter().filter(|(id, _)| *id == range.id).map(|(_, service_type)| *service_type).collect();
        queries::limit_range(tx.conn, permit, copy.id, &types).await?;
    }
    Ok(())
}

/// Changes an event. An event that is archived closes its feeds; one that is reopened opens them again.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn update_event(
    services: &Services,
    caller: &Arc<Caller>,
    input: UpdateEvent,
) -> Result<Changed<EventId>, Error> {
    transact(services, caller, actions::UPDATE_EVENT, Mode::Commit, move |tx| {
        Box::pin(async move {
            if let Some(found) = queries::event_by_slug(tx.conn, &input.slug).await? {
                locks::events(tx.conn, &[found.id]).await?;
            }
            let permit = tx.permit().await?;
            let found = queries::event_by_slug(tx.conn, &input.slug).await?;
            let mut event = found.ok_or_else(|| UserError::not_found("slug", "There is no event with this slug."))?;
            let before = event.clone();
            let types = patch_event(&mut event, input)?;
            check(&event)?;
            refuse_prefixes_in_use(tx, &before, &event).await?;
            queries::save_event(tx.conn, &permit, &event).await?;
            if let Some(slugs) = types {
                let types = service_types(tx, &slugs).await?;
                queries::offer(tx.conn, &permit, event.id, &types).await?;
            }
            let was_archived = before.phase == EventPhase::Archived;
            if was_archived != (event.phase == EventPhase::Archived) {
                for feed in feed_log::feeds_of_event(tx.conn, event.id).await? {
                    tx.notify(Notification::Feed(feed.id));
                }
            }
            tx.notify(Notification::Directory(event.id));
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(event.id.global()), format!("event {} was changed", event.slug)).await?;
            Ok(Changed { id: event.id })
        })
    })
    .await
}

/// Changes the row; gives back what is to be offered, if that is to change too.
fn patch_event(event: &mut Event, input: UpdateEvent) -> Result<Option<Vec<String>>, UserError> {
    if let Some(name) = input.name.stored("name")? {
        event.name = clean_name("name", &name)?;
    }
    event.phase = input.phase.stored("phase")?.unwrap_or(event.phase);
    event.starts_at = input.starts_at.clearable().unwrap_or(event.starts_at);
    event.ends_at = input.ends_at.clearable().unwrap_or(event.ends_at);
    if let Some(time_zone) = input.time_zone.stored("timeZone")? {
        event.time_zone = time_zone;
    }
    event.hold_seconds = input.hold_seconds.stored("holdSeconds")?.unwrap_or(event.hold_seconds);
    if let Some(given) = input.reserved_prefixes.stored("reservedPrefixes")? {
        event.reserved_prefixes = prefixes(&given)?;
    }
    input.service_types.stored("serviceTypes")
}

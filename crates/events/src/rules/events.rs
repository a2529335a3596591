//! Inserts and changes events.

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;
use numbering::plan::ReservedPrefixes;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::error::{Error, UserError, UserErrorKind};
use platform::feed_log;
use platform::ids::{EventId, NumberRangeId};
use platform::locks;
use platform::notifications::Notification;
use platform::patch::Patch;
use platform::store::types::JsonValue;
use platform::transaction::Tx;

use crate::input::{clean_name, clean_slug};
use crate::model::{Event, EventPhase, NumberRange};
use crate::{hooks, queries};

/// The longest hold: a week, in seconds.
const MAX_HOLD_SECONDS: i32 = 7 * 24 * 3600;
/// The default hold of a new event, in seconds.
pub const DEFAULT_HOLD_SECONDS: i32 = 1800;
/// The default time zone of a new event.
pub const DEFAULT_TIME_ZONE: &str = "UTC";

/// Input for a new event.
pub struct CreateEvent {
    pub slug: String,
    pub name: String,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub time_zone: String,
    pub phase: EventPhase,
    pub hold_seconds: i32,
    pub reserved_prefixes: Vec<String>,
    /// The slug of the event whose ranges, service types, settings and reservations are copied. A setting that differs
    /// from the API's default takes precedence over the copied one.
    pub copy_from: Option<String>,
}

/// Changes to an event.
pub struct UpdateEvent {
    pub slug: String,
    pub name: Patch<String>,
    pub starts_at: Patch<Timestamp>,
    pub ends_at: Patch<Timestamp>,
    pub time_zone: Patch<String>,
    pub phase: Patch<EventPhase>,
    pub hold_seconds: Patch<i32>,
    pub reserved_prefixes: Patch<Vec<String>>,
}

/// An event that [`insert_event`] inserted.
pub struct InsertedEvent {
    pub permit: Permit,
    pub event: Event,
    /// `None` unless the event is a copy of another one.
    pub copied: Option<CopiedEvent>,
}

/// The event that a new event was copied from.
pub struct CopiedEvent {
    pub id: EventId,
    pub ranges: Vec<CopiedRange>,
}

/// A range and its copy in the new event.
#[derive(Clone, Copy, Debug)]
pub struct CopiedRange {
    pub original: NumberRangeId,
    pub copy: NumberRangeId,
}

/// An event that [`change_event`] changed.
pub struct ChangedEvent {
    pub permit: Permit,
    pub event: Event,
}

/// Inserts an event, with the ranges of the event that it copies and what dependent domains copy.
///
/// # Errors
/// INVALID, NOT_FOUND or ALREADY_EXISTS at the field concerned.
pub async fn insert_event(tx: &mut Tx<'_>, input: &CreateEvent) -> Result<InsertedEvent, Error> {
    let source = lock_copy_source(tx, input.copy_from.as_deref()).await?;
    let permit = tx.permit().await?;
    let source = source?;
    let event = new_event(tx, input, source.as_ref())?;
    check(&event)?;
    if queries::event_by_slug(tx.conn, &event.slug).await?.is_some() {
        return Err(UserError::new(UserErrorKind::AlreadyExists, "slug", "There is an event with this slug.").into());
    }
    queries::insert_event(tx.conn, &permit, &event).await?;
    let copied = match source {
        None => None,
        Some(source) => {
            let ranges = copy_ranges(tx, &permit, &source, &event).await?;
            hooks::event_copied(tx, &permit, &source, &event).await?;
            Some(CopiedEvent { id: source.id, ranges })
        }
    };
    Ok(InsertedEvent { permit, event, copied })
}

/// Changes an event. Archiving closes its feeds, and leaving that phase opens them again.
///
/// # Errors
/// INVALID, NOT_FOUND or CONFLICT at the field concerned.
pub async fn change_event(tx: &mut Tx<'_>, input: UpdateEvent) -> Result<ChangedEvent, Error> {
    if let Some(found) = queries::event_by_slug(tx.conn, &input.slug).await? {
        locks::events(tx.conn, &[found.id]).await?;
    }
    let permit = tx.permit().await?;
    let found = queries::event_by_slug(tx.conn, &input.slug).await?;
    let mut event = found.ok_or_else(|| UserError::not_found("slug", "There is no event with this slug."))?;
    let before = event.clone();
    patch_event(&mut event, input)?;
    check(&event)?;
    reject_prefixes_in_use(tx, &before, &event).await?;
    queries::save_event(tx.conn, &permit, &event).await?;
    let was_archived = before.phase == EventPhase::Archived;
    if was_archived != (event.phase == EventPhase::Archived) {
        for feed in feed_log::feeds_of_event(tx.conn, event.id).await? {
            tx.notify(Notification::Feed(feed.id));
        }
    }
    tx.notify(Notification::Directory(event.id));
    Ok(ChangedEvent { permit, event })
}

/// The time zones of the program. Those of the host would differ between installations.
static TIME_ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether a name is one of the IANA time zone database that browsers know too: they have no `Factory`, which stands for
/// an unset zone.
fn is_time_zone(name: &str) -> bool {
    let is_unset = ["Factory", "Etc/Unknown"].iter().any(|unset| unset.eq_ignore_ascii_case(name));
    !is_unset && TIME_ZONES.available().any(|known| known.as_str().eq_ignore_ascii_case(name))
}

fn check(event: &Event) -> Result<(), UserError> {
    if !is_time_zone(&event.time_zone) {
        return Err(UserError::invalid("timeZone", "This is not a time zone, such as Europe/London."));
    }
    if !(0..=MAX_HOLD_SECONDS).contains(&event.hold_seconds) {
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

/// Locks and reads the event to copy from. The inner error means that it does not exist.
async fn lock_copy_source(tx: &mut Tx<'_>, slug: Option<&str>) -> Result<Result<Option<Event>, UserError>, Error> {
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

/// Rejects a new reserved prefix that conflicts with a number in service or reserved.
async fn reject_prefixes_in_use(tx: &mut Tx<'_>, before: &Event, after: &Event) -> Result<(), Error> {
    let before = before.reserved();
    for prefix in after.reserved().iter().filter(|prefix| !before.contains(prefix)) {
        if let Some(number) = hooks::taken_number_under(tx, after.id, prefix).await? {
            let message = format!("The prefix {prefix} cannot be reserved: {number} is in service or reserved.");
            return Err(UserError::new(UserErrorKind::Conflict, "reservedPrefixes", message).into());
        }
    }
    Ok(())
}

async fn copy_ranges(
    tx: &mut Tx<'_>,
    permit: &Permit,
    source: &Event,
    event: &Event,
) -> Result<Vec<CopiedRange>, Error> {
    let mut copied = Vec::new();
    for range in queries::ranges_of_event(tx.conn, source.id).await? {
        let original = range.id;
        let copy = NumberRange { id: NumberRangeId::new(tx.rng(), tx.now), event_id: event.id, ..range };
        queries::insert_range(tx.conn, permit, &copy).await?;
        copied.push(CopiedRange { original, copy: copy.id });
    }
    Ok(copied)
}

fn patch_event(event: &mut Event, input: UpdateEvent) -> Result<(), UserError> {
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_those_of_a_fixed_list() {
        for known in ["UTC", "Europe/London", "europe/london", "America/Argentina/Buenos_Aires", "Etc/GMT+8"] {
            assert!(is_time_zone(known), "{known}");
        }
        for unknown in [
            "",
            "localtime",
            "Factory",
            "factory",
            "posixrules",
            "Etc/Unknown",
            "posix/UTC",
            "right/UTC",
            "EST5EDT,M3.2.0",
        ] {
            assert!(!is_time_zone(unknown), "{unknown}");
        }
    }
}

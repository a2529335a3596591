//! Numbering plans as operations name them: the plan of an event, or that of E.164.

use events::{Event, EventPhase};
use numbering::number::Number;
use platform::access::{Permit, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::locks;
use platform::transaction::Tx;

/// Parses the number of an operation that names an event, or none for an E.164 number.
///
/// # Errors
/// INVALID at `number`: not a number, an E.164 number with an event, or any other number without one.
pub fn parse_plan_number(input: &str, has_event: bool) -> Result<Number, UserError> {
    let number = Number::clean(input).map_err(|problem| problem.at(["number"]))?;
    match (has_event, number.is_e164()) {
        (true, true) => {
            Err(UserError::invalid("number", "An international number belongs to no event: leave `event` out.")
                .rule("number.ofNoEvent"))
        }
        (false, false) => {
            Err(UserError::invalid("number", "Name the event, or give an international number with a plus sign.")
                .rule("number.ofWhichEvent"))
        }
        _ => Ok(number),
    }
}

/// Finds the event of a slug, if the caller may see it; `None` without a slug, for the plan of E.164.
///
/// # Errors
/// NOT_FOUND at `event`.
pub async fn find_plan_event(tx: &mut Tx<'_>, slug: Option<&str>) -> Result<Option<Event>, Error> {
    let Some(slug) = slug else { return Ok(None) };
    let is_admin = tx.actor().is_at_least(Role::Admin);
    let event = events::event_by_slug(tx.conn, slug).await?;
    let event = event.filter(|event| is_admin || event.phase != EventPhase::Draft);
    Ok(Some(event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?))
}

/// Takes the lock of an event's plan, or of one E.164 number, and obtains the permit.
///
/// # Errors
/// Those of the permit; EVENT_CLOSED at `event` for an archived event.
pub async fn lock_plan(tx: &mut Tx<'_>, event: Option<&Event>, number: &Number) -> Result<Permit, Error> {
    match event {
        Some(event) => locks::events(tx.conn, &[event.id]).await?,
        None => locks::e164_number(tx.conn, number.as_str()).await?,
    }
    let permit = tx.permit().await?;
    if let Some(event) = event {
        let event = events::event_by_id(tx.conn, event.id).await?;
        if event.is_none_or(|event| event.phase == EventPhase::Archived) {
            let message = "This event is archived: nothing changes any more.";
            return Err(UserError::new(UserErrorKind::EventClosed, "event", message).into());
        }
    }
    Ok(permit)
}

//! Which changes of memberships an event's phase allows.
//!
//! | phase | who is in a group | how a member rings, and declining |
//! |---|---|---|
//! | DRAFT | operators | operators |
//! | STAFF, OPEN | everybody | everybody |
//! | FROZEN | operators, voice menus | everybody |
//! | ARCHIVED | nobody | nobody |
//!
//! A frozen event keeps its numbers and its groups as they are, as it keeps registrations; pausing is as personal as a label. A
//! voice menu's key was handed out by an admin to serve the running event: what it does is as if an operator did it.

use platform::access::{Actor, Permit};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::EventId;
use events::{EventPhase as Phase};
use platform::store::Conn;

/// What is about to change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryChange {
    /// Who is in a group.
    Members,
    /// How a member rings, or whether an invitation waits.
    Manner,
}

/// Whether the event's phase allows the change to the permit's holder.
///
/// # Errors
/// EVENT_CLOSED where it does not.
pub async fn check(conn: &mut Conn, permit: &Permit, event: EventId, change: EntryChange) -> Result<(), Error> {
    let event = events::event_by_id(conn, event).await?;
    let phase = event.ok_or_else(|| InternalError::new("an extension of a missing event"))?.phase;
    let is_staff = permit.is_staff() || matches!(permit.actor(), Actor::Key(_));
    if allows(phase, change, is_staff) {
        return Ok(());
    }
    let message = match phase {
        Phase::Archived => "The event is archived: nothing changes in it any more.",
        Phase::Frozen => "The event is frozen: its operators alone change who is in a group.",
        _ => "The event is not open yet.",
    };
    Err(UserError::new(UserErrorKind::EventClosed, "", message).into())
}

const fn allows(phase: Phase, change: EntryChange, is_staff: bool) -> bool {
    match phase {
        Phase::Archived => false,
        Phase::Draft => is_staff,
        Phase::Frozen => is_staff || matches!(change, EntryChange::Manner),
        Phase::Staff | Phase::Open => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_event_keeps_its_groups_and_lets_members_pause() {
        assert!(allows(Phase::Open, EntryChange::Members, false));
        assert!(!allows(Phase::Frozen, EntryChange::Members, false));
        assert!(allows(Phase::Frozen, EntryChange::Manner, false) && allows(Phase::Frozen, EntryChange::Members, true));
        assert!(!allows(Phase::Draft, EntryChange::Manner, false) && allows(Phase::Draft, EntryChange::Members, true));
        assert!(!allows(Phase::Archived, EntryChange::Manner, true));
    }
}

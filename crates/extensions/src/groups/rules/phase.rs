//! Changes of memberships that the phase of an event allows.
//!
//! | phase | members of a group | settings of a member, declining |
//! |---|---|---|
//! | DRAFT | operators, API keys | operators, API keys |
//! | STAFF, OPEN | all callers | all callers |
//! | FROZEN | operators, API keys | all callers |
//! | ARCHIVED | none | none |
//!
//! A frozen event freezes its groups together with its registrations, but owners can still pause their own extensions.
//! An API key of a voice menu has the rights of an operator here, since an admin issues it for the running event.

use events::EventPhase;
use platform::access::{Actor, Permit};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::EventId;
use platform::store::Conn;

/// Kind of a change of memberships.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupChange {
    /// The set of members of a group.
    Members,
    /// Delay or pause of a member, or the refusal of an invitation.
    Settings,
}

/// Checks that the phase of the event allows the change to the caller.
///
/// # Errors
/// EVENT_CLOSED where the phase does not allow it.
pub async fn check(conn: &mut Conn, permit: &Permit, event: EventId, change: GroupChange) -> Result<(), Error> {
    let event = events::event_by_id(conn, event).await?;
    let phase = event.ok_or_else(|| InternalError::new("an extension of a missing event"))?.phase;
    let is_staff = permit.is_staff() || matches!(permit.actor(), Actor::Key(_));
    if allows(phase, change, is_staff) {
        return Ok(());
    }
    let message = match phase {
        EventPhase::Archived => "The event is archived: nothing changes in it any more.",
        EventPhase::Frozen => "The event is frozen: only operators change the members of a group.",
        _ => "The event is not open yet.",
    };
    Err(UserError::new(UserErrorKind::EventClosed, "", message).into())
}

/// Returns whether `phase` allows the change; `is_staff`: the caller has the rights of an operator.
const fn allows(phase: EventPhase, change: GroupChange, is_staff: bool) -> bool {
    match phase {
        EventPhase::Archived => false,
        EventPhase::Draft => is_staff,
        EventPhase::Frozen => is_staff || matches!(change, GroupChange::Settings),
        EventPhase::Staff | EventPhase::Open => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_event_keeps_its_groups_and_lets_members_pause() {
        assert!(allows(EventPhase::Open, GroupChange::Members, false));
        assert!(!allows(EventPhase::Frozen, GroupChange::Members, false));
        assert!(
            allows(EventPhase::Frozen, GroupChange::Settings, false)
                && allows(EventPhase::Frozen, GroupChange::Members, true)
        );
        assert!(
            !allows(EventPhase::Draft, GroupChange::Settings, false)
                && allows(EventPhase::Draft, GroupChange::Members, true)
        );
        assert!(!allows(EventPhase::Archived, GroupChange::Settings, true));
    }
}

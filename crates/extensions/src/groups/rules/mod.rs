//! The operations on memberships: who may, what is checked, what changes and which feed tells it.

mod change;
mod join;
mod leave;
pub mod phase;

pub use change::{MemberChange, accept, update};
pub use join::{Invitation, Join, Joined, invite, join};
pub use leave::{Left, decline, leave, remove};

use super::model::{MAX_DELAY_SECONDS, Membership};
use super::queries;
use platform::access::{Action, Permit};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::feed_log::EntryChange;
use platform::ids::{GroupMemberId, ServiceTypeId};
use platform::locks;
use platform::transaction::Tx;
use service_types::ServiceType;

/// The membership that `id` names, read under the lock of its event, and the caller's permit.
///
/// # Errors
/// INVALID for an id of another kind, NOT_FOUND where there is none, and what the permit says.
async fn locked(tx: &mut Tx<'_>, id: &str, action: Action) -> Result<(Membership, Permit), Error> {
    let id = GroupMemberId::from_global(id);
    let before = match id {
        Some(id) => queries::membership(tx.conn, id).await?,
        None => None,
    };
    let event = before.map(|membership| membership.group.event_id);
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let id = id.ok_or_else(|| UserError::invalid("id", "This is not the id of a group's member."))?;
    let membership = queries::membership(tx.conn, id).await?.ok_or_else(unknown)?;
    Ok((membership, permit))
}

/// What somebody hears who may not know of a membership, or names one that is gone.
fn unknown() -> UserError {
    UserError::not_found("id", "There is no such member or invitation.")
}

/// Marks the group's entry in its feed: its members are told with it.
fn mark_group(tx: &mut Tx<'_>, group: &super::Party) {
    tx.changes.record(group.feed(), group.id, group.slot, EntryChange::Touch);
}

/// The service type of a party.
async fn service_type(tx: &mut Tx<'_>, id: ServiceTypeId) -> Result<ServiceType, Error> {
    let found = service_types::service_type_by_id(tx.conn, id).await?;
    Ok(found.ok_or_else(|| InternalError::new("an extension of a missing service type"))?)
}

/// A delay within its bounds.
///
/// # Errors
/// INVALID outside 0 to 600 seconds.
fn as_delay(seconds: i32) -> Result<i32, UserError> {
    if (0..=MAX_DELAY_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    Err(UserError::invalid("delaySeconds", format!("The delay is 0 to {MAX_DELAY_SECONDS} seconds."))
        .rule("group.delay")
        .with_value(MAX_DELAY_SECONDS))
}

/// Whether a group with so many members takes one more. Invitations count when one more is sent, so that all who are invited can
/// accept; they do not count when one is accepted, should the limit have been lowered meanwhile.
///
/// # Errors
/// QUOTA_EXCEEDED at `field` where it is full.
fn check_room(limit: Option<i32>, members: usize, field: &str) -> Result<(), UserError> {
    match limit {
        Some(limit) if members >= usize::try_from(limit).unwrap_or(0) => {
            let message = format!("A group of this kind has at most {limit} members.");
            Err(UserError::new(UserErrorKind::QuotaExceeded { limit }, field, message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_full_at_its_limit() {
        assert!(check_room(None, 1_000, "group").is_ok());
        assert!(check_room(Some(2), 1, "group").is_ok());
        assert_eq!(check_room(Some(2), 2, "group").unwrap_err().kind, UserErrorKind::QuotaExceeded { limit: 2 });
    }

    #[test]
    fn a_delay_is_ten_minutes_at_most() {
        assert_eq!((as_delay(0), as_delay(600)), (Ok(0), Ok(600)));
        assert!(as_delay(-1).is_err() && as_delay(601).is_err());
    }
}

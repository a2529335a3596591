//! Operations on memberships, with their access checks and validation.

mod change;
mod join;
mod leave;
pub mod phase;

pub use change::{MemberChange, accept, update};
pub use join::{Invitation, Join, SavedMembership, invite, join};
pub use leave::{RemovedMembership, decline, leave, remove};

use platform::access::Permit;
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::feed_log::EntryChange;
use platform::ids::{AccountId, GroupMemberId, ServiceTypeId};
use platform::locks;
use platform::transaction::Tx;
use service_types::{ServiceBehaviour, ServiceType};

use super::model::{ExtensionSummary, MAX_DELAY_SECONDS, Membership, MembershipState};
use super::queries;

/// Locks the event of a membership, then loads the membership and the permit of the caller.
///
/// # Errors
/// INVALID for an id of another kind, NOT_FOUND for an unknown id, and the errors of [`Tx::permit`].
async fn lock_membership(tx: &mut Tx<'_>, id: &str) -> Result<(Membership, Permit), Error> {
    let id = GroupMemberId::from_global(id);
    let before = match id {
        Some(id) => queries::membership(tx.conn, id).await?,
        None => None,
    };
    let event = before.map(|membership| membership.group.event_id);
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let id = id.ok_or_else(|| UserError::invalid("id", "This is not the id of a group's member."))?;
    let membership = queries::membership(tx.conn, id).await?.ok_or_else(not_found)?;
    Ok((membership, permit))
}

/// Error for a membership that does not exist or that the caller cannot see.
fn not_found() -> UserError {
    UserError::not_found("id", "There is no such member or invitation.")
}

/// Records a change of the group's feed entry, which contains its members.
fn record_group_change(tx: &mut Tx<'_>, group: &ExtensionSummary) {
    tx.changes.record(group.feed(), group.id, group.slot, EntryChange::Touch);
}

/// Loads a service type that an extension refers to.
async fn load_service_type(tx: &mut Tx<'_>, id: ServiceTypeId) -> Result<ServiceType, Error> {
    let found = service_types::service_type_by_id(tx.conn, id).await?;
    Ok(found.ok_or_else(|| InternalError::new("an extension of a missing service type"))?)
}

/// Checks a delay in seconds.
///
/// # Errors
/// INVALID outside 0 to [`MAX_DELAY_SECONDS`].
pub(crate) fn check_delay(seconds: i32) -> Result<i32, UserError> {
    if (0..=MAX_DELAY_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    Err(UserError::invalid("delaySeconds", format!("The delay is 0 to {MAX_DELAY_SECONDS} seconds."))
        .rule("group.delay")
        .with_value(MAX_DELAY_SECONDS))
}

/// Checks that extensions of a service type call members. `number` is that of the group.
///
/// # Errors
/// INVALID at `field`.
pub(crate) fn check_group(service_type: &ServiceType, number: &str, field: &str) -> Result<(), UserError> {
    match service_type.behaviour {
        ServiceBehaviour::CallGroup => Ok(()),
        ServiceBehaviour::Endpoint => Err(UserError::invalid(field, format!("{number} is not a call group."))),
    }
}

/// Checks that an extension of a service type can be a member. `number` is that of the member.
///
/// # Errors
/// INVALID at `field`.
pub(crate) fn check_member(service_type: &ServiceType, number: &str, field: &str) -> Result<(), UserError> {
    if service_type.group_capable {
        return Ok(());
    }
    let message = format!("{number} is of a kind that cannot be a group's member.");
    Err(UserError::invalid(field, message).rule("group.incapable").with_value(number))
}

/// The state of a new membership: the invitation of an extension whose owner neither owns the group nor makes the
/// request stays open until that owner accepts it.
pub(crate) fn new_membership_state(
    permit: &Permit,
    member_owner: AccountId,
    group_owner: AccountId,
) -> MembershipState {
    let is_own = member_owner == group_owner || permit.actor().account() == Some(member_owner);
    if is_own { MembershipState::Active } else { MembershipState::Pending }
}

/// Checks that a group with `members` members accepts another one.
///
/// # Errors
/// QUOTA_EXCEEDED at `field` for a full group.
pub(crate) fn check_member_limit(limit: Option<i32>, members: usize, field: &str) -> Result<(), UserError> {
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
    fn a_group_at_its_limit_is_full() {
        assert!(check_member_limit(None, 1_000, "group").is_ok());
        assert!(check_member_limit(Some(2), 1, "group").is_ok());
        assert_eq!(
            check_member_limit(Some(2), 2, "group").unwrap_err().kind,
            UserErrorKind::QuotaExceeded { limit: 2 }
        );
    }

    #[test]
    fn a_delay_has_a_maximum_of_ten_minutes() {
        assert_eq!((check_delay(0), check_delay(600)), (Ok(0), Ok(600)));
        assert!(check_delay(-1).is_err() && check_delay(601).is_err());
    }
}

//! The end of a membership: the invitation is declined, the member leaves or is removed.

use std::sync::Arc;

use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use serde::{Deserialize, Serialize};

use super::change::require_member_owner;
use super::phase::{self, GroupChange};
use super::{lock_membership, not_found, record_group_change};
use crate::actions;
use crate::groups::model::{Membership, MembershipState};
use crate::groups::queries;

/// Outcome of the removal of a membership.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RemovedMembership {}

/// Declines an invitation. Only the owner of the member can decline.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN for another caller that can see the invitation; CONFLICT for an active membership;
/// EVENT_CLOSED.
pub async fn decline(services: &Services, caller: &Arc<Caller>, id: String) -> Result<RemovedMembership, Error> {
    let action = actions::DECLINE_GROUP_INVITATION;
    transact!(services, caller, action, Mode::Commit, |tx| {
        let (membership, permit) = lock_membership(tx, &id).await?;
        require_member_owner(&membership, &permit)?;
        if membership.row.membership == MembershipState::Active {
            let message = "The invitation was accepted already: leave the group instead.";
            return Err(UserError::new(UserErrorKind::Conflict, "id", message).into());
        }
        phase::check(tx.conn, &permit, membership.group.event_id, GroupChange::Settings).await?;
        delete_membership(tx, &permit, &membership, "declined the invitation to").await
    })
    .await
}

/// Leaves a group. The owner of the member can leave, and the API key of a voice menu for its caller. Declines an open
/// invitation.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN for another caller that can see the membership; EVENT_CLOSED.
pub async fn leave(services: &Services, caller: &Arc<Caller>, id: String) -> Result<RemovedMembership, Error> {
    let action = actions::LEAVE_GROUP;
    transact!(services, caller, action, Mode::Commit, |tx| {
        let (membership, permit) = lock_membership(tx, &id).await?;
        let group = &membership.group;
        match permit.actor().key() {
            Some(key) if key.covers(group.event_id, group.service_type_id) => {}
            Some(_) => return Err(not_found().into()),
            None => require_member_owner(&membership, &permit)?,
        }
        let pending = membership.row.membership == MembershipState::Pending;
        let change = if pending { GroupChange::Settings } else { GroupChange::Members };
        phase::check(tx.conn, &permit, group.event_id, change).await?;
        delete_membership(tx, &permit, &membership, "left").await
    })
    .await
}

/// Removes a member or withdraws an invitation. Only the owner of the group and operators can remove.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN for the owner of the member; EVENT_CLOSED.
pub async fn remove(services: &Services, caller: &Arc<Caller>, id: String) -> Result<RemovedMembership, Error> {
    let action = actions::REMOVE_GROUP_MEMBER;
    transact!(services, caller, action, Mode::Commit, |tx| {
        let (membership, permit) = lock_membership(tx, &id).await?;
        if !permit.is_for(membership.group.owner_id) {
            return Err(if permit.is_for(membership.member.owner_id) {
                AuthError::Forbidden.into()
            } else {
                not_found().into()
            });
        }
        phase::check(tx.conn, &permit, membership.group.event_id, GroupChange::Members).await?;
        delete_membership(tx, &permit, &membership, "was removed from").await
    })
    .await
}

/// Deletes a membership and writes the audit entry with `verb` between member and group.
async fn delete_membership(
    tx: &mut Tx<'_>,
    permit: &Permit,
    membership: &Membership,
    verb: &str,
) -> Result<RemovedMembership, Error> {
    let Membership { row, group, member } = membership;
    queries::delete(tx.conn, permit, row.id).await?;
    tx.audit(permit, Some(row.id.global()), format!("{} {verb} group {}", member.number, group.number)).await?;
    if row.membership == MembershipState::Active {
        record_group_change(tx, group);
    }
    Ok(RemovedMembership {})
}

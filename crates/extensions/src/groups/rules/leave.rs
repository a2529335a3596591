//! Going: declined, left, removed.

use platform::transact;
use crate::actions;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::demand_member_owner;
use super::phase::{self, EntryChange};
use super::{locked, mark_group, unknown};
use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use crate::groups::model::{Membership, MembershipState};
use crate::groups::queries;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// A membership that is no more.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Left {}

/// Declines an invitation, for the member's owner.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN for others who know of it, CONFLICT for one that was accepted, EVENT_CLOSED.
pub async fn decline(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Left, Error> {
    let action = actions::DECLINE_GROUP_INVITATION;
    transact!(services, caller, action, Mode::Commit, |tx| {
            let (membership, permit) = locked(tx, &id, action).await?;
            demand_member_owner(&membership, &permit)?;
            if membership.row.membership == MembershipState::Active {
                let message = "The invitation was accepted already: leave the group instead.";
                return Err(UserError::new(UserErrorKind::Conflict, "id", message).into());
            }
            phase::check(tx.conn, &permit, membership.group.event_id, EntryChange::Manner).await?;
            end(tx, &permit, &membership, "declined the invitation to").await
        })
    .await
}

/// Leaves a group, for the member's owner, or for a caller through a voice menu's key. An invitation that waits is declined.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN for others who know of it, EVENT_CLOSED.
pub async fn leave(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Left, Error> {
    let action = actions::LEAVE_GROUP;
    transact!(services, caller, action, Mode::Commit, |tx| {
            let (membership, permit) = locked(tx, &id, action).await?;
            let group = &membership.group;
            match permit.actor().key() {
                Some(key) if key.covers(group.event_id, group.service_type_id) => {}
                Some(_) => return Err(unknown().into()),
                None => demand_member_owner(&membership, &permit)?,
            }
            let pending = membership.row.membership == MembershipState::Pending;
            let change = if pending { EntryChange::Manner } else { EntryChange::Members };
            phase::check(tx.conn, &permit, group.event_id, change).await?;
            end(tx, &permit, &membership, "left").await
        })
    .await
}

/// Removes a member, or withdraws an invitation, for the group's owner and operators.
///
/// # Errors
/// NOT_FOUND, EVENT_CLOSED.
pub async fn remove(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Left, Error> {
    let action = actions::REMOVE_GROUP_MEMBER;
    transact!(services, caller, action, Mode::Commit, |tx| {
            let (membership, permit) = locked(tx, &id, action).await?;
            if !permit.is_for(membership.group.owner_id) {
                return Err(if permit.is_for(membership.member.owner_id) {
                    AuthError::Forbidden.into()
                } else {
                    unknown().into()
                });
            }
            phase::check(tx.conn, &permit, membership.group.event_id, EntryChange::Members).await?;
            end(tx, &permit, &membership, "was removed from").await
        })
    .await
}

async fn end(tx: &mut Tx<'_>, permit: &Permit, membership: &Membership, verb: &str) -> Result<Left, Error> {
    let Membership { row, group, member } = membership;
    queries::delete(tx.conn, permit, row.id).await?;
    tx.audit(permit, Some(row.id.global()), format!("{} {verb} group {}", member.number, group.number)).await?;
    if row.membership == MembershipState::Active {
        mark_group(tx, group);
    }
    Ok(Left {})
}

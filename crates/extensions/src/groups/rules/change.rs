//! Accepting an invitation, and changing the delay or the pause of a member.

use std::sync::Arc;

use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error};
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::join::SavedMembership;
use super::phase::{self, GroupChange};
use super::{check_delay, check_member_limit, load_service_type, lock_membership, not_found, record_group_change};
use crate::actions;
use crate::groups::model::{ExtensionSummary, GroupMember, Membership, MembershipState};
use crate::groups::queries;
use crate::rules::loops;

/// Patch of a membership; `None` keeps the current value.
#[derive(Clone, Debug)]
pub struct MemberChange {
    /// The membership's global id.
    pub id: String,
    /// Seconds before the group calls the member. Only the owner of the group and operators can change it.
    pub delay_seconds: Option<i32>,
    /// Whether the group skips the member for now. The owner of the member can change it too.
    pub paused: Option<bool>,
}

/// Accepts an invitation. Only the owner of the member can accept. An active membership stays unchanged.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN for another caller that can see the invitation; EVENT_CLOSED; QUOTA_EXCEEDED and GROUP_LOOP
/// when the current state of the group does not allow another member.
pub async fn accept(services: &Services, caller: &Arc<Caller>, id: String) -> Result<SavedMembership, Error> {
    let action = actions::ACCEPT_GROUP_INVITATION;
    transact!(services, caller, action, Mode::Commit, |tx| {
        let (membership, permit) = lock_membership(tx, &id).await?;
        require_member_owner(&membership, &permit)?;
        let Membership { row, group, member } = membership;
        if row.membership == MembershipState::Active {
            return Ok(SavedMembership { member: row.id });
        }
        phase::check(tx.conn, &permit, group.event_id, GroupChange::Members).await?;
        activate(tx, &permit, &group, &member, row).await
    })
    .await
}

/// Activates an invitation.
///
/// # Errors
/// QUOTA_EXCEEDED for a full group, GROUP_LOOP where a call could return to the group.
pub(super) async fn activate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    group: &ExtensionSummary,
    member: &ExtensionSummary,
    row: GroupMember,
) -> Result<SavedMembership, Error> {
    let members = queries::count_members(tx.conn, group.id).await?;
    // An open invitation does not count here: `invite` counted it, and the limit may have been lowered since.
    check_member_limit(load_service_type(tx, group.service_type_id).await?.member_limit, members.active, "")?;
    loops::refuse(tx, group.id, member.id, "").await?;
    let row = GroupMember { membership: MembershipState::Active, ..row };
    queries::update(tx.conn, permit, &row).await?;
    tx.audit(permit, Some(row.id.global()), format!("{} joined group {}", member.number, group.number)).await?;
    record_group_change(tx, group);
    Ok(SavedMembership { member: row.id })
}

/// Changes the delay or the pause of a member.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN where the owner of the member sets the delay; INVALID for a delay out of bounds; EVENT_CLOSED.
pub async fn update(services: &Services, caller: &Arc<Caller>, change: MemberChange) -> Result<SavedMembership, Error> {
    let action = actions::UPDATE_GROUP_MEMBER;
    transact!(services, caller, action, Mode::Commit, |tx| {
        let (Membership { row: before, group, member }, permit) = lock_membership(tx, &change.id).await?;
        let manages_group = permit.is_for(group.owner_id);
        if !manages_group && !permit.is_for(member.owner_id) {
            return Err(not_found().into());
        }
        if change.delay_seconds.is_some() && !manages_group {
            return Err(AuthError::Forbidden.into());
        }
        phase::check(tx.conn, &permit, group.event_id, GroupChange::Settings).await?;
        let delay_seconds = change.delay_seconds.map_or(Ok(before.delay_seconds), check_delay)?;
        let after = GroupMember { delay_seconds, paused: change.paused.unwrap_or(before.paused), ..before.clone() };
        if (after.delay_seconds, after.paused) != (before.delay_seconds, before.paused) {
            queries::update(tx.conn, &permit, &after).await?;
            let state = if after.paused { ", paused" } else { "" };
            let summary =
                format!("{} in group {}: after {} s{state}", member.number, group.number, after.delay_seconds);
            tx.audit(&permit, Some(after.id.global()), summary).await?;
            if after.membership == MembershipState::Active {
                record_group_change(tx, &group);
            }
        }
        Ok(SavedMembership { member: after.id })
    })
    .await
}

/// Checks that the caller owns the member.
///
/// # Errors
/// FORBIDDEN for the owner of the group and operators, which can see the membership; NOT_FOUND for other callers.
pub(super) fn require_member_owner(membership: &Membership, permit: &Permit) -> Result<(), Error> {
    if permit.actor().account() == Some(membership.member.owner_id) {
        Ok(())
    } else if permit.is_for(membership.group.owner_id) {
        Err(AuthError::Forbidden.into())
    } else {
        Err(not_found().into())
    }
}

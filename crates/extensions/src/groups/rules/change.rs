//! Saying yes, and changing how a member rings.

use platform::transact;
use crate::actions;
use std::sync::Arc;

use super::join::Joined;
use super::phase::{self, EntryChange};
use super::{as_delay, check_room, locked, mark_group, service_type, unknown};
use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error};
use crate::rules::loops;
use crate::groups::model::{GroupMember, Membership, MembershipState, Party};
use crate::groups::queries;
use platform::services::Services;
use platform::transaction::{Mode, Tx};

/// What is to change of a membership; what is `None` stays.
#[derive(Clone, Debug)]
pub struct MemberChange {
    /// The membership's global id.
    pub id: String,
    /// Seconds before it rings: for the group's owner and operators.
    pub delay_seconds: Option<i32>,
    /// Whether the group leaves it out for now: for the member's owner too.
    pub paused: Option<bool>,
}

/// Accepts an invitation, for the member's owner alone: nobody else can say yes. One that is accepted already stays.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN for others who know of it, QUOTA_EXCEEDED and GROUP_LOOP by what is true by now, EVENT_CLOSED.
pub async fn accept(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Joined, Error> {
    let action = actions::ACCEPT_GROUP_INVITATION;
    transact!(services, caller, action, Mode::Commit, |tx| {
            let (membership, permit) = locked(tx, &id, action).await?;
            demand_member_owner(&membership, &permit)?;
            let Membership { row, group, member } = membership;
            if row.membership == MembershipState::Active {
                return Ok(Joined { member: row.id });
            }
            phase::check(tx.conn, &permit, group.event_id, EntryChange::Members).await?;
            activate(tx, &permit, &group, &member, row).await
        })
    .await
}

/// Turns an invitation into a membership, if the group has room and no loop comes of it.
pub(super) async fn activate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    group: &Party,
    member: &Party,
    row: GroupMember,
) -> Result<Joined, Error> {
    let (_, active) = queries::count_members(tx.conn, group.id).await?;
    check_room(service_type(tx, group.service_type_id).await?.member_limit, active, "")?;
    loops::refuse(tx, group.id, member.id, "").await?;
    let row = GroupMember { membership: MembershipState::Active, ..row };
    queries::update(tx.conn, permit, &row).await?;
    tx.audit(permit, Some(row.id.global()), format!("{} joined group {}", member.number, group.number)).await?;
    mark_group(tx, group);
    Ok(Joined { member: row.id })
}

/// Changes delay or pause.
///
/// # Errors
/// NOT_FOUND, FORBIDDEN where a member's owner asks for another delay, INVALID for a delay out of bounds, EVENT_CLOSED.
pub async fn update(services: &Services, caller: &Arc<Caller>, change: MemberChange) -> Result<Joined, Error> {
    let action = actions::UPDATE_GROUP_MEMBER;
    transact!(services, caller, action, Mode::Commit, |tx| {
            let (Membership { row: before, group, member }, permit) = locked(tx, &change.id, action).await?;
            let leads = permit.is_for(group.owner_id);
            if !leads && !permit.is_for(member.owner_id) {
                return Err(unknown().into());
            }
            if change.delay_seconds.is_some() && !leads {
                return Err(AuthError::Forbidden.into());
            }
            phase::check(tx.conn, &permit, group.event_id, EntryChange::Manner).await?;
            let delay_seconds = change.delay_seconds.map_or(Ok(before.delay_seconds), as_delay)?;
            let after = GroupMember { delay_seconds, paused: change.paused.unwrap_or(before.paused), ..before.clone() };
            if (after.delay_seconds, after.paused) != (before.delay_seconds, before.paused) {
                queries::update(tx.conn, &permit, &after).await?;
                let state = if after.paused { ", paused" } else { "" };
                let summary =
                    format!("{} in group {}: after {} s{state}", member.number, group.number, after.delay_seconds);
                tx.audit(&permit, Some(after.id.global()), summary).await?;
                if after.membership == MembershipState::Active {
                    mark_group(tx, &group);
                }
            }
            Ok(Joined { member: after.id })
        })
    .await
}

/// Demands that the permit's holder owns the member.
///
/// # Errors
/// FORBIDDEN for those who see the membership otherwise, NOT_FOUND for the rest.
pub(super) fn demand_member_owner(membership: &Membership, permit: &Permit) -> Result<(), Error> {
    if permit.actor().account() == Some(membership.member.owner_id) {
        Ok(())
    } else if permit.is_for(membership.group.owner_id) {
        Err(AuthError::Forbidden.into())
    } else {
        Err(unknown().into())
    }
}

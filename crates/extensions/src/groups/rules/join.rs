//! New memberships: by invitation, or immediately through a voice menu.

use std::sync::Arc;

use numbering::number::Number;
use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::{EventId, ExtensionId, GroupMemberId};
use platform::services::Services;
use platform::store::types::Id;
use platform::transaction::{Mode, Tx};
use platform::{locks, transact};
use restrictions::{RestrictionEffect, TargetKind};
use serde::{Deserialize, Serialize};
use service_types::ServiceBehaviour;

use super::phase::{self, GroupChange};
use super::{check_delay, check_member_limit, load_service_type, record_group_change};
use crate::actions;
use crate::groups::model::{ExtensionSummary, GroupMember, MembershipState};
use crate::groups::queries;
use crate::rules::loops;

/// Input of [`invite`].
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The group's global id.
    pub group: String,
    /// The number of the invited extension, as the caller typed it.
    pub number: String,
    /// Seconds before the group calls the member.
    pub delay_seconds: i32,
}

/// Input of [`join`].
#[derive(Clone, Debug)]
pub struct Join {
    /// The event's slug.
    pub event: String,
    /// The group's number.
    pub group_number: String,
    /// The caller's number.
    pub number: String,
    /// Seconds before the group calls the member.
    pub delay_seconds: i32,
}

/// Outcome of an operation that saves a membership.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SavedMembership {
    /// The id of the membership.
    pub member: GroupMemberId,
}

/// Invites an extension into a group. Only the owner of the group and operators can invite. An extension of the group's
/// owner or of the caller becomes an active member immediately; for another extension the invitation stays open.
///
/// # Errors
/// NOT_FOUND for a group that the caller does not manage and a number that is not in service; ALREADY_EXISTS for a second
/// invitation; INVALID for an extension that is no group or cannot be a member; QUOTA_EXCEEDED for a full group; GROUP_LOOP;
/// EVENT_CLOSED.
pub async fn invite(services: &Services, caller: &Arc<Caller>, input: Invitation) -> Result<SavedMembership, Error> {
    transact!(services, caller, actions::INVITE_TO_GROUP, Mode::Commit, |tx| { invite_in(tx, input).await }).await
}

async fn invite_in(tx: &mut Tx<'_>, input: Invitation) -> Result<SavedMembership, Error> {
    let id = ExtensionId::from_global(&input.group);
    let event = match id {
        Some(id) => queries::summary_by_id(tx.conn, id).await?.map(|group| group.event_id),
        None => None,
    };
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let id = id.ok_or_else(|| UserError::invalid("group", "This is not the id of an extension."))?;
    let delay_seconds = check_delay(input.delay_seconds)?;
    let number = Number::clean(&input.number)?;
    let group = queries::summary_by_id(tx.conn, id).await?.filter(|group| permit.is_for(group.owner_id));
    let group = group.ok_or_else(|| UserError::not_found("group", "There is no such group."))?;
    phase::check(tx.conn, &permit, group.event_id, GroupChange::Members).await?;
    let member = find_member(tx, group.event_id, &number).await?;
    if queries::membership_of(tx.conn, group.id, member.id).await?.is_some() {
        let message = format!("{number} is a member already, or invited.");
        return Err(UserError::new(UserErrorKind::AlreadyExists, "number", message).into());
    }
    let is_own = member.owner_id == group.owner_id || permit.actor().account() == Some(member.owner_id);
    let membership = if is_own { MembershipState::Active } else { MembershipState::Pending };
    insert_membership(tx, &permit, &group, &member, NewMembership { delay_seconds, membership, group_field: "group" })
        .await
}

/// Adds the extension of a caller to a group immediately, for the API key of a voice menu. Returns an existing active
/// membership unchanged, and accepts an open invitation.
///
/// # Errors
/// Those of [`invite`]; RESTRICTED for a caller whose extension, number or owner must not make calls.
pub async fn join(services: &Services, caller: &Arc<Caller>, input: Join) -> Result<SavedMembership, Error> {
    transact!(services, caller, actions::JOIN_GROUP, Mode::Commit, |tx| { join_in(tx, input).await }).await
}

async fn join_in(tx: &mut Tx<'_>, input: Join) -> Result<SavedMembership, Error> {
    let event = events::event_by_slug(tx.conn, &input.event).await?.map(|event| event.id);
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let key = permit.actor().key().ok_or(AuthError::Forbidden)?.clone();
    let event = event.filter(|&event| key.covers_event(event));
    let event = event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?;
    let delay_seconds = check_delay(input.delay_seconds)?;
    let group_number = Number::clean(&input.group_number).map_err(|problem| problem.at(["groupNumber"]))?;
    let number = Number::clean(&input.number)?;
    let group = queries::summary_by_number(tx.conn, event, group_number.as_str()).await?;
    let group = group.filter(|group| key.covers(event, group.service_type_id));
    let group = group.ok_or_else(|| UserError::not_found("groupNumber", "There is no such group."))?;
    phase::check(tx.conn, &permit, event, GroupChange::Members).await?;
    let member = find_member(tx, event, &number).await?;
    match queries::membership_of(tx.conn, group.id, member.id).await? {
        Some(row) if row.membership == MembershipState::Active => Ok(SavedMembership { member: row.id }),
        Some(row) => {
            check_not_restricted(tx, &member).await?;
            super::change::activate(tx, &permit, &group, &member, row).await
        }
        None => {
            check_not_restricted(tx, &member).await?;
            let membership = MembershipState::Active;
            insert_membership(
                tx,
                &permit,
                &group,
                &member,
                NewMembership { delay_seconds, membership, group_field: "groupNumber" },
            )
            .await
        }
    }
}

/// Finds the extension of a number, whatever its owner: every caller can dial a number to learn whether it is in service.
///
/// # Errors
/// NOT_FOUND at `number`.
async fn find_member(tx: &mut Tx<'_>, event: EventId, number: &Number) -> Result<ExtensionSummary, Error> {
    let member = queries::summary_by_number(tx.conn, event, number.as_str()).await?;
    let missing = || {
        UserError::not_found("number", format!("{number} is not in service."))
            .rule("number.notInService")
            .with_value(number)
    };
    Ok(member.ok_or_else(missing)?)
}

/// Properties of a membership that is inserted.
struct NewMembership {
    delay_seconds: i32,
    membership: MembershipState,
    /// The field of the input that names the group, for errors.
    group_field: &'static str,
}

/// Checks and inserts a membership.
///
/// # Errors
/// INVALID, QUOTA_EXCEEDED and GROUP_LOOP as in [`invite`].
async fn insert_membership(
    tx: &mut Tx<'_>,
    permit: &Permit,
    group: &ExtensionSummary,
    member: &ExtensionSummary,
    new: NewMembership,
) -> Result<SavedMembership, Error> {
    let NewMembership { delay_seconds, membership, group_field } = new;
    let group_type = load_service_type(tx, group.service_type_id).await?;
    if group_type.behaviour != ServiceBehaviour::CallGroup {
        return Err(UserError::invalid(group_field, format!("{} is not a call group.", group.number)).into());
    }
    if !load_service_type(tx, member.service_type_id).await?.group_capable {
        let message = format!("{} is of a kind that cannot be a group's member.", member.number);
        return Err(UserError::invalid("number", message)
            .rule("group.incapable")
            .with_value(member.number.as_str())
            .into());
    }
    // Open invitations count, so that the owners of all invited extensions can accept.
    let members = queries::count_members(tx.conn, group.id).await?;
    check_member_limit(group_type.member_limit, members.total, group_field)?;
    loops::refuse(tx, group.id, member.id, "number").await?;
    let id = GroupMemberId::new(tx.rng(), tx.now);
    let row = GroupMember {
        id,
        group_id: group.id,
        member_id: member.id,
        delay_seconds,
        paused: false,
        membership,
        created_at: tx.now,
    };
    queries::insert(tx.conn, permit, &row).await?;
    let verb = if membership == MembershipState::Active { "joined" } else { "was invited to" };
    tx.audit(permit, Some(id.global()), format!("{} {verb} group {}", member.number, group.number)).await?;
    if membership == MembershipState::Active {
        record_group_change(tx, group);
    }
    Ok(SavedMembership { member: id })
}

/// Checks that no restriction of the extension, its number or its owner forbids calls.
///
/// # Errors
/// RESTRICTED at `number`.
async fn check_not_restricted(tx: &mut Tx<'_>, member: &ExtensionSummary) -> Result<(), Error> {
    let mut restrictions = restrictions::of_account(tx.conn, member.owner_id).await?;
    restrictions.extend(restrictions::of_targets(tx.conn, TargetKind::Extension, &[Id(member.id.0)]).await?);
    if let Some(number) = numbers::assigned_number(tx.conn, member.event_id, &member.number).await? {
        restrictions.extend(restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(number.id.0)]).await?);
    }
    if restrictions.iter().any(|restriction| restriction.has(RestrictionEffect::NoCalls)) {
        let message = format!("{} is restricted and cannot join now.", member.number);
        return Err(UserError::new(UserErrorKind::Restricted, "number", message).into());
    }
    Ok(())
}

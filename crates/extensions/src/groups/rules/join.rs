//! Coming in: by invitation, or at once through a voice menu.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::phase::{self, EntryChange};
use super::{as_delay, check_room, mark_group, service_type};
use crate::groups::model::{GroupMember, MembershipState, Party};
use crate::groups::queries;
use crate::rules::loops;
use numbering::number::Number;
use platform::access::{Caller, Permit};
use platform::error::{AuthError, Error, UserError, UserErrorKind};
use platform::ids::{EventId, ExtensionId, GroupMemberId};
use platform::locks;
use platform::services::Services;
use platform::store::types::Id;
use platform::transaction::{Mode, Tx};
use restrictions::{RestrictionEffect, TargetKind};
use service_types::ServiceBehaviour;

/// An invitation of the extension that bears `number` into `group`.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The group's global id.
    pub group: String,
    /// As it was typed.
    pub number: String,
    /// Seconds before it rings.
    pub delay_seconds: i32,
}

/// A caller who joins through a voice menu.
#[derive(Clone, Debug)]
pub struct Join {
    /// The event's slug.
    pub event: String,
    /// The group's number.
    pub group_number: String,
    /// The caller's number.
    pub number: String,
    /// Seconds before it rings.
    pub delay_seconds: i32,
}

/// A membership that exists now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// The membership.
    pub member: GroupMemberId,
}

/// Invites an extension into a group, for the group's owner or an operator. An extension of the group's own owner, and
/// one of whoever invites, joins at once; another waits for its owner's yes.
///
/// # Errors
/// NOT_FOUND for a group out of reach and a number out of service, ALREADY_EXISTS for a second invitation, INVALID for
/// what is no group or cannot be a member, QUOTA_EXCEEDED for a full group, GROUP_LOOP, EVENT_CLOSED.
pub async fn invite(services: &Services, caller: &Arc<Caller>, input: Invitation) -> Result<Joined, Error> {
    transact!(services, caller, actions::INVITE_TO_GROUP, Mode::Commit, |tx| { invite_in(tx, input).await }).await
}

async fn invite_in(tx: &mut Tx<'_>, input: Invitation) -> Result<Joined, Error> {
    let id = ExtensionId::from_global(&input.group);
    let event = match id {
        Some(id) => queries::party(tx.conn, id).await?.map(|group| group.event_id),
        None => None,
    };
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let id = id.ok_or_else(|| UserError::invalid("group", "This is not the id of an extension."))?;
    let delay_seconds = as_delay(input.delay_seconds)?;
    let number = Number::clean(&input.number)?;
    let group = queries::party(tx.conn, id).await?.filter(|group| permit.is_for(group.owner_id));
    let group = group.ok_or_else(|| UserError::not_found("group", "There is no such group."))?;
    phase::check(tx.conn, &permit, group.event_id, EntryChange::Members).await?;
    let member = find_member(tx, group.event_id, &number).await?;
    if queries::membership_of(tx.conn, group.id, member.id).await?.is_some() {
        let message = format!("{number} is a member already, or invited.");
        return Err(UserError::new(UserErrorKind::AlreadyExists, "number", message).into());
    }
    let is_own = member.owner_id == group.owner_id || permit.actor().account() == Some(member.owner_id);
    let membership = if is_own { MembershipState::Active } else { MembershipState::Pending };
    add(tx, &permit, &group, &member, Terms { delay_seconds, membership, group_field: "group" }).await
}

/// Lets a caller join at once, for a voice menu's key. A membership that exists is returned as it is; an invitation that
/// waits is accepted, since the caller says yes.
///
/// # Errors
/// As [`invite`]; RESTRICTED for a caller whose extension, number or owner may not call.
pub async fn join(services: &Services, caller: &Arc<Caller>, input: Join) -> Result<Joined, Error> {
    transact!(services, caller, actions::JOIN_GROUP, Mode::Commit, |tx| { join_in(tx, input).await }).await
}

async fn join_in(tx: &mut Tx<'_>, input: Join) -> Result<Joined, Error> {
    let event = events::event_by_slug(tx.conn, &input.event).await?.map(|event| event.id);
    locks::events(tx.conn, event.as_slice()).await?;
    let permit = tx.permit().await?;
    let key = permit.actor().key().ok_or(AuthError::Forbidden)?.clone();
    let event = event.filter(|&event| key.covers_event(event));
    let event = event.ok_or_else(|| UserError::not_found("event", "There is no such event."))?;
    let delay_seconds = as_delay(input.delay_seconds)?;
    let group_number = Number::clean(&input.group_number).map_err(|problem| problem.at(["groupNumber"]))?;
    let number = Number::clean(&input.number)?;
    let group = queries::party_by_number(tx.conn, event, group_number.as_str()).await?;
    let group = group.filter(|group| key.covers(event, group.service_type_id));
    let group = group.ok_or_else(|| UserError::not_found("groupNumber", "There is no such group."))?;
    phase::check(tx.conn, &permit, event, EntryChange::Members).await?;
    let member = find_member(tx, event, &number).await?;
    match queries::membership_of(tx.conn, group.id, member.id).await? {
        Some(row) if row.membership == MembershipState::Active => Ok(Joined { member: row.id }),
        Some(row) => {
            refuse_restricted(tx, &member).await?;
            super::change::activate(tx, &permit, &group, &member, row).await
        }
        None => {
            refuse_restricted(tx, &member).await?;
            let membership = MembershipState::Active;
            add(tx, &permit, &group, &member, Terms { delay_seconds, membership, group_field: "groupNumber" }).await
        }
    }
}

/// The extension that bears the number. Whether a number is in service is no secret: anybody can dial it.
async fn find_member(tx: &mut Tx<'_>, event: EventId, number: &Number) -> Result<Party, Error> {
    let member = queries::party_by_number(tx.conn, event, number.as_str()).await?;
    let missing = || {
        UserError::not_found("number", format!("{number} is not in service."))
            .rule("number.notInService")
            .naming(number)
    };
    Ok(member.ok_or_else(missing)?)
}

/// How an extension comes in.
struct Terms {
    delay_seconds: i32,
    membership: MembershipState,
    /// The input's field that names the group.
    group_field: &'static str,
}

/// Adds a membership after the checks that hold for everybody.
async fn add(tx: &mut Tx<'_>, permit: &Permit, group: &Party, member: &Party, terms: Terms) -> Result<Joined, Error> {
    let Terms { delay_seconds, membership, group_field } = terms;
    let group_type = service_type(tx, group.service_type_id).await?;
    if group_type.behaviour != ServiceBehaviour::CallGroup {
        return Err(UserError::invalid(group_field, format!("{} is not a call group.", group.number)).into());
    }
    if !service_type(tx, member.service_type_id).await?.group_capable {
        let message = format!("{} is of a kind that cannot be a group's member.", member.number);
        return Err(UserError::invalid("number", message)
            .rule("group.incapable")
            .naming(member.number.as_str())
            .into());
    }
    let (all, _) = queries::count_members(tx.conn, group.id).await?;
    check_room(group_type.member_limit, all, group_field)?;
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
        mark_group(tx, group);
    }
    Ok(Joined { member: id })
}

/// A voice menu lets nobody in who may not call.
async fn refuse_restricted(tx: &mut Tx<'_>, member: &Party) -> Result<(), Error> {
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

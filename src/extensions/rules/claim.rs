//! Whether somebody may have a number: the plan, the bars, and whose it is now.

use super::super::model::Extension;
use crate::access::Permit;
use crate::accounts::Account;
use crate::ids::{AccountId, EventId, ServiceTypeId};
use crate::numbers::free::FreeNumbers;
use crate::numbers::number::Number;
use crate::numbers::queries::TakenNumbers;
use crate::numbers::rules::{settle, untouched};
use crate::numbers::state::NumberState;
use crate::numbers::{self, NumberRow, plan};
use crate::problem::{Problem, ProblemKind, Stop};
use crate::restrictions;
use crate::service_types::{self, Event, ServiceType};
use crate::store::Conn;
use crate::store::types::Id;
use crate::transaction::Tx;

/// The ranges of an event that a caller may use for a service type; staff may use them all.
///
/// # Errors
/// When the database refuses.
pub(super) async fn usable_ranges(
    conn: &mut Conn,
    is_staff: bool,
    event: EventId,
    service_type: ServiceTypeId,
) -> Result<Vec<plan::NumberRange>, Stop> {
    let limits = service_types::queries::range_limits(conn, event).await?;
    let mut ranges = Vec::new();
    for range in service_types::queries::ranges_of_event(conn, event).await? {
        let mut named = limits.iter().filter(|(id, _)| *id == range.id).map(|(_, named)| *named).peekable();
        let is_open = named.peek().is_none() || named.any(|id| id == service_type);
        if is_staff || (is_open && !range.privileged) {
            ranges.push(range.plan()?);
        }
    }
    Ok(ranges)
}

/// The numbers of an event that one caller may use: loaded once, asked for each number.
pub(super) struct UsablePlan {
    event: EventId,
    ranges: Vec<plan::NumberRange>,
    reserved: plan::ReservedPrefixes,
}

impl UsablePlan {
    /// The plan for a service type.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn of(
        conn: &mut Conn,
        is_staff: bool,
        event: &Event,
        service_type: &ServiceType,
    ) -> Result<Self, Stop> {
        let ranges = usable_ranges(conn, is_staff, event.id, service_type.id).await?;
        Ok(Self { event: event.id, ranges, reserved: event.reserved_prefixes()? })
    }

    /// The plan for operators, which is the same for every service type.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn of_staff(conn: &mut Conn, event: &Event) -> Result<Self, Stop> {
        let mut ranges = Vec::new();
        for range in service_types::queries::ranges_of_event(conn, event.id).await? {
            ranges.push(range.plan()?);
        }
        Ok(Self { event: event.id, ranges, reserved: event.reserved_prefixes()? })
    }

    /// The free numbers of the plan.
    pub(super) fn free(&self) -> FreeNumbers {
        FreeNumbers::new(&self.ranges, &self.reserved)
    }

    /// Refuses a number that the plan does not have for the caller. Staff may leave the ranges, but not give out a number
    /// that begins with another, or with which another begins.
    ///
    /// # Errors
    /// NUMBER_OUT_OF_RANGE or CONFLICT at `number`.
    pub(super) async fn admit(&self, conn: &mut Conn, is_staff: bool, number: &Number) -> Result<(), Stop> {
        let out = |message: &str| Problem::new(ProblemKind::NumberOutOfRange, "number", message);
        if self.reserved.forbid(number) {
            return Err(out("Numbers like this are reserved.").into());
        }
        if self.ranges.iter().any(|range| range.contains(number)) {
            return Ok(());
        }
        if !is_staff || number.is_world() {
            return Err(out("This number is not in a range that you may use.").into());
        }
        plan::check_outside_number(number, &self.ranges)?;
        match numbers::queries::in_the_way(conn, self.event, number).await? {
            None => Ok(()),
            Some(other) => {
                let message = format!("{number} cannot stand beside {other}: one begins with the other.");
                Err(Problem::new(ProblemKind::Conflict, "number", message).into())
            }
        }
    }
}

/// Refuses a barred number.
///
/// # Errors
/// RESTRICTED at `number`, with the reason.
pub(super) fn refuse_bar(reason: Option<&str>) -> Result<(), Problem> {
    match reason {
        None => Ok(()),
        Some(reason) => {
            let message = format!("This number is barred: {reason}");
            Err(Problem::new(ProblemKind::Restricted, "number", message))
        }
    }
}

/// Whether a number, settled, may be put into service for `owner`: nobody has it, or it is kept for them, or whoever asks
/// overrides that it is kept.
pub(super) fn is_free_for(row: &NumberRow, owner: AccountId, override_reservation: bool) -> bool {
    let is_kept = matches!(row.state, NumberState::Held | NumberState::Reserved);
    let is_kept_for_owner = is_kept && row.account_id == Some(owner);
    let is_overridden = override_reservation && (is_kept || row.state == NumberState::Aging);
    row.state == NumberState::Available || is_kept_for_owner || is_overridden
}

/// Who wants which number.
pub(super) struct Claim<'a> {
    pub(super) event: &'a Event,
    pub(super) service_type: &'a ServiceType,
    pub(super) owner: &'a Account,
    /// None: any.
    pub(super) number: Option<String>,
    /// Take a number that is kept for somebody else.
    pub(super) override_reservation: bool,
}

/// Finds the number's row, free for this owner.
///
/// # Errors
/// INVALID, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED and NUMBER_UNAVAILABLE at `number`.
pub(super) async fn claim(tx: &mut Tx<'_>, permit: &Permit, claim: Claim<'_>) -> Result<NumberRow, Stop> {
    let Claim { event, service_type, owner, number: wanted, override_reservation } = claim;
    let plan = UsablePlan::of(tx.conn, permit.is_staff(), event, service_type).await?;
    let Some(wanted) = wanted else { return any(tx, event, &plan).await };
    let number = Number::clean(&wanted).map_err(|problem| problem.at(["number"]))?;
    plan.admit(tx.conn, permit.is_staff(), &number).await?;
    let row = match numbers::queries::find(tx.conn, event.id, number.as_str()).await? {
        None => return Ok(untouched(tx, event.id, number.as_str())),
        Some(row) => settle(tx, permit, row).await?,
    };
    let bars = restrictions::of_targets(tx.conn, restrictions::TargetKind::Number, &[Id(row.id.0)]).await?;
    refuse_bar(bars.first().map(|bar| bar.reason.as_str()))?;
    if is_free_for(&row, owner.id, override_reservation) {
        numbers::queries::end_waits(tx.conn, permit, row.id).await?;
        return Ok(row);
    }
    let mut taken = TakenNumbers { conn: tx.conn, event: event.id };
    let suggestions = plan.free().near(&number, 5, &mut taken).await?.into_iter().map(Number::into_string).collect();
    let kind = ProblemKind::NumberUnavailable { number: number.into_string(), suggestions };
    Err(Problem::new(kind, "number", "Somebody else has this number.").into())
}

/// Any free number of the plan.
async fn any(tx: &mut Tx<'_>, event: &Event, plan: &UsablePlan) -> Result<NumberRow, Stop> {
    let rng = tx.rng_handle();
    let mut taken = TakenNumbers { conn: tx.conn, event: event.id };
    let picked = plan.free().at_random(1, &*rng, &mut taken).await?.pop();
    let none = || Problem::new(ProblemKind::NumberOutOfRange, "number", "No number is free for this service type.");
    let number = picked.ok_or_else(none)?;
    Ok(match numbers::queries::find(tx.conn, event.id, number.as_str()).await? {
        Some(row) => row,
        None => untouched(tx, event.id, number.as_str()),
    })
}

/// Where a number that is taken into service goes.
pub(super) const fn in_service(row: &Extension) -> numbers::rules::Move {
    numbers::rules::Move {
        to: NumberState::InService,
        account: Some(row.owner_id),
        until: None,
        extension: Some(row.id),
    }
}

//! Allocation of numbers: a requested number, or any that is free.

use events::{Event, NumberRange};
use numbering::NumberState;
use numbering::free::FreeNumbers;
use numbering::number::Number;
use numbering::plan::{self, ReservedPrefixes};
use platform::access::Permit;
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::services::Services;
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use restrictions::TargetKind;
use service_types::ServiceType;

use crate::expiry::apply_expiry;
use crate::model::NumberRow;
use crate::plan_queries::{self, TakenNumbers};
use crate::queries;
use crate::transitions::unsaved_row;

/// How many free numbers the error for a taken number suggests.
const SUGGESTIONS: usize = 5;

/// The account that a number is allocated to, and the event and service type of its extension.
pub struct AllocationRequest<'a> {
    pub event: &'a Event,
    pub service_type: &'a ServiceType,
    pub owner: AccountId,
    /// Allocate a number even if it is held or reserved for another account, or ages.
    pub override_reservation: bool,
}

/// The rules of an event's plan that a number is checked against.
#[derive(Clone, Copy)]
pub struct PlanRules<'a> {
    /// The ranges that the caller may use.
    pub ranges: &'a [plan::NumberRange],
    pub reserved: &'a ReservedPrefixes,
}

/// Finds a number that is available to the owner: `number`, or a random free one. Returns its row, which the caller puts into
/// service. The caller holds the lock of the event.
///
/// # Errors
/// At `number`: INVALID, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED for a barred number, NUMBER_UNAVAILABLE with suggestions.
pub async fn allocate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    request: &AllocationRequest<'_>,
    number: Option<&str>,
) -> Result<NumberRow, Error> {
    let ranges = usable_ranges(tx.conn, permit.is_staff(), request.event, request.service_type).await?;
    let reserved = request.event.reserved_prefixes()?;
    let free = FreeNumbers::new(&ranges, &reserved);
    let Some(number) = number else { return allocate_random(tx, request.event, &free).await };
    let number = Number::clean(number).map_err(|problem| problem.at(["number"]))?;
    check_assignable(tx, permit, request.event, &number, PlanRules { ranges: &ranges, reserved: &reserved }).await?;
    let row = match queries::number_on_plan(tx.conn, Some(request.event.id), number.as_str()).await? {
        None => return Ok(unsaved_row(tx, Some(request.event.id), number.as_str())),
        Some(row) => apply_expiry(tx, permit, row).await?,
    };
    let bars = restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(row.id.0)]).await?;
    check_not_barred(bars.first().map(|bar| bar.reason.as_str()))?;
    if is_available_to(&row, request.owner, request.override_reservation) {
        queries::clear_pending_acks(tx.conn, permit, row.id).await?;
        return Ok(row);
    }
    let mut taken = TakenNumbers { conn: tx.conn, event: request.event.id };
    let near = free.near(&number, SUGGESTIONS, &mut taken).await?;
    let suggestions = near.into_iter().map(Number::into_string).collect();
    let kind = UserErrorKind::NumberUnavailable { number: number.into_string(), suggestions };
    Err(UserError::new(kind, "number", "Somebody else has this number.").into())
}

/// Refuses a barred number.
///
/// # Errors
/// RESTRICTED at `number`, with the reason.
pub fn check_not_barred(reason: Option<&str>) -> Result<(), UserError> {
    let Some(reason) = reason else { return Ok(()) };
    Err(UserError::new(UserErrorKind::Restricted, "number", format!("This number is barred: {reason}"))
        .rule("number.barred")
        .with_value(reason))
}

/// Whether a number is available, held or reserved for this owner, or not in service and overridden by an operator.
pub fn is_available_to(row: &NumberRow, owner: AccountId, override_reservation: bool) -> bool {
    match row.state {
        NumberState::Available => true,
        NumberState::Held | NumberState::Reserved => row.account_id == Some(owner) || override_reservation,
        NumberState::Aging => override_reservation,
        _ => false,
    }
}

/// Allocates a random free number.
async fn allocate_random(tx: &mut Tx<'_>, event: &Event, free: &FreeNumbers) -> Result<NumberRow, Error> {
    let rng = tx.rng_handle();
    let mut taken = TakenNumbers { conn: tx.conn, event: event.id };
    let picked = free.at_random(1, &*rng, &mut taken).await?.pop();
    let out = |message: &str| UserError::new(UserErrorKind::NumberOutOfRange, "number", message);
    let none = || out("No number is free for this service type.").rule("number.noneFree");
    let number = picked.ok_or_else(none)?;
    Ok(match queries::number_on_plan(tx.conn, Some(event.id), number.as_str()).await? {
        Some(row) => row,
        None => unsaved_row(tx, Some(event.id), number.as_str()),
    })
}

/// Refuses a number with a reserved prefix, a number outside the ranges that the caller may use, and one in prefix conflict
/// with another: dialling digit by digit could not distinguish them.
///
/// # Errors
/// At `number`: NUMBER_OUT_OF_RANGE, or CONFLICT for a prefix conflict.
pub async fn check_assignable(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: &Event,
    number: &Number,
    PlanRules { ranges, reserved }: PlanRules<'_>,
) -> Result<(), Error> {
    let out = |message: &str| UserError::new(UserErrorKind::NumberOutOfRange, "number", message);
    if reserved.forbids(number) {
        return Err(out("Numbers like this are reserved.").rule("number.reserved").into());
    }
    if ranges.iter().any(|range| range.contains(number)) {
        return Ok(());
    }
    if !permit.is_staff() || number.is_e164() {
        return Err(out("This number is not in a range that you may use.").rule("number.outside").into());
    }
    plan::check_outside_number(number, ranges)?;
    match plan_queries::prefix_conflict(tx.conn, event.id, number).await? {
        None => Ok(()),
        Some(other) => {
            let message = format!("{number} cannot stand beside {other}: one would begin with the other.");
            let problem = UserError::new(UserErrorKind::Conflict, "number", message).rule("number.beside");
            Err(problem.with_value(number).with_value(other).into())
        }
    }
}

/// The ranges for a service type: all for staff, otherwise those that are not privileged and not limited to other types.
async fn usable_ranges(
    conn: &mut Conn,
    is_staff: bool,
    event: &Event,
    service_type: &ServiceType,
) -> Result<Vec<plan::NumberRange>, Error> {
    let limits = service_types::range_limits(conn, event.id).await?;
    let mut ranges = Vec::new();
    for range in events::ranges_of_event(conn, event.id).await? {
        let mut range_limits = limits.iter().filter(|limit| limit.range_id == range.id).peekable();
        let is_open =
            range_limits.peek().is_none() || range_limits.any(|limit| limit.service_type_id == service_type.id);
        if is_staff || (is_open && !range.privileged) {
            ranges.push(range.plan()?);
        }
    }
    Ok(ranges)
}

/// The order in which free numbers are searched.
pub enum NumberSearch {
    /// Nearest to these digits.
    Like(String),
    /// Ascending from this number.
    From(Number),
    /// Random numbers.
    Random,
}

/// Finds at most `limit` free numbers that the caller may register for a service type.
///
/// # Errors
/// A database error.
pub async fn available_numbers(
    services: &Services,
    is_staff: bool,
    event: &Event,
    service_type: &ServiceType,
    search: NumberSearch,
    limit: usize,
) -> Result<Vec<Number>, Error> {
    let mut conn = services.store.read().await?;
    let ranges = usable_ranges(&mut conn, is_staff, event, service_type).await?;
    let free = FreeNumbers::new(&ranges, &event.reserved_prefixes()?);
    let mut taken = TakenNumbers { conn: &mut conn, event: event.id };
    Ok(match search {
        NumberSearch::Like(digits) => free.like(&digits, limit, &mut taken).await?,
        NumberSearch::From(number) => free.ascending(&number, limit, &mut taken).await?,
        NumberSearch::Random => free.at_random(limit, &*services.rng, &mut taken).await?,
    })
}

/// Counts the numbers of a range that can be registered now: available, not barred, and without a reserved prefix.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_free(conn: &mut Conn, event: &Event, range: &NumberRange) -> Result<u64, InternalError> {
    let prefixes = event.reserved_prefixes().map_err(|problem| InternalError::new(problem.message))?;
    let mut free = 0;
    for part in prefixes.allowed_parts(&range.plan()?) {
        let unavailable = plan_queries::count_unavailable_in(conn, event.id, &part).await?;
        free += part.size().saturating_sub(u64::try_from(unavailable).unwrap_or(0));
    }
    Ok(free)
}

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
#[derive(Clone, Copy)]
pub struct AllocationRequest<'a> {
    pub event: &'a Event,
    pub service_type: &'a ServiceType,
    pub owner: AccountId,
    /// Allocate a number even if it is held or reserved for another account, or ages.
    pub override_reservation: bool,
}

/// The rules of an event's plan that a number is checked against.
pub struct PlanRules {
    /// The ranges that the caller may use.
    pub ranges: Vec<plan::NumberRange>,
    pub reserved: ReservedPrefixes,
}

impl PlanRules {
    /// Loads the rules for staff: they use every range for every service type.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_staff(conn: &mut Conn, event: &Event) -> Result<Self, Error> {
        let rows = events::ranges_of_event(conn, event.id).await?;
        let ranges = rows.iter().map(|range| range.plan()).collect::<Result<_, _>>()?;
        Ok(Self { ranges, reserved: event.reserved_prefixes()? })
    }

    /// Loads the rules for users: the ranges that are neither privileged nor limited to other service types.
    async fn of_users(conn: &mut Conn, event: &Event, service_type: &ServiceType) -> Result<Self, Error> {
        let limits = service_types::range_limits(conn, event.id).await?;
        let mut ranges = Vec::new();
        for range in events::ranges_of_event(conn, event.id).await? {
            let mut range_limits = limits.iter().filter(|limit| limit.range_id == range.id).peekable();
            let is_open =
                range_limits.peek().is_none() || range_limits.any(|limit| limit.service_type_id == service_type.id);
            if is_open && !range.privileged {
                ranges.push(range.plan()?);
            }
        }
        Ok(Self { ranges, reserved: event.reserved_prefixes()? })
    }

    async fn load(conn: &mut Conn, is_staff: bool, event: &Event, service_type: &ServiceType) -> Result<Self, Error> {
        if is_staff { Self::of_staff(conn, event).await } else { Self::of_users(conn, event, service_type).await }
    }

    fn free_numbers(&self) -> FreeNumbers {
        FreeNumbers::new(&self.ranges, &self.reserved)
    }
}

/// Finds a number that is available to the owner: `number`, or a random free one. Returns its row, which the caller
/// puts into service. The caller holds the lock of the event.
///
/// # Errors
/// At `number`: INVALID, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED for a barred number, NUMBER_UNAVAILABLE with
/// suggestions.
pub async fn allocate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    request: &AllocationRequest<'_>,
    number: Option<&str>,
) -> Result<NumberRow, Error> {
    let AllocationRequest { event, service_type, owner, override_reservation } = *request;
    let plan = PlanRules::load(tx.conn, permit.is_staff(), event, service_type).await?;
    let Some(number) = number else { return allocate_random(tx, event, &plan.free_numbers()).await };
    let number = Number::clean(number).map_err(|problem| problem.at(["number"]))?;
    check_assignable(tx.conn, permit.is_staff(), event, &number, &plan).await?;
    let row = match queries::number_on_plan(tx.conn, Some(event.id), number.as_str()).await? {
        None => return Ok(unsaved_row(tx, Some(event.id), number.as_str())),
        Some(row) => apply_expiry(tx, permit, row).await?,
    };
    let bars = restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(row.id.0)]).await?;
    let bar = bars.first().map(|bar| bar.reason.as_str());
    match check_available(permit, &row, bar, owner, override_reservation) {
        Ok(()) => {
            queries::clear_pending_acks(tx.conn, permit, row.id).await?;
            Ok(row)
        }
        Err(mut problem) => {
            if let UserErrorKind::NumberUnavailable { suggestions, .. } = &mut problem.kind {
                let mut taken = TakenNumbers { conn: tx.conn, event: event.id };
                let near = plan.free_numbers().near(&number, SUGGESTIONS, &mut taken).await?;
                suggestions.extend(near.into_iter().map(Number::into_string));
            }
            Err(problem.into())
        }
    }
}

/// Refuses a number that is barred, or taken by another account. `bar` is the reason of the bar.
///
/// # Errors
/// At `number`: those of [`check_not_barred`], NUMBER_UNAVAILABLE without suggestions.
pub fn check_available(
    permit: &Permit,
    row: &NumberRow,
    bar: Option<&str>,
    owner: AccountId,
    override_reservation: bool,
) -> Result<(), UserError> {
    check_not_barred(permit, bar)?;
    if is_available_to(row, owner, override_reservation) {
        return Ok(());
    }
    let kind = UserErrorKind::NumberUnavailable { number: row.number.clone(), suggestions: Vec::new() };
    Err(UserError::new(kind, "number", "This number is taken."))
}

/// Refuses a barred number. The reason may concern another person, so only operators read it.
///
/// # Errors
/// RESTRICTED at `number`.
pub fn check_not_barred(permit: &Permit, reason: Option<&str>) -> Result<(), UserError> {
    let Some(reason) = reason else { return Ok(()) };
    let barred = |message: String| UserError::new(UserErrorKind::Restricted, "number", message);
    Err(if permit.is_staff() {
        barred(format!("This number is barred: {reason}")).rule("number.barred").with_value(reason)
    } else {
        barred("This number is barred.".to_owned()).rule("number.isBarred")
    })
}

/// Whether a number is available, held or reserved for this owner, or not in service and overridden by an operator.
fn is_available_to(row: &NumberRow, owner: AccountId, override_reservation: bool) -> bool {
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

/// Refuses a number with a reserved prefix, a number outside the ranges that the caller may use, and one in prefix
/// conflict with another.
///
/// # Errors
/// At `number`: NUMBER_OUT_OF_RANGE, or CONFLICT for a prefix conflict.
pub async fn check_assignable(
    conn: &mut Conn,
    is_staff: bool,
    event: &Event,
    number: &Number,
    plan: &PlanRules,
) -> Result<(), Error> {
    let out = |message: &str| UserError::new(UserErrorKind::NumberOutOfRange, "number", message);
    if plan.reserved.forbids(number) {
        return Err(out("Numbers like this are reserved.").rule("number.reserved").into());
    }
    if plan.ranges.iter().any(|range| range.contains(number)) {
        return Ok(());
    }
    if !is_staff || number.is_e164() {
        return Err(out("This number is not in a range that you may use.").rule("number.outside").into());
    }
    plan::check_outside_number(number, &plan.ranges)?;
    match plan_queries::prefix_conflict(conn, event.id, number).await? {
        None => Ok(()),
        Some(other) => Err(prefix_conflict(number.as_str(), &other).into()),
    }
}

/// The error of two numbers of which one is a prefix of the other: dialling digit by digit could not distinguish them.
pub fn prefix_conflict(number: &str, other: &str) -> UserError {
    let message = format!("{number} cannot stand beside {other}: one would begin with the other.");
    let problem = UserError::new(UserErrorKind::Conflict, "number", message).rule("number.beside");
    problem.with_value(number).with_value(other)
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
    let free = PlanRules::load(&mut conn, is_staff, event, service_type).await?.free_numbers();
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

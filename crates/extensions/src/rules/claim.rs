//! Which numbers somebody may have: one that is asked for, or any that is free.

use events::Event;
use numbering::NumberState;
use numbering::free::FreeNumbers;
use numbering::number::Number;
use numbering::plan::{self, ReservedPrefixes};
use numbers::NumberRow;
use numbers::queries::TakenNumbers;
use numbers::rules::{settle, untouched};
use platform::access::Permit;
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::AccountId;
use platform::services::Services;
use platform::store::Conn;
use platform::store::types::Id;
use platform::transaction::Tx;
use restrictions::TargetKind;
use service_types::ServiceType;

/// How many free numbers are suggested in place of a taken one.
const SUGGESTIONS: usize = 5;

/// For whom a number is claimed, and where it is to be used.
pub(super) struct Claim<'a> {
    pub event: &'a Event,
    pub service_type: &'a ServiceType,
    pub owner: AccountId,
    /// Take a number that is kept for somebody else.
    pub override_reservation: bool,
}

/// Finds the row of a number that is free for the claim's owner; any free number where none is asked for. Lock the event first.
///
/// # Errors
/// At `number`: INVALID, NUMBER_OUT_OF_RANGE, CONFLICT, RESTRICTED for a barred number, NUMBER_UNAVAILABLE with suggestions.
pub(super) async fn claim(
    tx: &mut Tx<'_>,
    permit: &Permit,
    claim: &Claim<'_>,
    wanted: Option<&str>,
) -> Result<NumberRow, Error> {
    let ranges = usable(tx.conn, permit.is_staff(), claim.event, claim.service_type).await?;
    let reserved = claim.event.reserved_prefixes()?;
    let free = FreeNumbers::new(&ranges, &reserved);
    let Some(wanted) = wanted else { return any(tx, claim.event, &free).await };
    let number = Number::clean(wanted).map_err(|problem| problem.at(["number"]))?;
    check_place(tx, permit, claim.event, &number, (&ranges, &reserved)).await?;
    let row = match numbers::queries::find(tx.conn, claim.event.id, number.as_str()).await? {
        None => return Ok(untouched(tx, claim.event.id, number.as_str())),
        Some(row) => settle(tx, permit, row).await?,
    };
    let barred = restrictions::of_targets(tx.conn, TargetKind::Number, &[Id(row.id.0)]).await?;
    refuse_bar(barred.first().map(|bar| bar.reason.as_str()))?;
    if is_free_for(&row, claim.owner, claim.override_reservation) {
        numbers::queries::end_waits(tx.conn, permit, row.id).await?;
        return Ok(row);
    }
    let mut taken = TakenNumbers { conn: tx.conn, event: claim.event.id };
    let near = free.near(&number, SUGGESTIONS, &mut taken).await?;
    let suggestions = near.into_iter().map(Number::into_string).collect();
    let kind = UserErrorKind::NumberUnavailable { number: number.into_string(), suggestions };
    Err(UserError::new(kind, "number", "Somebody else has this number.").into())
}

/// Refuses a barred number.
///
/// # Errors
/// RESTRICTED at `number`, with the reason.
pub fn refuse_bar(reason: Option<&str>) -> Result<(), UserError> {
    let Some(reason) = reason else { return Ok(()) };
    Err(UserError::new(UserErrorKind::Restricted, "number", format!("This number is barred: {reason}"))
        .rule("number.barred")
        .with_value(reason))
}

/// Whether a number is nobody's, kept for this owner, or taken all the same by an operator.
pub fn is_free_for(row: &NumberRow, owner: AccountId, override_reservation: bool) -> bool {
    match row.state {
        NumberState::Available => true,
        NumberState::Held | NumberState::Reserved => row.account_id == Some(owner) || override_reservation,
        NumberState::Aging => override_reservation,
        _ => false,
    }
}

async fn any(tx: &mut Tx<'_>, event: &Event, free: &FreeNumbers) -> Result<NumberRow, Error> {
    let rng = tx.rng_handle();
    let mut taken = TakenNumbers { conn: tx.conn, event: event.id };
    let picked = free.at_random(1, &*rng, &mut taken).await?.pop();
    let out = |message: &str| UserError::new(UserErrorKind::NumberOutOfRange, "number", message);
    let none = || out("No number is free for this service type.").rule("number.noneFree");
    let number = picked.ok_or_else(none)?;
    Ok(match numbers::queries::find(tx.conn, event.id, number.as_str()).await? {
        Some(row) => row,
        None => untouched(tx, event.id, number.as_str()),
    })
}

/// Refuses a number that nobody is given, one outside the ranges that the caller may use, and one that would spoil dialling
/// digit by digit: it begins with another's number, or another's begins with it.
pub async fn check_place(
    tx: &mut Tx<'_>,
    permit: &Permit,
    event: &Event,
    number: &Number,
    (ranges, reserved): (&[plan::NumberRange], &ReservedPrefixes),
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
    match numbers::queries::in_the_way(tx.conn, event.id, number).await? {
        None => Ok(()),
        Some(other) => {
            let message = format!("{number} cannot stand beside {other}: one would begin with the other.");
            let problem = UserError::new(UserErrorKind::Conflict, "number", message).rule("number.beside");
            Err(problem.with_value(number).with_value(other).into())
        }
    }
}

/// The ranges that somebody may use for a service type: operators all, others those that are not privileged and open to it.
async fn usable(
    conn: &mut Conn,
    is_staff: bool,
    event: &Event,
    service_type: &ServiceType,
) -> Result<Vec<plan::NumberRange>, Error> {
    let limits = service_types::range_limits(conn, event.id).await?;
    let mut ranges = Vec::new();
    for range in events::ranges_of_event(conn, event.id).await? {
        let mut of_range = limits.iter().filter(|limit| limit.range_id == range.id).peekable();
        let is_open = of_range.peek().is_none() || of_range.any(|limit| limit.service_type_id == service_type.id);
        if is_staff || (is_open && !range.privileged) {
            ranges.push(range.plan()?);
        }
    }
    Ok(ranges)
}

/// Free numbers that the caller may register.
pub enum Wish {
    /// Nearest to these digits.
    Like(String),
    /// Ascending from this number.
    From(Number),
    /// Spread at random.
    Any,
}

/// Finds free numbers for a caller; nothing for an unknown event or type.
///
/// # Errors
/// When the database refuses.
pub async fn available(
    services: &Services,
    is_staff: bool,
    event: &Event,
    service_type: &ServiceType,
    wish: Wish,
    wanted: usize,
) -> Result<Vec<Number>, Error> {
    let mut conn = services.store.read().await?;
    let ranges = usable(&mut conn, is_staff, event, service_type).await?;
    let free = FreeNumbers::new(&ranges, &event.reserved_prefixes()?);
    let mut taken = TakenNumbers { conn: &mut conn, event: event.id };
    Ok(match wish {
        Wish::Like(digits) => free.like(&digits, wanted, &mut taken).await?,
        Wish::From(number) => free.ascending(&number, wanted, &mut taken).await?,
        Wish::Any => free.at_random(wanted, &*services.rng, &mut taken).await?,
    })
}

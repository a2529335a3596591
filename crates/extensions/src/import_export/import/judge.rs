//! What one row means by itself: an extension to be made or changed, or what is wrong with it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::ground::{ImportContext, Kind};
use super::{Progress, fail};
use crate::groups::GroupMember;
use crate::import_export::row::{ExtensionRow, MemberRow, RowFailure};
use crate::rules::{editor, parameters};
use crate::{Extension, sealed};
use numbering::number::Number;
use numbers::{NumberRow, PlanRules, check_assignable, check_not_barred, is_available_to, unsaved_row};
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, CallPermissionId, ExtensionId, GroupMemberId};
use platform::store::types::JsonValue;
use platform::transaction::Tx;
use service_types::schema::{Editor, GenerationContext, Parameters};
use service_types::sealed::{UniqueValue, unique_values};

/// A row that is sound by itself.
pub(super) struct Planned {
    pub(super) line: u64,
    /// As it will be.
    pub(super) row: Extension,
    /// As it was; none for a new one.
    pub(super) before: Option<Extension>,
    pub(super) kind: Arc<Kind>,
    pub(super) owner: String,
    /// The number of a new one.
    pub(super) number: Option<NumberRow>,
    pub(super) permissions: BTreeSet<CallPermissionId>,
    /// The values that nobody else may have.
    pub(super) claims: Vec<UniqueValue>,
    pub(super) fallback: Option<Number>,
    /// As the row names them.
    pub(super) members: Option<Vec<MemberRow>>,
    /// As they will be; `None` where they stay.
    pub(super) memberships: Option<Memberships>,
}

/// What becomes of a group's members.
#[derive(Default)]
pub(super) struct Memberships {
    /// All of them.
    pub(super) all: Vec<GroupMember>,
    pub(super) added: Vec<GroupMember>,
    pub(super) changed: Vec<GroupMember>,
    pub(super) removed: Vec<GroupMemberId>,
}

impl Memberships {
    pub(super) const fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }
}

/// Judges every row: those that are sound, and the numbers of those that are not.
///
/// # Errors
/// When the database refuses; what is wrong with rows is noted.
pub(super) async fn all(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    rows: Vec<(u64, ExtensionRow)>,
    progress: &Progress,
    failures: &mut Vec<RowFailure>,
) -> Result<(Vec<Planned>, HashSet<String>), Error> {
    let (mut planned, mut failed) = (Vec::with_capacity(rows.len()), HashSet::new());
    let mut earlier = BTreeSet::new();
    for (line, row) in rows {
        let number = row.number.as_str().to_owned();
        let known = failures.len();
        let judged = judge(tx, permit, ground, (line, row), failures).await?;
        match judged.filter(|_| failures.len() == known) {
            None => drop(failed.insert(number)),
            Some(found) => match neighbour(&earlier, &found) {
                Some(problem) => {
                    fail(failures, line, "number", problem);
                    failed.insert(number);
                }
                None => {
                    if found.number.is_some() {
                        earlier.insert(number);
                    }
                    planned.push(found);
                }
            },
        }
        progress.step();
    }
    Ok((planned, failed))
}

/// A new number that begins with another new one of the file, or the other way round. Inside ranges there are none.
fn neighbour(earlier: &BTreeSet<String>, found: &Planned) -> Option<UserError> {
    let number = &found.number.as_ref()?.number;
    let shorter = (1..number.len()).filter_map(|length| number.get(..length)).find(|text| earlier.contains(*text));
    let longer = earlier.range(number.clone()..).next().map(String::as_str).filter(|text| text.starts_with(number));
    let other = shorter.or(longer)?;
    let message = format!("{number} cannot stand beside {other}: one begins with the other.");
    Some(UserError::new(UserErrorKind::Conflict, "number", message))
}

async fn judge(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    (line, row): (u64, ExtensionRow),
    failures: &mut Vec<RowFailure>,
) -> Result<Option<Planned>, Error> {
    let kind = ground.kinds.get(&row.service_type);
    if kind.is_none() {
        fail(failures, line, "service_type", UserError::not_found("", "There is no such service type."));
    }
    let owner = ground.owners.get(&row.owner).copied();
    if owner.is_none() {
        fail(failures, line, "owner", UserError::not_found("", "There is no account of this name."));
    }
    let mut permissions = BTreeSet::new();
    for slug in &row.permissions {
        match ground.permissions.get(slug) {
            Some(id) => drop(permissions.insert(*id)),
            None => {
                let message = format!("There is no call permission {slug:?}.");
                fail(failures, line, "permissions", UserError::not_found("", message));
            }
        }
    }
    let before = ground.present.get(row.number.as_str());
    let number = match before {
        Some(_) => None,
        None => take(tx, permit, ground, (line, &row.number, owner), failures).await?,
    };
    let (Some(kind), Some(owner)) = (kind, owner) else { return Ok(None) };
    for (column, problem) in misfits(kind, owner, before) {
        fail(failures, line, column, problem);
    }
    let mut drafted = match before {
        Some(before) => before.clone(),
        None => {
            let belongs = (ground.event.id, kind.service_type.id, owner);
            Extension::new(ExtensionId::new(tx.rng(), tx.now), belongs, row.number.as_str(), tx.now)
        }
    };
    drafted.label = row.label.into_string();
    drafted.visibility = row.visibility;
    let given = Given { owner: &row.owner, parameters: row.parameters };
    let Some(claims) = fill(tx, permit, kind, &mut drafted, given, (line, failures))? else { return Ok(None) };
    Ok(Some(Planned {
        line,
        row: drafted,
        before: before.cloned(),
        kind: Arc::clone(kind),
        owner: row.owner,
        number,
        permissions,
        claims,
        fallback: row.fallback_number,
        members: row.members,
        memberships: None,
    }))
}

/// What speaks against the row's type and owner: a new extension needs a type that is not retired, an old one keeps both.
fn misfits(kind: &Kind, owner: AccountId, before: Option<&Extension>) -> Vec<(&'static str, UserError)> {
    let conflict = |message: &str| UserError::new(UserErrorKind::Conflict, "", message);
    let mut found = Vec::new();
    match before {
        None if kind.service_type.retired => {
            found.push(("service_type", conflict("This service type is retired.")));
        }
        None => {}
        Some(before) => {
            if before.service_type_id != kind.service_type.id {
                let message = "The number is in service on another service type, and an extension's never changes.";
                found.push(("service_type", conflict(message)));
            }
            if before.owner_id != owner {
                let message = "The number is in service for another account: transfer it first.";
                found.push(("owner", conflict(message)));
            }
        }
    }
    found
}

/// The number of a new extension, if this owner may have it.
async fn take(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    (line, number, owner): (u64, &Number, Option<AccountId>),
    failures: &mut Vec<RowFailure>,
) -> Result<Option<NumberRow>, Error> {
    let plan_rules = PlanRules { ranges: &ground.ranges, reserved: &ground.reserved };
    match check_assignable(tx, permit, &ground.event, number, plan_rules).await {
        Ok(()) => {}
        Err(Error::User(problems)) => {
            problems.into_iter().for_each(|problem| fail(failures, line, "number", problem));
            return Ok(None);
        }
        Err(stop) => return Err(stop),
    }
    let Some(row) = ground.numbers.get(number.as_str()) else {
        return Ok(Some(unsaved_row(tx, Some(ground.event.id), number.as_str())));
    };
    if let Err(problem) = check_not_barred(ground.bars.get(&row.id).map(String::as_str)) {
        fail(failures, line, "number", problem);
        return Ok(None);
    }
    match owner {
        Some(owner) if !is_available_to(row, owner, false) => {
            let kind = UserErrorKind::NumberUnavailable { number: number.to_string(), suggestions: Vec::new() };
            fail(failures, line, "number", UserError::new(kind, "", "The number is kept for somebody else."));
            Ok(None)
        }
        _ => Ok(Some(row.clone())),
    }
}

struct Given<'a> {
    owner: &'a str,
    parameters: Parameters,
}

/// Puts the parameters into the row; what does not change stays as it is, byte for byte. Gives the unique values.
fn fill(
    tx: &Tx<'_>,
    permit: &Permit,
    kind: &Kind,
    row: &mut Extension,
    given: Given<'_>,
    (line, failures): (u64, &mut Vec<RowFailure>),
) -> Result<Option<Vec<UniqueValue>>, Error> {
    let current = parameters::all(tx, row)?;
    let source = GenerationContext { number: &row.number, username: given.owner, rng: tx.rng() };
    let editor = if matches!(permit.actor(), Actor::System(_)) { Editor::Import } else { editor(permit) };
    let values = match parameters::replace(&kind.schema, current, given.parameters, editor, &source) {
        Ok(values) => values,
        Err(Error::User(problems)) => {
            for problem in problems {
                let place = problem.path.get(1..).unwrap_or_default().join("/");
                let message =
                    if place.is_empty() { problem.message.clone() } else { format!("{place}: {}", problem.message) };
                fail(failures, line, "parameters", UserError { message, ..problem });
            }
            return Ok(None);
        }
        Err(stop) => return Err(stop),
    };
    let claims = unique_values(&kind.schema, &values, row.event_id, row.service_type_id, kind.key.as_ref())?;
    let parts = kind.schema.split(values);
    row.parameters = JsonValue(parts.public.into());
    row.status = JsonValue(parts.status.into());
    if sealed::open(tx.sealer(), row.id, row.secrets.as_deref())? != parts.secrets {
        row.secrets = sealed::seal(tx.sealer(), row.id, &parts.secrets)?;
    }
    Ok(Some(claims))
}

//! Validation of a single row: it creates an extension, changes one, or fails.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use numbering::number::Number;
use numbers::{NumberRow, PlanRules, check_assignable, check_not_barred, is_available_to, unsaved_row};
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, CallPermissionId, ExtensionId, GroupMemberId};
use platform::store::types::JsonValue;
use platform::transaction::Tx;
use service_types::schema::{Editor, GenerationContext, Parameters};
use service_types::unique_values::{UniqueValue, unique_values};

use super::context::{CompiledServiceType, ImportContext};
use super::{Progress, fail};
use crate::groups::GroupMember;
use crate::import_export::row::{ExtensionRow, MemberRow, RowFailure};
use crate::rules::{editor, parameters};
use crate::{Extension, sealed};

/// A row that passed the validation on its own.
pub(super) struct PlannedRow {
    pub(super) line: u64,
    /// The extension after the import.
    pub(super) row: Extension,
    /// The extension before the import; `None` for a new one.
    pub(super) before: Option<Extension>,
    pub(super) service_type: Arc<CompiledServiceType>,
    /// Username of the owner.
    pub(super) owner: String,
    /// The number row of a new extension.
    pub(super) number: Option<NumberRow>,
    pub(super) permissions: BTreeSet<CallPermissionId>,
    /// Values that must be unique among extensions.
    pub(super) unique_values: Vec<UniqueValue>,
    pub(super) fallback_number: Option<Number>,
    /// Members in the file; `None` where they stay unchanged.
    pub(super) members: Option<Vec<MemberRow>>,
    /// Changes of the members, after [`super::resolve`]; `None` where they stay unchanged.
    pub(super) memberships: Option<Memberships>,
}

/// Memberships of a group after the import, with the difference to the database.
#[derive(Default)]
pub(super) struct Memberships {
    /// All memberships after the import.
    pub(super) all: Vec<GroupMember>,
    pub(super) added: Vec<GroupMember>,
    pub(super) changed: Vec<GroupMember>,
    pub(super) removed: Vec<GroupMemberId>,
}

impl Memberships {
    /// Returns whether the import changes any membership.
    pub(super) const fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }
}

/// Validates every row. Returns the valid rows, and the numbers of the rows with failures.
///
/// # Errors
/// When the database fails; failures of rows are added to `failures`.
pub(super) async fn validate_all(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    rows: Vec<(u64, ExtensionRow)>,
    progress: &Progress,
    failures: &mut Vec<RowFailure>,
) -> Result<(Vec<PlannedRow>, HashSet<String>), Error> {
    let (mut planned, mut failed) = (Vec::with_capacity(rows.len()), HashSet::new());
    let mut earlier = BTreeSet::new();
    for (line, row) in rows {
        let number = row.number.as_str().to_owned();
        let failures_before = failures.len();
        let validated = validate_row(tx, permit, context, (line, row), failures).await?;
        match validated.filter(|_| failures.len() == failures_before) {
            None => drop(failed.insert(number)),
            Some(found) => match prefix_conflict(&earlier, &found) {
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
        progress.complete_step();
    }
    Ok((planned, failed))
}

/// Returns a conflict if one of two new numbers of the file is a prefix of the other. Numbers inside ranges have none.
fn prefix_conflict(earlier: &BTreeSet<String>, found: &PlannedRow) -> Option<UserError> {
    let number = &found.number.as_ref()?.number;
    let shorter = (1..number.len()).filter_map(|length| number.get(..length)).find(|text| earlier.contains(*text));
    let longer = earlier.range(number.clone()..).next().map(String::as_str).filter(|text| text.starts_with(number));
    let other = shorter.or(longer)?;
    let message = format!("{number} cannot stand beside {other}: one begins with the other.");
    Some(UserError::new(UserErrorKind::Conflict, "number", message))
}

/// Validates a row. `None` if it has failures that prevent a plan.
async fn validate_row(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    (line, row): (u64, ExtensionRow),
    failures: &mut Vec<RowFailure>,
) -> Result<Option<PlannedRow>, Error> {
    let service_type = context.service_types.get(&row.service_type);
    if service_type.is_none() {
        fail(failures, line, "service_type", UserError::not_found("", "There is no such service type."));
    }
    let owner = context.owners.get(&row.owner).copied();
    if owner.is_none() {
        fail(failures, line, "owner", UserError::not_found("", "There is no account of this name."));
    }
    let permissions = find_permissions(context, line, &row.permissions, failures);
    let before = context.extensions.get(row.number.as_str());
    let number = match before {
        Some(_) => None,
        None => check_number(tx, permit, context, (line, &row.number, owner), failures).await?,
    };
    let (Some(service_type), Some(owner)) = (service_type, owner) else { return Ok(None) };
    for (column, problem) in check_type_and_owner(service_type, owner, before) {
        fail(failures, line, column, problem);
    }
    let mut extension = match before {
        Some(before) => before.clone(),
        None => {
            let keys = (context.event.id, service_type.row.id, owner);
            Extension::new(ExtensionId::new(tx.rng(), tx.now), keys, row.number.as_str(), tx.now)
        }
    };
    extension.label = row.label.into_string();
    extension.visibility = row.visibility;
    let input = ParameterInput { owner: &row.owner, parameters: row.parameters };
    let Some(unique_values) = apply_parameters(tx, permit, service_type, &mut extension, input, (line, failures))?
    else {
        return Ok(None);
    };
    Ok(Some(PlannedRow {
        line,
        row: extension,
        before: before.cloned(),
        service_type: Arc::clone(service_type),
        owner: row.owner,
        number,
        permissions,
        unique_values,
        fallback_number: row.fallback_number,
        members: row.members,
        memberships: None,
    }))
}

/// Finds the ids of call permissions by their slugs. Unknown slugs are failures.
fn find_permissions(
    context: &ImportContext,
    line: u64,
    slugs: &[String],
    failures: &mut Vec<RowFailure>,
) -> BTreeSet<CallPermissionId> {
    let mut found = BTreeSet::new();
    for slug in slugs {
        match context.permissions.get(slug) {
            Some(id) => drop(found.insert(*id)),
            None => {
                let message = format!("There is no call permission {slug:?}.");
                fail(failures, line, "permissions", UserError::not_found("", message));
            }
        }
    }
    found
}

/// Checks the service type and the owner of a row, and returns problems by column. The service type of a new extension must
/// not be retired; an existing extension keeps both.
fn check_type_and_owner(
    service_type: &CompiledServiceType,
    owner: AccountId,
    before: Option<&Extension>,
) -> Vec<(&'static str, UserError)> {
    let conflict = |message: &str| UserError::new(UserErrorKind::Conflict, "", message);
    let mut found = Vec::new();
    match before {
        None if service_type.row.retired => {
            found.push(("service_type", conflict("This service type is retired.")));
        }
        None => {}
        Some(before) => {
            if before.service_type_id != service_type.row.id {
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

/// Returns the row of a new extension's number, if it is available to the owner.
async fn check_number(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    (line, number, owner): (u64, &Number, Option<AccountId>),
    failures: &mut Vec<RowFailure>,
) -> Result<Option<NumberRow>, Error> {
    let plan_rules = PlanRules { ranges: &context.ranges, reserved: &context.reserved };
    match check_assignable(tx, permit, &context.event, number, plan_rules).await {
        Ok(()) => {}
        Err(Error::User(problems)) => {
            problems.into_iter().for_each(|problem| fail(failures, line, "number", problem));
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    let Some(row) = context.numbers.get(number.as_str()) else {
        return Ok(Some(unsaved_row(tx, Some(context.event.id), number.as_str())));
    };
    if let Err(problem) = check_not_barred(context.barring_reasons.get(&row.id).map(String::as_str)) {
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

/// Parameters of a row, with the username for generated values.
struct ParameterInput<'a> {
    owner: &'a str,
    parameters: Parameters,
}

/// Writes the parameters into the extension and returns the unique values. Unchanged secrets keep their ciphertext, so an
/// unchanged row compares equal.
fn apply_parameters(
    tx: &Tx<'_>,
    permit: &Permit,
    service_type: &CompiledServiceType,
    row: &mut Extension,
    input: ParameterInput<'_>,
    (line, failures): (u64, &mut Vec<RowFailure>),
) -> Result<Option<Vec<UniqueValue>>, Error> {
    let current = parameters::all(tx, row)?;
    let source = GenerationContext { number: &row.number, username: input.owner, rng: tx.rng() };
    let editor = if matches!(permit.actor(), Actor::System(_)) { Editor::Import } else { editor(permit) };
    let values = match parameters::replace(&service_type.schema, current, input.parameters, editor, &source) {
        Ok(values) => values,
        Err(Error::User(problems)) => {
            for problem in problems {
                let path = problem.path.get(1..).unwrap_or_default().join("/");
                let message =
                    if path.is_empty() { problem.message.clone() } else { format!("{path}: {}", problem.message) };
                fail(failures, line, "parameters", UserError { message, ..problem });
            }
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let unique_values = unique_values(
        &service_type.schema,
        &values,
        row.event_id,
        row.service_type_id,
        service_type.comparison_key.as_ref(),
    )?;
    let parts = service_type.schema.split(values);
    row.parameters = JsonValue(parts.public.into());
    row.status = JsonValue(parts.status.into());
    if sealed::open(tx.sealer(), row.id, row.secrets.as_deref())? != parts.secrets {
        row.secrets = sealed::seal(tx.sealer(), row.id, &parts.secrets)?;
    }
    Ok(Some(unique_values))
}

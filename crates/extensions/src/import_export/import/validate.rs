//! Validation of a single row: it creates an extension, changes one, or fails.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use numbering::number::Number;
use numbers::{NumberRow, check_assignable, check_available, check_not_barred, prefix_conflict, unsaved_row};
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, CallPermissionId, ExtensionId, GroupMemberId};
use platform::transaction::Tx;
use service_types::schema::Editor;
use service_types::unique_values::UniqueValue;

use super::Progress;
use super::context::ImportContext;
use crate::Extension;
use crate::groups::GroupMember;
use crate::import_export::row::{ExtensionRow, MemberRow, RowFailure};
use crate::rules::parameters::{self, CompiledServiceType, NewValues, ParameterChange};
use crate::rules::{Offer, Problems, editor, find_permissions};

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

/// The rows of a file after the validation of each on its own.
#[derive(Default)]
pub(super) struct ValidatedRows {
    pub(super) planned: Vec<PlannedRow>,
    /// Rows with failures that can be checked further, so that all of their failures are reported.
    pub(super) refused: Vec<PlannedRow>,
    /// The numbers of all rows with failures.
    pub(super) failed: HashSet<String>,
}

/// Validates every row.
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
) -> Result<ValidatedRows, Error> {
    let mut validated = ValidatedRows::default();
    let mut earlier = BTreeSet::new();
    for (line, row) in rows {
        let number = row.number.as_str().to_owned();
        let mut problems = Problems::default();
        let planned = validate_row(tx, permit, context, (line, row), &mut problems).await?;
        if problems.is_empty() {
            problems.extend(planned.as_ref().and_then(|planned| conflict_in_file(&earlier, planned)));
        }
        match planned {
            Some(planned) if problems.is_empty() => {
                if planned.number.is_some() {
                    earlier.insert(number);
                }
                validated.planned.push(planned);
            }
            planned => {
                validated.refused.extend(planned);
                validated.failed.insert(number);
            }
        }
        failures.extend(problems.into_iter().map(|problem| RowFailure::of(line, problem)));
        progress.complete_step();
    }
    Ok(validated)
}

/// Returns a conflict if one of two new numbers of the file is a prefix of the other. Numbers inside ranges have none.
fn conflict_in_file(earlier: &BTreeSet<String>, found: &PlannedRow) -> Option<UserError> {
    let number = &found.number.as_ref()?.number;
    let shorter = (1..number.len()).filter_map(|length| number.get(..length)).find(|text| earlier.contains(*text));
    let longer = earlier.range(number.clone()..).next().map(String::as_str).filter(|text| text.starts_with(number));
    Some(prefix_conflict(number, shorter.or(longer)?))
}

/// Validates a row. `None` if it has problems that prevent a plan.
async fn validate_row(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    (line, row): (u64, ExtensionRow),
    problems: &mut Problems,
) -> Result<Option<PlannedRow>, Error> {
    let service_type = context.service_types.get(&row.service_type);
    let no_type = || UserError::not_found("serviceType", "There is no such service type.");
    let service_type = problems.collect(service_type.ok_or_else(no_type));
    let owner = context.owners.get(&row.owner).copied();
    let owner =
        problems.collect(owner.ok_or_else(|| UserError::not_found("owner", "There is no account of this name.")));
    let permissions = find_permissions(&row.permissions, |slug| context.permissions.get(slug).copied());
    let permissions = problems.collect_all(permissions.map_err(Error::from))?.unwrap_or_default();
    let before = context.extensions.get(row.number.as_str());
    let number = match before {
        Some(_) => None,
        None => problems.collect_all(check_number(tx, permit, context, &row.number, owner).await)?,
    };
    let (Some(service_type), Some(owner)) = (service_type, owner) else { return Ok(None) };
    problems.extend(match before {
        None => Offer::Staff.check(&service_type.row),
        Some(before) => check_unchanged_type_and_owner(service_type, owner, before),
    });
    let mut extension = match before {
        Some(before) => before.clone(),
        None => {
            let keys = (context.event.id, service_type.row.id, owner);
            Extension::new(ExtensionId::new(tx.rng(), tx.now), keys, row.number.as_str(), tx.now)
        }
    };
    extension.label = row.label.into_string();
    extension.visibility = row.visibility;
    let change = ParameterChange {
        values: NewValues::Replacement(row.parameters),
        editor: if matches!(permit.actor(), Actor::System(_)) { Editor::Import } else { editor(permit) },
        username: &row.owner,
        is_registration: before.is_none(),
    };
    let changed = problems.collect_all(parameters::change(tx, service_type, &mut extension, change))?;
    Ok(changed.map(|changed| PlannedRow {
        line,
        row: extension,
        before: before.cloned(),
        service_type: Arc::clone(service_type),
        owner: row.owner,
        number,
        permissions: permissions.into_iter().collect(),
        unique_values: changed.unique_values,
        fallback_number: row.fallback_number,
        members: row.members,
        memberships: None,
    }))
}

/// Checks that a row leaves the service type and the owner of an existing extension unchanged.
fn check_unchanged_type_and_owner(
    service_type: &CompiledServiceType,
    owner: AccountId,
    before: &Extension,
) -> Vec<UserError> {
    let mut problems = Vec::new();
    if before.service_type_id != service_type.row.id {
        let message = "The number is in service on another service type, and an extension's never changes.";
        problems.push(UserError::new(UserErrorKind::Conflict, "serviceType", message));
    }
    if before.owner_id != owner {
        let message = "The number is in service for another account: transfer it first.";
        problems.push(UserError::new(UserErrorKind::Conflict, "owner", message));
    }
    problems
}

/// Returns the row of a new extension's number, if it is available to the owner. An unknown owner is a problem of its
/// own.
///
/// # Errors
/// At `number`, those of [`numbers::allocate`].
async fn check_number(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    number: &Number,
    owner: Option<AccountId>,
) -> Result<NumberRow, Error> {
    check_assignable(tx.conn, permit.is_staff(), &context.event, number, &context.plan).await?;
    let Some(row) = context.numbers.get(number.as_str()) else {
        return Ok(unsaved_row(tx, Some(context.event.id), number.as_str()));
    };
    let bar = context.barring_reasons.get(&row.id).map(String::as_str);
    match owner {
        Some(owner) => check_available(permit, row, bar, owner, false)?,
        None => check_not_barred(permit, bar)?,
    }
    Ok(row.clone())
}

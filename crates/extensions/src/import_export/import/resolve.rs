//! Resolution of references between rows: fallbacks, members and unique values. A row can refer to later rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use numbering::number::Number;
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError};
use platform::ids::{AccountId, ExtensionId, GroupMemberId};
use platform::transaction::Tx;
use service_types::ServiceBehaviour;
use service_types::unique_values::UniqueValue;

use super::context::ImportContext;
use super::validate::{Memberships, PlannedRow, ValidatedRows};
use crate::bulk_queries;
use crate::graph::{TooManyReached, find_loop};
use crate::groups::rules::{check_group, check_member, check_member_limit, new_membership_state};
use crate::groups::{self, GroupMember, MemberEdge, MembershipState};
use crate::import_export::row::{MemberRow, RowFailure};
use crate::rules::parameters::{CompiledServiceType, already_exists, taken_values};
use crate::rules::{Fallback, Problems, fallback, loops, not_in_service};

/// Unique values and call edges in the database.
struct ExistingLinks {
    holders: HashMap<UniqueValue, ExtensionId>,
    member_edges: Vec<MemberEdge>,
    fallbacks: Vec<(ExtensionId, ExtensionId)>,
}

/// Resolves the references and returns the rows without failures. In an import that is not atomic, a row that refers to
/// a failed row fails too; in an atomic one, this is no failure of its own.
///
/// # Errors
/// When the database fails; failures of rows are added to `failures`.
pub(super) async fn resolve_references(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    rows: ValidatedRows,
    atomic: bool,
    failures: &mut Vec<RowFailure>,
) -> Result<Vec<PlannedRow>, Error> {
    let ValidatedRows { mut planned, refused, failed } = rows;
    let failed = atomic.then_some(&failed);
    let existing = load(tx, context, planned.iter().chain(&refused)).await?;
    let index = ReferenceIndex::new(context, &planned, failed);
    for row in &refused {
        index.resolve_row(tx, permit, row, &existing, failures);
    }
    loop {
        let mut found = Vec::new();
        let index = ReferenceIndex::new(context, &planned, failed);
        let resolve = |row| index.resolve_row(tx, permit, row, &existing, &mut found);
        let resolved: Vec<RowLinks> = planned.iter().map(resolve).collect();
        found.extend(values_twice(&planned));
        for (row, links) in planned.iter_mut().zip(resolved) {
            links.fallback.store(&mut row.row);
            row.memberships = links.memberships;
        }
        found.extend(find_loops(permit, context, &planned, &existing));
        let failed_lines: HashSet<u64> = found.iter().map(|failure| failure.line).collect();
        failures.extend(found);
        if atomic || failed_lines.is_empty() {
            return Ok(planned);
        }
        planned.retain(|row| !failed_lines.contains(&row.line));
    }
}

async fn load<'r>(
    tx: &mut Tx<'_>,
    context: &ImportContext,
    rows: impl Iterator<Item = &'r PlannedRow> + Clone,
) -> Result<ExistingLinks, Error> {
    let unique_values: Vec<&UniqueValue> = rows.clone().flat_map(|row| &row.unique_values).collect();
    let holders = bulk_queries::holders_of_values(tx.conn, &unique_values).await?.into_iter().collect();
    let has_members = |row: &PlannedRow| row.members.as_ref().is_some_and(|members| !members.is_empty());
    let has_links = rows.into_iter().any(|row| row.fallback_number.is_some() || has_members(row));
    let event = context.event.id;
    Ok(ExistingLinks {
        holders,
        member_edges: if has_links {
            groups::queries::member_edges_of_event(tx.conn, event).await?
        } else {
            Vec::new()
        },
        fallbacks: if has_links { bulk_queries::fallbacks_of_event(tx.conn, event).await? } else { Vec::new() },
    })
}

/// Index of the numbers that rows can refer to.
struct ReferenceIndex<'a> {
    context: &'a ImportContext,
    planned: HashMap<&'a str, &'a PlannedRow>,
    /// Numbers of failed rows of an atomic import. A reference to one of them is no failure of its own.
    failed: Option<&'a HashSet<String>>,
    by_id: HashMap<ExtensionId, &'a PlannedRow>,
}

/// Target of a reference.
enum Target<'a> {
    Found {
        id: ExtensionId,
        owner: AccountId,
        service_type: Option<&'a CompiledServiceType>,
    },
    /// A row of the file with failures.
    Failed,
    Missing,
}

/// Resolved references of a row.
#[derive(Default)]
struct RowLinks {
    fallback: Fallback,
    memberships: Option<Memberships>,
}

impl<'a> ReferenceIndex<'a> {
    fn new(context: &'a ImportContext, planned: &'a [PlannedRow], failed: Option<&'a HashSet<String>>) -> Self {
        Self {
            context,
            planned: planned.iter().map(|planned| (planned.row.number.as_str(), planned)).collect(),
            failed,
            by_id: planned.iter().map(|planned| (planned.row.id, planned)).collect(),
        }
    }

    fn find(&self, number: &Number) -> Target<'a> {
        let number = number.as_str();
        if let Some(planned) = self.planned.get(number) {
            return Target::Found {
                id: planned.row.id,
                owner: planned.row.owner_id,
                service_type: Some(&planned.service_type),
            };
        }
        match self.context.extensions.get(number) {
            Some(row) => {
                let service_type = self.context.service_type_by_id(row.service_type_id).map(AsRef::as_ref);
                Target::Found { id: row.id, owner: row.owner_id, service_type }
            }
            None if self.failed.is_some_and(|failed| failed.contains(number)) => Target::Failed,
            None => Target::Missing,
        }
    }

    /// Resolves the references of a row, and adds its failures.
    fn resolve_row(
        &self,
        tx: &Tx<'_>,
        permit: &Permit,
        row: &PlannedRow,
        existing: &ExistingLinks,
        failures: &mut Vec<RowFailure>,
    ) -> RowLinks {
        let mut problems = Problems::default();
        problems.extend(self.shared_values(row, existing));
        let mut links = RowLinks::default();
        if let Some(number) = &row.fallback_number {
            let holder = match self.find(number) {
                Target::Failed => None,
                Target::Missing => Some(None),
                Target::Found { id, .. } => Some(Some(id)),
            };
            let fallback = holder.and_then(|holder| problems.collect(Fallback::to(number.clone(), holder)));
            links.fallback = fallback.unwrap_or_default();
        }
        let service_type = &row.service_type.row;
        let is_group = service_type.behaviour == ServiceBehaviour::CallGroup;
        if let Some(members) = row.members.as_ref().filter(|members| is_group || !members.is_empty())
            && problems.collect(check_group(service_type, &row.row.number, "members")).is_some()
        {
            links.memberships = Some(self.resolve_members(tx, permit, row, members, &mut problems));
        }
        failures.extend(problems.into_iter().map(|problem| RowFailure::of(row.line, problem)));
        links
    }

    fn resolve_members(
        &self,
        tx: &Tx<'_>,
        permit: &Permit,
        group: &PlannedRow,
        members: &[MemberRow],
        problems: &mut Problems,
    ) -> Memberships {
        let before = self.context.members.get(&group.row.id).map(Vec::as_slice).unwrap_or_default();
        let mut after = Memberships::default();
        for member in members {
            let (id, owner, service_type) = match self.find(&member.number) {
                Target::Failed => continue,
                Target::Missing => {
                    problems.extend([not_in_service("members", &member.number)]);
                    continue;
                }
                Target::Found { id, owner, service_type } => (id, owner, service_type),
            };
            let known = before.iter().find(|known| known.member_id == id);
            let row = GroupMember {
                id: known.map_or_else(|| GroupMemberId::new(tx.rng(), tx.now), |known| known.id),
                group_id: group.row.id,
                member_id: id,
                delay_seconds: i32::from(member.delay_seconds),
                paused: member.paused,
                membership: membership_state(permit, known, member.pending, owner, group.row.owner_id),
                created_at: known.map_or(tx.now, |known| known.created_at),
            };
            after.all.push(row.clone());
            match known {
                Some(known) if has_same_settings(known, &row) => {}
                Some(_) => after.changed.push(row),
                None => {
                    let is_capable =
                        |found: &CompiledServiceType| check_member(&found.row, member.number.as_str(), "members");
                    if problems.collect(service_type.map_or(Ok(()), is_capable)).is_some() {
                        after.added.push(row);
                    }
                }
            }
        }
        let stays = |id| after.all.iter().any(|row| row.id == id);
        after.removed = before.iter().map(|row| row.id).filter(|id| !stays(*id)).collect();
        if !after.added.is_empty() {
            // The last new member is the one that a full group refuses.
            let others = after.all.len().saturating_sub(1);
            problems.extend(check_member_limit(group.service_type.row.member_limit, others, "members").err());
        }
        after
    }

    /// Returns the unique values of a row that another extension has. A value that another row releases is available.
    fn shared_values(&self, planned: &PlannedRow, existing: &ExistingLinks) -> Vec<UserError> {
        let keeps = |holder: &ExtensionId, value: &UniqueValue| {
            self.by_id.get(holder).is_none_or(|other| other.unique_values.contains(value))
        };
        let holder_of =
            |value: &UniqueValue| existing.holders.get(value).copied().filter(|holder| keeps(holder, value));
        taken_values(planned.row.id, &planned.unique_values, holder_of)
    }
}

/// Returns the state of a membership after the import. The command restores the state in the file. For other callers a
/// known membership keeps its state, and a new one has that of an invitation.
fn membership_state(
    permit: &Permit,
    known: Option<&GroupMember>,
    pending: bool,
    owner: AccountId,
    group_owner: AccountId,
) -> MembershipState {
    match known {
        _ if is_restored(permit) && pending => MembershipState::Pending,
        _ if is_restored(permit) => MembershipState::Active,
        Some(known) => known.membership,
        None if pending => MembershipState::Pending,
        None => new_membership_state(permit, owner, group_owner),
    }
}

/// Whether the import restores an export with its memberships: that of the command.
const fn is_restored(permit: &Permit) -> bool {
    matches!(permit.actor(), Actor::System(_))
}

fn has_same_settings(known: &GroupMember, row: &GroupMember) -> bool {
    (known.delay_seconds, known.paused, known.membership) == (row.delay_seconds, row.paused, row.membership)
}

/// Returns the failures of rows with a unique value that an earlier row has.
fn values_twice(rows: &[PlannedRow]) -> Vec<RowFailure> {
    let mut first = BTreeMap::<&UniqueValue, u64>::new();
    let mut found = Vec::new();
    for planned in rows {
        for value in &planned.unique_values {
            let line = *first.entry(value).or_insert(planned.line);
            if line != planned.line {
                let message = format!("Line {line} has this value already.");
                let problem = UserError { message, ..already_exists(&value.parameter) };
                found.push(RowFailure::of(planned.line, problem));
            }
        }
    }
    found
}

/// Finds the loops of calls that the new edges of the rows close.
fn find_loops(
    permit: &Permit,
    context: &ImportContext,
    rows: &[PlannedRow],
    existing: &ExistingLinks,
) -> Vec<RowFailure> {
    let names: HashMap<ExtensionId, &str> = rows
        .iter()
        .map(|planned| (planned.row.id, planned.row.number.as_str()))
        .chain(context.extensions.values().map(|row| (row.id, row.number.as_str())))
        .collect();
    let call_graph = CallGraph::new(rows, existing);
    let mut found = Vec::new();
    for planned in rows {
        for (field, targets) in
            [("members", new_members(permit, context, planned)), (fallback::FIELD, new_fallback(planned))]
        {
            let problem = match find_loop(planned.row.id, targets, |from| call_graph.targets(*from)) {
                Ok(None) => continue,
                Ok(Some(path)) => {
                    let shown = |id: &ExtensionId| names.get(id).map_or("…", |number| number).to_owned();
                    loops::closed(path.iter().map(shown).collect(), field)
                }
                Err(TooManyReached) => loops::too_many_reached(field),
            };
            found.push(RowFailure::of(planned.line, problem));
        }
    }
    found
}

/// The members to which a group gets an edge. An invitation is checked like an edge, as it may be accepted at any time,
/// unless the import restores it.
fn new_members(permit: &Permit, context: &ImportContext, planned: &PlannedRow) -> Vec<ExtensionId> {
    let Some(memberships) = &planned.memberships else { return Vec::new() };
    let is_edge = |row: &&GroupMember| row.membership == MembershipState::Active || !is_restored(permit);
    let known = context.members.get(&planned.row.id).map(Vec::as_slice).unwrap_or_default();
    let was_pending = |id| known.iter().any(|row| row.id == id && row.membership == MembershipState::Pending);
    let is_activated = |row: &&GroupMember| row.membership == MembershipState::Active && was_pending(row.id);
    let activated = memberships.changed.iter().filter(is_activated);
    memberships.added.iter().filter(is_edge).chain(activated).map(|row| row.member_id).collect()
}

/// The extension to which a row newly falls back.
fn new_fallback(planned: &PlannedRow) -> Vec<ExtensionId> {
    let before = planned.before.as_ref().and_then(|before| before.fallback_extension_id);
    planned.row.fallback_extension_id.filter(|target| before != Some(*target)).into_iter().collect()
}

/// Call graph after the import: edges from groups to members, and from extensions to fallbacks.
struct CallGraph {
    members: HashMap<ExtensionId, Vec<ExtensionId>>,
    fallbacks: HashMap<ExtensionId, ExtensionId>,
}

impl CallGraph {
    fn new(rows: &[PlannedRow], existing: &ExistingLinks) -> Self {
        let mut members = HashMap::<ExtensionId, Vec<ExtensionId>>::new();
        for edge in &existing.member_edges {
            members.entry(edge.group_id).or_default().push(edge.member_id);
        }
        let mut fallbacks: HashMap<_, _> = existing.fallbacks.iter().copied().collect();
        for PlannedRow { row, memberships, .. } in rows {
            match row.fallback_extension_id {
                Some(to) => drop(fallbacks.insert(row.id, to)),
                None => drop(fallbacks.remove(&row.id)),
            }
            if let Some(memberships) = memberships {
                let active = memberships.all.iter().filter(|row| row.membership == MembershipState::Active);
                members.insert(row.id, active.map(|row| row.member_id).collect());
            }
        }
        Self { members, fallbacks }
    }

    fn targets(&self, id: ExtensionId) -> Vec<ExtensionId> {
        let members = self.members.get(&id).into_iter().flatten().copied();
        members.chain(self.fallbacks.get(&id).copied()).collect()
    }
}

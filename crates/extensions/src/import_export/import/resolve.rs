//! Resolution of references between rows: fallbacks, members and unique values. A row can refer to later rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use numbering::number::Number;
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, ExtensionId, GroupMemberId};
use platform::transaction::Tx;
use service_types::ServiceBehaviour;
use service_types::unique_values::UniqueValue;

use super::context::{CompiledServiceType, ImportContext};
use super::fail;
use super::validate::{Memberships, PlannedRow};
use crate::bulk_queries;
use crate::graph::find_loop;
use crate::groups::{self, GroupMember, MemberEdge, MembershipState};
use crate::import_export::row::{MemberRow, RowFailure};

/// Result of the validation of single rows.
pub(super) struct ValidatedRows {
    pub(super) planned: Vec<PlannedRow>,
    /// Numbers of the rows with failures.
    pub(super) failed: HashSet<String>,
    /// Whether a failure of one row prevents the import of all rows.
    pub(super) atomic: bool,
}

/// Unique values and call edges in the database.
struct ExistingLinks {
    holders: HashMap<UniqueValue, ExtensionId>,
    member_edges: Vec<MemberEdge>,
    fallbacks: Vec<(ExtensionId, ExtensionId)>,
}

/// Resolves the references and returns the rows without failures. In an import that is not atomic, a row that refers to a
/// failed row fails too.
///
/// # Errors
/// When the database fails; failures of rows are added to `failures`.
pub(super) async fn resolve_references(
    tx: &mut Tx<'_>,
    permit: &Permit,
    context: &ImportContext,
    mut rows: ValidatedRows,
    failures: &mut Vec<RowFailure>,
) -> Result<Vec<PlannedRow>, Error> {
    let existing = load(tx, context, &rows.planned).await?;
    loop {
        let failures_before = failures.len();
        let mut failed_lines = HashSet::new();
        let index = ReferenceIndex::new(context, &rows);
        let mut resolved = Vec::with_capacity(rows.planned.len());
        for planned in &rows.planned {
            let before = failures.len();
            resolved.push(index.resolve_row(tx, permit, planned, failures));
            if failures.len() > before {
                failed_lines.insert(planned.line);
            }
        }
        for (line, problem) in find_shared_values(&index, &existing) {
            fail(failures, line, "parameters", problem);
            failed_lines.insert(line);
        }
        drop(index);
        for (planned, links) in rows.planned.iter_mut().zip(resolved) {
            planned.row.fallback_extension_id = links.fallback;
            planned.row.fallback_number = links.external_number;
            planned.memberships = links.memberships;
        }
        for (line, column, problem) in find_loops(context, &rows.planned, &existing) {
            fail(failures, line, column, problem);
            failed_lines.insert(line);
        }
        if rows.atomic || failures.len() == failures_before {
            return Ok(rows.planned);
        }
        rows.planned.retain(|planned| !failed_lines.contains(&planned.line));
    }
}

async fn load(tx: &mut Tx<'_>, context: &ImportContext, planned: &[PlannedRow]) -> Result<ExistingLinks, Error> {
    let unique_values: Vec<&UniqueValue> = planned.iter().flat_map(|planned| &planned.unique_values).collect();
    let holders = bulk_queries::holders_of_values(tx.conn, &unique_values).await?.into_iter().collect();
    let has_members = |planned: &PlannedRow| planned.members.as_ref().is_some_and(|members| !members.is_empty());
    let has_links = planned.iter().any(|planned| planned.fallback_number.is_some() || has_members(planned));
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
    rows: &'a [PlannedRow],
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
    fallback: Option<ExtensionId>,
    external_number: Option<String>,
    memberships: Option<Memberships>,
}

impl<'a> ReferenceIndex<'a> {
    fn new(context: &'a ImportContext, rows: &'a ValidatedRows) -> Self {
        Self {
            context,
            planned: rows.planned.iter().map(|planned| (planned.row.number.as_str(), planned)).collect(),
            failed: rows.atomic.then_some(&rows.failed),
            rows: &rows.planned,
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

    fn resolve_row(
        &self,
        tx: &Tx<'_>,
        permit: &Permit,
        planned: &PlannedRow,
        failures: &mut Vec<RowFailure>,
    ) -> RowLinks {
        let mut links = RowLinks::default();
        match &planned.fallback_number {
            None => {}
            Some(number) => match self.find(number) {
                Target::Found { id, .. } => links.fallback = Some(id),
                Target::Failed => {}
                Target::Missing if number.is_e164() => links.external_number = Some(number.to_string()),
                Target::Missing => {
                    let message = format!("{number} is not in service.");
                    fail(failures, planned.line, "fallback_number", UserError::not_found("", message));
                }
            },
        }
        let Some(members) = &planned.members else { return links };
        if planned.service_type.row.behaviour == ServiceBehaviour::CallGroup {
            links.memberships = Some(self.resolve_members(tx, permit, planned, members, failures));
        } else if !members.is_empty() {
            let message = format!("{} is not a call group.", planned.row.number);
            fail(failures, planned.line, "members", UserError::invalid("", message));
        }
        links
    }

    fn resolve_members(
        &self,
        tx: &Tx<'_>,
        permit: &Permit,
        group: &PlannedRow,
        members: &[MemberRow],
        failures: &mut Vec<RowFailure>,
    ) -> Memberships {
        let before = self.context.members.get(&group.row.id).map(Vec::as_slice).unwrap_or_default();
        let mut after = Memberships::default();
        for member in members {
            let problem = match self.find(&member.number) {
                Target::Failed => continue,
                Target::Missing => UserError::not_found("", format!("{} is not in service.", member.number)),
                Target::Found { id, owner, service_type } => {
                    let known = before.iter().find(|known| known.member_id == id);
                    let state = membership_state(permit, known, member.pending, owner, group.row.owner_id);
                    let row = GroupMember {
                        id: known.map_or_else(|| GroupMemberId::new(tx.rng(), tx.now), |known| known.id),
                        group_id: group.row.id,
                        member_id: id,
                        delay_seconds: i32::from(member.delay_seconds),
                        paused: member.paused,
                        membership: state,
                        created_at: known.map_or(tx.now, |known| known.created_at),
                    };
                    after.all.push(row.clone());
                    match known {
                        Some(known) if has_same_settings(known, &row) => continue,
                        Some(_) => {
                            after.changed.push(row);
                            continue;
                        }
                        None if service_type.is_none_or(|service_type| service_type.row.group_capable) => {
                            after.added.push(row);
                            continue;
                        }
                        None => {
                            let message = format!("{} is of a kind that cannot be a group's member.", member.number);
                            UserError::invalid("", message)
                        }
                    }
                }
            };
            fail(failures, group.line, "members", problem);
        }
        let stays = |id| after.all.iter().any(|row| row.id == id);
        after.removed = before.iter().map(|row| row.id).filter(|id| !stays(*id)).collect();
        let limit = group.service_type.row.member_limit.filter(|_| !after.added.is_empty());
        if let Some(limit) = limit.filter(|limit| after.all.len() > usize::try_from(*limit).unwrap_or(0)) {
            let message = format!("A group of this kind has at most {limit} members.");
            fail(failures, group.line, "members", UserError::new(UserErrorKind::QuotaExceeded { limit }, "", message));
        }
        after
    }
}

/// Returns the state of a membership after the import. The command restores the state in the file. For other callers a
/// membership of another owner's extension stays pending until that owner accepts it.
fn membership_state(
    permit: &Permit,
    known: Option<&GroupMember>,
    pending: bool,
    owner: AccountId,
    group_owner: AccountId,
) -> MembershipState {
    let is_restored = matches!(permit.actor(), Actor::System(_));
    let is_own = owner == group_owner || permit.actor().account() == Some(owner);
    match known {
        Some(known) if !is_restored => known.membership,
        _ if pending || !(is_restored || is_own) => MembershipState::Pending,
        _ => MembershipState::Active,
    }
}

fn has_same_settings(known: &GroupMember, row: &GroupMember) -> bool {
    (known.delay_seconds, known.paused, known.membership) == (row.delay_seconds, row.paused, row.membership)
}

/// Returns the unique values that another extension or an earlier row has. A value that a row removes is available to other
/// rows.
fn find_shared_values(index: &ReferenceIndex<'_>, existing: &ExistingLinks) -> Vec<(u64, UserError)> {
    let by_id: HashMap<ExtensionId, &PlannedRow> = index.rows.iter().map(|planned| (planned.row.id, planned)).collect();
    let mut first = BTreeMap::<&UniqueValue, u64>::new();
    let mut found = Vec::new();
    for planned in index.rows {
        for value in &planned.unique_values {
            let stays = |holder: &ExtensionId| {
                *holder != planned.row.id && by_id.get(holder).is_none_or(|other| other.unique_values.contains(value))
            };
            let message = match (first.get(value), existing.holders.get(value)) {
                (Some(line), _) => format!("{}: Line {line} has this value already.", value.parameter),
                (None, Some(holder)) if stays(holder) => {
                    format!("{}: Another extension has this value.", value.parameter)
                }
                _ => {
                    first.insert(value, planned.line);
                    continue;
                }
            };
            found.push((planned.line, UserError::new(UserErrorKind::AlreadyExists, "", message)));
        }
    }
    found
}

/// Finds loops of calls over groups and fallbacks.
fn find_loops(
    context: &ImportContext,
    rows: &[PlannedRow],
    existing: &ExistingLinks,
) -> Vec<(u64, &'static str, UserError)> {
    let names: HashMap<ExtensionId, &str> = rows
        .iter()
        .map(|planned| (planned.row.id, planned.row.number.as_str()))
        .chain(context.extensions.values().map(|row| (row.id, row.number.as_str())))
        .collect();
    let call_graph = CallGraph::new(rows, existing);
    let mut found = Vec::new();
    for planned in rows.iter().filter(|planned| !call_graph.targets(planned.row.id).is_empty()) {
        let id = planned.row.id;
        let (column, problem) = match find_loop(id, |from| call_graph.targets(*from)) {
            Ok(None) => continue,
            Ok(Some(path)) => {
                let shown = |id: &ExtensionId| names.get(id).map_or("…", |number| number).to_owned();
                let cycle: Vec<String> = path.iter().map(shown).collect();
                let message = format!("Calls would go round for ever: {}.", cycle.join(" → "));
                (call_graph.column(id, path.get(1)), UserError::new(UserErrorKind::GroupLoop { cycle }, "", message))
            }
            Err(_) => {
                let message = "Too many extensions ring each other behind this one.";
                (call_graph.column(id, None), UserError::new(UserErrorKind::Conflict, "", message))
            }
        };
        found.push((planned.line, column, problem));
    }
    found
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

    /// Returns the column that contains the edge from an extension to `next`.
    fn column(&self, id: ExtensionId, next: Option<&ExtensionId>) -> &'static str {
        let is_member = self.members.get(&id).is_some_and(|members| next.is_none_or(|next| members.contains(next)));
        if is_member { "members" } else { "fallback_number" }
    }
}

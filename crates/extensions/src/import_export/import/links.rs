//! What rows say of each other: fallbacks, members, values that only one may have. A row may refer to rows further down.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fail;
use super::ground::{ImportContext, Kind};
use super::judge::{Memberships, Planned};
use crate::bulk_queries;
use crate::graph::find_loop;
use crate::groups::{self, GroupMember, MembershipState};
use crate::import_export::row::{MemberRow, RowFailure};
use numbering::number::Number;
use platform::access::{Actor, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::{AccountId, ExtensionId, GroupMemberId};
use platform::transaction::Tx;
use service_types::ServiceBehaviour;
use service_types::sealed::UniqueValue;

/// The rows that are left.
pub(super) struct Rows {
    pub(super) planned: Vec<Planned>,
    /// The numbers of rows that have failed.
    pub(super) failed: HashSet<String>,
    pub(super) atomic: bool,
}

/// What the database says of the rows' neighbours.
struct Beside {
    bearers: HashMap<UniqueValue, ExtensionId>,
    rung: Vec<(ExtensionId, ExtensionId)>,
    fallbacks: Vec<(ExtensionId, ExtensionId)>,
}

/// Resolves them, and gives the rows that are sound. Where bad rows are left out, a row that refers to one is bad too.
///
/// # Errors
/// When the database refuses; what is wrong with rows is noted.
pub(super) async fn resolve(
    tx: &mut Tx<'_>,
    permit: &Permit,
    ground: &ImportContext,
    mut rows: Rows,
    failures: &mut Vec<RowFailure>,
) -> Result<Vec<Planned>, Error> {
    let beside = load(tx, ground, &rows.planned).await?;
    loop {
        let known = failures.len();
        let mut bad = HashSet::new();
        let book = Book::of(ground, &rows);
        let mut resolved = Vec::with_capacity(rows.planned.len());
        for planned in &rows.planned {
            let before = failures.len();
            resolved.push(book.links(tx, permit, planned, failures));
            if failures.len() > before {
                bad.insert(planned.line);
            }
        }
        for (line, problem) in shared_values(&book, &beside) {
            fail(failures, line, "parameters", problem);
            bad.insert(line);
        }
        drop(book);
        for (planned, links) in rows.planned.iter_mut().zip(resolved) {
            planned.row.fallback_extension_id = links.fallback;
            planned.row.fallback_number = links.outside;
            planned.memberships = links.memberships;
        }
        for (line, column, problem) in loops(ground, &rows.planned, &beside) {
            fail(failures, line, column, problem);
            bad.insert(line);
        }
        if rows.atomic || failures.len() == known {
            return Ok(rows.planned);
        }
        rows.planned.retain(|planned| !bad.contains(&planned.line));
    }
}

async fn load(tx: &mut Tx<'_>, ground: &ImportContext, planned: &[Planned]) -> Result<Beside, Error> {
    let claims: Vec<&UniqueValue> = planned.iter().flat_map(|planned| &planned.claims).collect();
    let bearers = bulk_queries::holders_of_values(tx.conn, &claims).await?.into_iter().collect();
    let has_members = |planned: &Planned| planned.members.as_ref().is_some_and(|members| !members.is_empty());
    let has_links = planned.iter().any(|planned| planned.fallback.is_some() || has_members(planned));
    let event = ground.event.id;
    Ok(Beside {
        bearers,
        rung: if has_links { groups::queries::rings_of_event(tx.conn, event).await? } else { Vec::new() },
        fallbacks: if has_links { bulk_queries::fallbacks_of_event(tx.conn, event).await? } else { Vec::new() },
    })
}

/// The numbers that can be referred to once the import is done.
struct Book<'a> {
    ground: &'a ImportContext,
    planned: HashMap<&'a str, &'a Planned>,
    /// Rows that have failed, and will be there once they are mended.
    expected: Option<&'a HashSet<String>>,
    rows: &'a [Planned],
}

enum Target<'a> {
    There { id: ExtensionId, owner: AccountId, kind: Option<&'a Kind> },
    Expected,
    Missing,
}

/// What a row's links are.
#[derive(Default)]
struct Links {
    fallback: Option<ExtensionId>,
    outside: Option<String>,
    memberships: Option<Memberships>,
}

impl<'a> Book<'a> {
    fn of(ground: &'a ImportContext, rows: &'a Rows) -> Self {
        Self {
            ground,
            planned: rows.planned.iter().map(|planned| (planned.row.number.as_str(), planned)).collect(),
            expected: rows.atomic.then_some(&rows.failed),
            rows: &rows.planned,
        }
    }

    fn find(&self, number: &Number) -> Target<'a> {
        let number = number.as_str();
        if let Some(planned) = self.planned.get(number) {
            return Target::There { id: planned.row.id, owner: planned.row.owner_id, kind: Some(&planned.kind) };
        }
        match self.ground.present.get(number) {
            Some(row) => {
                let kind = self.ground.kind_of(row.service_type_id).map(AsRef::as_ref);
                Target::There { id: row.id, owner: row.owner_id, kind }
            }
            None if self.expected.is_some_and(|expected| expected.contains(number)) => Target::Expected,
            None => Target::Missing,
        }
    }

    fn links(&self, tx: &Tx<'_>, permit: &Permit, planned: &Planned, failures: &mut Vec<RowFailure>) -> Links {
        let mut links = Links::default();
        match &planned.fallback {
            None => {}
            Some(number) => match self.find(number) {
                Target::There { id, .. } => links.fallback = Some(id),
                Target::Expected => {}
                Target::Missing if number.is_e164() => links.outside = Some(number.to_string()),
                Target::Missing => {
                    let message = format!("{number} is not in service.");
                    fail(failures, planned.line, "fallback_number", UserError::not_found("", message));
                }
            },
        }
        let Some(members) = &planned.members else { return links };
        if planned.kind.service_type.behaviour == ServiceBehaviour::CallGroup {
            links.memberships = Some(self.memberships(tx, permit, planned, members, failures));
        } else if !members.is_empty() {
            let message = format!("{} is not a call group.", planned.row.number);
            fail(failures, planned.line, "members", UserError::invalid("", message));
        }
        links
    }

    fn memberships(
        &self,
        tx: &Tx<'_>,
        permit: &Permit,
        group: &Planned,
        members: &[MemberRow],
        failures: &mut Vec<RowFailure>,
    ) -> Memberships {
        let before = self.ground.members.get(&group.row.id).map(Vec::as_slice).unwrap_or_default();
        let mut after = Memberships::default();
        for member in members {
            let wrong = match self.find(&member.number) {
                Target::Expected => continue,
                Target::Missing => UserError::not_found("", format!("{} is not in service.", member.number)),
                Target::There { id, owner, kind } => {
                    let known = before.iter().find(|known| known.member_id == id);
                    let state = membership(permit, known, member.pending, owner == group.row.owner_id, owner);
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
                        Some(known) if is_same(known, &row) => continue,
                        Some(_) => {
                            after.changed.push(row);
                            continue;
                        }
                        None if kind.is_none_or(|kind| kind.service_type.group_capable) => {
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
            fail(failures, group.line, "members", wrong);
        }
        let stays = |id| after.all.iter().any(|row| row.id == id);
        after.removed = before.iter().map(|row| row.id).filter(|id| !stays(*id)).collect();
        let limit = group.kind.service_type.member_limit.filter(|_| !after.added.is_empty());
        if let Some(limit) = limit.filter(|limit| after.all.len() > usize::try_from(*limit).unwrap_or(0)) {
            let message = format!("A group of this kind has at most {limit} members.");
            fail(failures, group.line, "members", UserError::new(UserErrorKind::QuotaExceeded { limit }, "", message));
        }
        after
    }
}

/// Whether a member has agreed: the command restores what the file says; for an operator nobody but the member's owner says yes.
fn membership(
    permit: &Permit,
    known: Option<&GroupMember>,
    pending: bool,
    is_own: bool,
    owner: AccountId,
) -> MembershipState {
    let is_restored = matches!(permit.actor(), Actor::System(_));
    let is_own = is_own || permit.actor().account() == Some(owner);
    match known {
        Some(known) if !is_restored => known.membership,
        _ if pending || !(is_restored || is_own) => MembershipState::Pending,
        _ => MembershipState::Active,
    }
}

fn is_same(known: &GroupMember, row: &GroupMember) -> bool {
    (known.delay_seconds, known.paused, known.membership) == (row.delay_seconds, row.paused, row.membership)
}

/// Values that another extension has, or an earlier row. A value that a row gives up is free for the others.
fn shared_values(book: &Book<'_>, beside: &Beside) -> Vec<(u64, UserError)> {
    let by_id: HashMap<ExtensionId, &Planned> = book.rows.iter().map(|planned| (planned.row.id, planned)).collect();
    let mut first = BTreeMap::<&UniqueValue, u64>::new();
    let mut found = Vec::new();
    for planned in book.rows {
        for claim in &planned.claims {
            let stays = |bearer: &ExtensionId| {
                *bearer != planned.row.id && by_id.get(bearer).is_none_or(|other| other.claims.contains(claim))
            };
            let message = match (first.get(claim), beside.bearers.get(claim)) {
                (Some(line), _) => format!("{}: Line {line} has this value already.", claim.parameter),
                (None, Some(bearer)) if stays(bearer) => {
                    format!("{}: Another extension has this value.", claim.parameter)
                }
                _ => {
                    first.insert(claim, planned.line);
                    continue;
                }
            };
            found.push((planned.line, UserError::new(UserErrorKind::AlreadyExists, "", message)));
        }
    }
    found
}

/// Calls that would go round for ever, by groups and fallbacks together.
fn loops(ground: &ImportContext, rows: &[Planned], beside: &Beside) -> Vec<(u64, &'static str, UserError)> {
    let names: HashMap<ExtensionId, &str> = rows
        .iter()
        .map(|planned| (planned.row.id, planned.row.number.as_str()))
        .chain(ground.present.values().map(|row| (row.id, row.number.as_str())))
        .collect();
    let edges = Edges::of(rows, beside);
    let mut found = Vec::new();
    for planned in rows.iter().filter(|planned| !edges.from(planned.row.id).is_empty()) {
        let id = planned.row.id;
        let (column, problem) = match find_loop(id, |from| edges.from(*from)) {
            Ok(None) => continue,
            Ok(Some(path)) => {
                let shown = |id: &ExtensionId| names.get(id).map_or("…", |number| number).to_owned();
                let cycle: Vec<String> = path.iter().map(shown).collect();
                let message = format!("Calls would go round for ever: {}.", cycle.join(" → "));
                (edges.column(id, path.get(1)), UserError::new(UserErrorKind::GroupLoop { cycle }, "", message))
            }
            Err(_) => {
                let message = "Too many extensions ring each other behind this one.";
                (edges.column(id, None), UserError::new(UserErrorKind::Conflict, "", message))
            }
        };
        found.push((planned.line, column, problem));
    }
    found
}

/// Which extensions hand calls on to which, as they will.
struct Edges {
    rung: HashMap<ExtensionId, Vec<ExtensionId>>,
    fallbacks: HashMap<ExtensionId, ExtensionId>,
}

impl Edges {
    fn of(rows: &[Planned], beside: &Beside) -> Self {
        let mut rung = HashMap::<ExtensionId, Vec<ExtensionId>>::new();
        for (from, to) in &beside.rung {
            rung.entry(*from).or_default().push(*to);
        }
        let mut fallbacks: HashMap<_, _> = beside.fallbacks.iter().copied().collect();
        for Planned { row, memberships, .. } in rows {
            match row.fallback_extension_id {
                Some(to) => drop(fallbacks.insert(row.id, to)),
                None => drop(fallbacks.remove(&row.id)),
            }
            if let Some(memberships) = memberships {
                let active = memberships.all.iter().filter(|row| row.membership == MembershipState::Active);
                rung.insert(row.id, active.map(|row| row.member_id).collect());
            }
        }
        Self { rung, fallbacks }
    }

    fn from(&self, id: ExtensionId) -> Vec<ExtensionId> {
        let rung = self.rung.get(&id).into_iter().flatten().copied();
        rung.chain(self.fallbacks.get(&id).copied()).collect()
    }

    /// The column of the step from an extension to the next.
    fn column(&self, id: ExtensionId, next: Option<&ExtensionId>) -> &'static str {
        let is_rung = self.rung.get(&id).is_some_and(|rung| next.is_none_or(|next| rung.contains(next)));
        if is_rung { "members" } else { "fallback_number" }
    }
}

//! Lists of the feed, written as JSON text along the selection.
//!
//! The selection set is compiled once into a plan, fragments and aliases honoured (the edge has applied `@skip` and `@include`);
//! then each row is written field by field. Selections of one field that are written more than once are merged (GraphQL,
//! section 6.3.2); where the *list* itself is selected more than once in a document, its parts are given as ordinary values,
//! which async-graphql merges.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use serde::Serialize;

use super::shapes::{FeedChange, FeedExtension};
use crate::changes::Keys;
use crate::graphql::error::ApiError;
use crate::problem::Fault;
use crate::provisioning::model::{Change, ChangesPage, Content, Member, SnapshotPage};

/// The entries of a snapshot's page.
pub struct Entries(pub Arc<SnapshotPage>);

/// The changes of a page.
pub struct Changes(pub Arc<ChangesPage>);

impl OutputType for Entries {
    fn type_name() -> Cow<'static, str> {
        <Vec<FeedExtension>>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<FeedExtension>>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let plan = Plan::compile(ctx, "FeedExtension");
        answer(ctx, field, self.0.entries.iter().map(|content| (&plan, content as &dyn Row)))
    }
}

impl OutputType for Changes {
    fn type_name() -> Cow<'static, str> {
        <Vec<FeedChange>>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<FeedChange>>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let (upsert, removal) = (Plan::compile(ctx, "FeedUpsert"), Plan::compile(ctx, "FeedRemoval"));
        let plan = |change: &Change| if matches!(change, Change::Upsert { .. }) { &upsert } else { &removal };
        answer(ctx, field, self.0.changes.iter().map(|change| (plan(change), change as &dyn Row)))
    }
}

fn answer<'r>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    rows: impl Iterator<Item = (&'r Plan, &'r dyn Row)>,
) -> ServerResult<Value> {
    let mut out = vec![b'['];
    for (place, (plan, row)) in rows.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        plan.write(row, &mut out).map_err(|fault| broken(field, fault))?;
    }
    out.push(b']');
    if is_selected_once(ctx, field) {
        return Ok(Value::Binary(out.into()));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&out).map_err(|error| broken(field, Fault::internal(error)))?;
    Value::from_json(json).map_err(|error| broken(field, Fault::internal(error)))
}

fn broken(field: &Positioned<Field>, fault: Fault) -> async_graphql::ServerError {
    async_graphql::Error::from(ApiError::from(fault)).into_server_error(field.pos)
}

/// Whether the document selects the field under its response key but once, so that nothing has to be merged with it.
fn is_selected_once(ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> bool {
    let key = &field.node.response_key().node;
    let mut sets: Vec<&SelectionSet> = vec![&ctx.query_env.operation.node.selection_set.node];
    sets.extend(ctx.query_env.fragments.values().map(|fragment| &fragment.node.selection_set.node));
    let mut found = 0;
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(other) => {
                    found += usize::from(other.node.response_key().node == *key);
                    sets.push(&other.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => sets.push(&fragment.node.selection_set.node),
                // A fragment spread twice selects its fields twice, but the same ones: nothing is lost with the second.
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    found < 2
}

/// What is selected of one type: response keys as JSON text, with the field behind each.
struct Plan {
    type_name: &'static str,
    items: Vec<Item>,
}

struct Item {
    /// `"key":`
    key: Vec<u8>,
    name: String,
    below: Option<Plan>,
}

/// One thing of a planned type.
trait Row {
    /// Writes the value of a field as JSON text.
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), Fault>;
}

impl Plan {
    fn compile(ctx: &ContextSelectionSet<'_>, type_name: &'static str) -> Self {
        Self::of(ctx, type_name, &[&ctx.item.node])
    }

    fn of(ctx: &ContextSelectionSet<'_>, type_name: &'static str, sets: &[&SelectionSet]) -> Self {
        let mut fields: IndexMap<&str, Vec<&Field>> = IndexMap::new();
        let mut waiting: Vec<&Positioned<Selection>> =
            sets.iter().rev().flat_map(|set| set.items.iter().rev()).collect();
        let applies = |condition: &str| condition == type_name || condition == "FeedChange";
        while let Some(selection) = waiting.pop() {
            let set = match &selection.node {
                Selection::Field(field) => {
                    fields.entry(field.node.response_key().node.as_str()).or_default().push(&field.node);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    condition
                        .is_none_or(|condition| applies(&condition.node.on.node))
                        .then_some(&fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node);
                    fragment
                        .filter(|fragment| applies(&fragment.node.type_condition.node.on.node))
                        .map(|fragment| &fragment.node.selection_set.node)
                }
            };
            waiting.extend(set.into_iter().flat_map(|set| set.items.iter().rev()));
        }
        let item = |(key, same): (&str, Vec<&Field>)| {
            let name = same.first().map(|field| field.name.node.to_string()).unwrap_or_default();
            let below: Vec<&SelectionSet> = same.iter().map(|field| &field.selection_set.node).collect();
            let below = nested(type_name, &name).map(|type_name| Self::of(ctx, type_name, &below));
            // A GraphQL name needs no escaping.
            Item { key: format!("\"{key}\":").into_bytes(), name, below }
        };
        Self { type_name, items: fields.into_iter().map(item).collect() }
    }

    fn write(&self, row: &dyn Row, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.push(b'{');
        for (place, item) in self.items.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&item.key);
            if item.name == "__typename" {
                json(self.type_name, out)?;
            } else {
                row.write(&item.name, item.below.as_ref(), out)?;
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn write_list<'r, R: Row + 'r>(
        plan: Option<&Self>,
        rows: impl IntoIterator<Item = &'r R>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let plan = plan.ok_or_else(|| Fault::internal("a list of the feed was selected without fields"))?;
        out.push(b'[');
        for (place, row) in rows.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            plan.write(row, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

/// The type of an object field of the feed.
fn nested(type_name: &str, field: &str) -> Option<&'static str> {
    match (type_name, field) {
        ("FeedUpsert", "extension") => Some("FeedExtension"),
        ("FeedUpsert", "previous") | ("FeedRemoval", "keys") => Some("FeedKeys"),
        ("FeedExtension", "members") => Some("FeedMember"),
        _ => None,
    }
}

fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    serde_json::to_writer(out, value).map_err(Fault::internal)
}

fn unknown(type_name: &str, field: &str) -> Fault {
    Fault::internal(format!("{type_name} has no field {field}"))
}

/// Ids and numbers need no escaping.
fn plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn names(names: impl Iterator<Item = &'static str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, name) in names.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        plain(name, out);
    }
    out.push(b']');
}

impl Row for Content {
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match field {
            "id" => write!(out, "\"Extension:{}\"", self.id.0.simple())?,
            "slot" => write!(out, "{}", self.slot)?,
            "number" => plain(&self.number, out),
            "label" => json(&self.label, out)?,
            "asciiLabel" => json(&self.ascii_label, out)?,
            "parameters" => out.extend_from_slice(self.parameters.as_bytes()),
            "secrets" => json(&self.secrets, out)?,
            "digests" => json(&self.digests, out)?,
            "permissions" => json(&self.permissions, out)?,
            "fallbackNumber" => json(&self.fallback_number, out)?,
            "active" => json(&self.active(), out)?,
            "restrictions" => names(self.restrictions.iter().map(|source| source.as_str()), out),
            "effects" => names(self.effects.iter().map(|effect| effect.as_str()), out),
            "members" => match &self.members {
                Some(members) => Plan::write_list(below, members, out)?,
                None => out.extend_from_slice(b"null"),
            },
            "ownerUsername" => json(&self.owner_username, out)?,
            "visibility" => plain(self.visibility.as_str(), out),
            "version" => plain(&self.version, out),
            "updatedAt" => write!(out, "\"{}\"", self.updated_at)?,
            other => return Err(unknown("FeedExtension", other)),
        }
        Ok(())
    }
}

impl Row for Member {
    fn write(&self, field: &str, _: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match field {
            "number" => plain(&self.number, out),
            "delaySeconds" => write!(out, "{}", self.delay_seconds)?,
            "paused" => json(&self.paused, out)?,
            "active" => json(&self.active, out)?,
            other => return Err(unknown("FeedMember", other)),
        }
        Ok(())
    }
}

impl Row for Keys {
    fn write(&self, field: &str, _: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match field {
            "number" => plain(&self.number, out),
            "parameters" => json(&self.parameters, out)?,
            other => return Err(unknown("FeedKeys", other)),
        }
        Ok(())
    }
}

impl Row for Change {
    fn write(&self, field: &str, below: Option<&Plan>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match (self, field) {
            (Self::Upsert { content, .. }, "extension") => {
                let plan = below.ok_or_else(|| unknown("FeedUpsert", field))?;
                plan.write(content.as_ref(), out)
            }
            (Self::Upsert { previous: keys, .. }, "previous") | (Self::Removal { keys, .. }, "keys") => {
                Plan::write_list(below, keys, out)
            }
            (Self::Removal { id, .. }, "id") => json(&id.global(), out),
            (Self::Removal { slot, .. }, "slot") => json(slot, out),
            (_, other) => Err(unknown("FeedChange", other)),
        }
    }
}

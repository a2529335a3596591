//! Lists of the feed, written as JSON text along the selection.
//!
//! The selection set is compiled once into a plan, fragments and aliases honoured (the edge has applied `@skip` and `@include`);
//! then each row is written field by field. Selections of one field that are written more than once are merged (GraphQL,
//! section 6.3.2); where the *list* itself is selected more than once in a document, its parts are given as ordinary values,
//! which async-graphql merges.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::shapes::{FeedChange, FeedExtension};
use platform::error::InternalError;
use crate::graphql::error::ApiError;
use provisioning::json::{Item, Plan, Row, nested};
use provisioning::model::{Change, ChangesPage, SnapshotPage};

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
        let plan = compile(ctx, "FeedExtension");
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
        let (upsert, removal) = (compile(ctx, "FeedUpsert"), compile(ctx, "FeedRemoval"));
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
        serde_json::from_slice(&out).map_err(|error| broken(field, InternalError::new(error)))?;
    Value::from_json(json).map_err(|error| broken(field, InternalError::new(error)))
}

fn broken(field: &Positioned<Field>, fault: InternalError) -> async_graphql::ServerError {
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

/// Compiles a selection.
fn compile(ctx: &ContextSelectionSet<'_>, type_name: &'static str) -> Plan {
    of(ctx, type_name, &[&ctx.item.node])
}

fn of(ctx: &ContextSelectionSet<'_>, type_name: &'static str, sets: &[&SelectionSet]) -> Plan {
    let mut fields: IndexMap<&str, Vec<&Field>> = IndexMap::new();
    let mut waiting: Vec<&Positioned<Selection>> = sets.iter().rev().flat_map(|set| set.items.iter().rev()).collect();
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
        let below = nested(type_name, &name).map(|type_name| of(ctx, type_name, &below));
        // A GraphQL name needs no escaping.
        Item { key: format!("\"{key}\":").into_bytes(), name, below }
    };
    Plan { type_name, items: fields.into_iter().map(item).collect() }
}

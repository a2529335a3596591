//! Lists of the feed, written as JSON text along the selection set.
//!
//! The selection set is compiled once into a [`Projection`], with fragments and aliases (the HTTP edge has already
//! applied `@skip` and `@include`); then each object is written field by field. Several selections of one field are
//! merged (GraphQL, section 6.3.2). Where a document selects the *list* itself more than once, the list is returned as
//! an ordinary value, which async-graphql merges.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};

use super::types::{FeedChange, FeedExtension};
use crate::graphql::error::ApiError;
use platform::error::InternalError;
use provisioning::json::{FieldWriter, ProjectedField, Projection, nested_type};
use provisioning::model::{Change, ChangesPage, SnapshotPage};

/// The entries of a snapshot page.
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
        let projection = compile(ctx, "FeedExtension");
        write_list(ctx, field, self.0.entries.iter().map(|content| (&projection, content as &dyn FieldWriter)))
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
        let projected = |change: &Change| match change {
            Change::Upsert { .. } => &upsert,
            Change::Removal { .. } => &removal,
        };
        write_list(ctx, field, self.0.changes.iter().map(|change| (projected(change), change as &dyn FieldWriter)))
    }
}

/// Writes a list of objects: as JSON text, or as an ordinary value where the list must be merged.
fn write_list<'r>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    objects: impl Iterator<Item = (&'r Projection, &'r dyn FieldWriter)>,
) -> ServerResult<Value> {
    let mut out = vec![b'['];
    for (index, (projection, object)) in objects.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        projection.write(object, &mut out).map_err(|error| server_error(field, error))?;
    }
    out.push(b']');
    if is_selected_once(ctx, field) {
        return Ok(Value::Binary(out.into()));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&out).map_err(|error| server_error(field, InternalError::new(error)))?;
    Value::from_json(json).map_err(|error| server_error(field, InternalError::new(error)))
}

fn server_error(field: &Positioned<Field>, error: InternalError) -> async_graphql::ServerError {
    async_graphql::Error::from(ApiError::from(error)).into_server_error(field.pos)
}

/// Whether the document selects the response key of the field only once, so that its value needs no merging.
fn is_selected_once(ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> bool {
    let key = &field.node.response_key().node;
    let mut pending: Vec<&SelectionSet> = vec![&ctx.query_env.operation.node.selection_set.node];
    pending.extend(ctx.query_env.fragments.values().map(|fragment| &fragment.node.selection_set.node));
    let mut count = 0;
    while let Some(set) = pending.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(other) => {
                    count += usize::from(other.node.response_key().node == *key);
                    pending.push(&other.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => pending.push(&fragment.node.selection_set.node),
                // A fragment that is spread twice selects the same fields twice: nothing is lost without merging.
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    count < 2
}

/// Compiles the selection set of the present field for objects of a type.
fn compile(ctx: &ContextSelectionSet<'_>, type_name: &'static str) -> Projection {
    compile_sets(ctx, type_name, &[&ctx.item.node])
}

/// Compiles the union of several selection sets.
fn compile_sets(ctx: &ContextSelectionSet<'_>, type_name: &'static str, sets: &[&SelectionSet]) -> Projection {
    let mut fields: IndexMap<&str, Vec<&Field>> = IndexMap::new();
    let mut pending: Vec<&Positioned<Selection>> = sets.iter().rev().flat_map(|set| set.items.iter().rev()).collect();
    let applies = |condition: &str| condition == type_name || condition == "FeedChange";
    while let Some(selection) = pending.pop() {
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
        pending.extend(set.into_iter().flat_map(|set| set.items.iter().rev()));
    }
    let projected = |(key, selections): (&str, Vec<&Field>)| {
        let name = selections.first().map(|field| field.name.node.to_string()).unwrap_or_default();
        let sets: Vec<&SelectionSet> = selections.iter().map(|field| &field.selection_set.node).collect();
        let nested = nested_type(type_name, &name).map(|type_name| compile_sets(ctx, type_name, &sets));
        // A GraphQL name needs no escaping.
        ProjectedField { key: format!("\"{key}\":").into_bytes(), name, nested }
    };
    Projection { type_name, fields: fields.into_iter().map(projected).collect() }
}

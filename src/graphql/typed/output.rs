//! `ServiceParameters`: an extension's parameters, read through the object of its service type.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::{ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value as GraphqlValue};
use serde_json::Value;

use service_types::typing::{ObjectType, ServiceTypeShape, Shape, TypeCatalogue};

use super::register::{INTERFACE, json_field, output_types};

/// The parameters of an extension that the viewer may see, without secrets.
///
/// The result is null when the catalogue of the schema does not have the slug. A field is null when its value does not
/// fit its type or the viewer may not see it; `json` has every value unchanged.
#[derive(Clone, Debug)]
pub struct TypedParameters {
    /// The service type.
    pub slug: String,
    /// An object.
    pub json: Value,
}

impl OutputType for TypedParameters {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(INTERFACE)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Interface, |registry| {
            let catalogue = super::current();
            let possible_types = catalogue.types().filter_map(|shape| output_types(registry, shape)).collect();
            MetaType::Interface {
                name: INTERFACE.to_owned(),
                description: Some(
                    "What every service type's own object implements: `SipParameters`, `PagerParameters`… appear and \
                     change at run time, with the fields of the parameter schema."
                        .to_owned(),
                ),
                fields: IndexMap::from([("json".to_owned(), json_field(registry))]),
                possible_types,
                extends: false,
                keys: None,
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                rust_typename: Some(std::any::type_name::<Self>()),
                directive_invocations: Vec::new(),
                requires_scopes: Vec::new(),
            }
        })
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _field: &Positioned<Field>) -> ServerResult<GraphqlValue> {
        let catalogue = ctx.data_opt::<Arc<TypeCatalogue>>();
        let Some(service) = catalogue.and_then(|catalogue| catalogue.get(&self.slug)) else {
            return Ok(GraphqlValue::Null);
        };
        let Some(object) = service.parameters() else { return Ok(GraphqlValue::Null) };
        let reader = Reader { ctx, service };
        Ok(reader.object(object, &self.json, &[&ctx.item.node], true))
    }
}

/// Resolves a selection from JSON, without a future for each field. The library has applied `@skip` and `@include`
/// before.
struct Reader<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    service: &'a ServiceTypeShape,
}

impl<'a> Reader<'a> {
    fn object(
        &self,
        object: &ObjectType,
        json: &Value,
        selections: &[&'a SelectionSet],
        is_root: bool,
    ) -> GraphqlValue {
        let mut fields: IndexMap<Name, Vec<&'a Field>> = IndexMap::new();
        for selection in selections {
            self.collect(object, selection, is_root, &mut fields);
        }
        let resolve = |same: &[&'a Field]| -> GraphqlValue {
            let Some(first) = same.first() else { return GraphqlValue::Null };
            let name = first.name.node.as_str();
            if name == "__typename" {
                return GraphqlValue::String(object.name.clone());
            }
            if is_root && name == "json" {
                return plain(json);
            }
            let Some(field) = object.fields.iter().find(|field| field.name == name && !field.input_only) else {
                return GraphqlValue::Null;
            };
            let below: Vec<&'a SelectionSet> = same.iter().map(|field| &field.selection_set.node).collect();
            json.get(name).and_then(|value| self.value(&field.shape, value, &below)).unwrap_or(GraphqlValue::Null)
        };
        GraphqlValue::Object(fields.into_iter().map(|(key, same)| (key, resolve(&same))).collect())
    }

    /// Collects fields by response key, through fragments whose type condition applies (GraphQL, October 2021, section
    /// 6.3.2).
    fn collect(
        &self,
        object: &ObjectType,
        set: &'a SelectionSet,
        is_root: bool,
        fields: &mut IndexMap<Name, Vec<&'a Field>>,
    ) {
        let applies = |condition: &str| condition == object.name || is_root && condition == INTERFACE;
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    fields.entry(field.node.response_key().node.clone()).or_default().push(&field.node)
                }
                Selection::InlineFragment(fragment) => {
                    if fragment.node.type_condition.as_ref().is_none_or(|condition| applies(&condition.node.on.node)) {
                        self.collect(object, &fragment.node.selection_set.node, is_root, fields);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.ctx.query_env.fragments.get(&spread.node.fragment_name.node)
                        && applies(&fragment.node.type_condition.node.on.node)
                    {
                        self.collect(object, &fragment.node.selection_set.node, is_root, fields);
                    }
                }
            }
        }
    }

    /// The value in this shape; `None` when it does not fit.
    fn value(&self, shape: &Shape, value: &Value, below: &[&'a SelectionSet]) -> Option<GraphqlValue> {
        match (shape, value) {
            (Shape::Json, _)
            | (Shape::String, Value::String(_))
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::Float { .. }, Value::Number(_)) => Some(plain(value)),
            (Shape::Int, Value::Number(number)) => int(number).map(GraphqlValue::from),
            (Shape::Enum(index), Value::String(text)) => {
                let known = self.service.enums.get(*index)?.values.contains(text);
                known.then(|| GraphqlValue::Enum(Name::new(text)))
            }
            (Shape::Object(index), Value::Object(_)) => {
                let object = self.service.objects.get(*index)?;
                Some(self.object(object, value, below, false))
            }
            (Shape::List { of, nullable }, Value::Array(entries)) => {
                let entries = entries.iter().map(|entry| match self.value(of, entry, below) {
                    None | Some(GraphqlValue::Null) if *nullable => Some(GraphqlValue::Null),
                    None | Some(GraphqlValue::Null) => None,
                    fits => fits,
                });
                entries.collect::<Option<Vec<_>>>().map(GraphqlValue::List)
            }
            _ => None,
        }
    }
}

/// An integer of 32 bits; `5.0` is one.
fn int(number: &serde_json::Number) -> Option<i32> {
    if let Some(value) = number.as_i64() {
        return i32::try_from(value).ok();
    }
    let value = number.as_f64()?;
    let exact = value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds")]
    exact.then_some(value as i32)
}

fn plain(value: &Value) -> GraphqlValue {
    GraphqlValue::from_json(value.clone()).unwrap_or(GraphqlValue::Null)
}

//! Registration of the catalogue's types in the registry of async-graphql.
//!
//! The registry is not documented by the library, so its version is pinned. The tests beside this module check a new
//! version.

use async_graphql::OutputType;
use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{
    Deprecation, EnumBuilder, InputObjectBuilder, MetaEnumValue, MetaField, MetaInputValue, ObjectBuilder, Registry,
};
use serde_json::Value;

use service_types::typing::{FieldType, ObjectType, ServiceTypeShape, Shape};

/// The name of the interface that each service type's object implements.
pub(super) const INTERFACE: &str = "ServiceParameters";
const JSON_FIELD: &str = "All of them, as `Extension.parameters`.";

/// The field `json` of the interface and of each object.
pub(super) fn json_field(registry: &mut Registry) -> MetaField {
    let mut field = MetaField::new("json", <Value as OutputType>::create_type_info(registry));
    field.description = Some(JSON_FIELD.to_owned());
    field
}

/// Registers the output types of a service type, and returns the name of its object.
pub(super) fn output_types(registry: &mut Registry, shape: &ServiceTypeShape) -> Option<String> {
    enums(registry, shape);
    for (index, object) in shape.objects.iter().enumerate() {
        let mut fields = IndexMap::new();
        if index == 0 {
            fields.insert("json".to_owned(), json_field(registry));
        }
        for field in object.fields.iter().filter(|field| !field.input_only) {
            let mut meta = MetaField::new(field.name.clone(), type_name(shape, &field.shape, |object| &object.name));
            meta.description.clone_from(&field.description);
            meta.deprecation = deprecation(field);
            fields.insert(field.name.clone(), meta);
        }
        let built = ObjectBuilder::new(object.name.clone(), fields).description(object.description.clone()).build();
        registry.types.insert(object.name.clone(), built);
    }
    let name = shape.parameters()?.name.clone();
    registry.add_implements(&name, INTERFACE);
    Some(name)
}

/// Registers the input types of a service type, and returns its field of the `@oneOf` input.
/// A type without parameters has the field type JSON: GraphQL does not allow an empty input object.
pub(super) fn input_types(registry: &mut Registry, shape: &ServiceTypeShape) -> MetaInputValue {
    enums(registry, shape);
    for object in shape.objects.iter().filter(|object| !object.fields.is_empty()) {
        let mut fields = IndexMap::new();
        for field in &object.fields {
            let mut meta =
                MetaInputValue::new(field.name.clone(), type_name(shape, &field.shape, |object| &object.input_name));
            meta.description.clone_from(&field.description);
            meta.deprecation = deprecation(field);
            meta.is_secret = field.input_only;
            fields.insert(field.name.clone(), meta);
        }
        let built =
            InputObjectBuilder::new(object.input_name.clone(), fields).description(object.description.clone()).build();
        registry.types.insert(object.input_name.clone(), built);
    }
    let parameters = shape.parameters().filter(|object| !object.fields.is_empty());
    let mut field = MetaInputValue::new(shape.field.clone(), parameters.map_or("JSON", |object| &object.input_name));
    field.description.clone_from(&shape.title);
    field
}

fn enums(registry: &mut Registry, shape: &ServiceTypeShape) {
    for choice in &shape.enums {
        let values = choice.values.iter().map(|value| (value.clone(), MetaEnumValue::new(value.clone()))).collect();
        let built = EnumBuilder::new(choice.name.clone(), values).description(choice.description.clone()).build();
        registry.types.insert(choice.name.clone(), built);
    }
}

/// The type of a field, nullable. `named` selects the output or the input name of an object.
fn type_name(service: &ServiceTypeShape, shape: &Shape, named: fn(&ObjectType) -> &String) -> String {
    match shape {
        Shape::Int => "Int".to_owned(),
        Shape::Float { .. } => "Float".to_owned(),
        Shape::String => "String".to_owned(),
        Shape::Boolean => "Boolean".to_owned(),
        Shape::Json => "JSON".to_owned(),
        Shape::Enum(index) => service.enums.get(*index).map_or_else(|| "JSON".to_owned(), |choice| choice.name.clone()),
        Shape::Object(index) => {
            service.objects.get(*index).map_or_else(|| "JSON".to_owned(), |object| named(object).clone())
        }
        Shape::List { of, nullable } => {
            let inner = type_name(service, of, named);
            if *nullable { format!("[{inner}]") } else { format!("[{inner}!]") }
        }
    }
}

fn deprecation(field: &FieldType) -> Deprecation {
    if field.deprecated { Deprecation::Deprecated { reason: None } } else { Deprecation::NoDeprecated }
}

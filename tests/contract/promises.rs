//! What a schema promises, one line each, so that two schemas can be compared.

use std::collections::BTreeSet;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// The promises of a schema: that a type is there and what it is, its fields with their types, their arguments with types and
/// defaults, the values of enums, the members of unions, the interfaces of objects.
#[derive(Default)]
pub struct Promises {
    kept: BTreeSet<String>,
    /// Arguments and input fields that must be given: `Query.a(x)`, and where they belong: `Query.a`.
    demanded: BTreeSet<(String, String)>,
    /// Fields with arguments, and inputs, by name.
    places: BTreeSet<String>,
}

impl Promises {
    /// Reads a schema.
    pub fn of(schema: &str) -> Self {
        let mut promises = Self::default();
        let document = parse_schema(schema).unwrap_or_else(|error| panic!("not a schema: {error}"));
        for definition in document.definitions {
            if let TypeSystemDefinition::Type(definition) = definition {
                promises.read_type(&definition.node);
            }
        }
        promises
    }

    /// The promises that another schema does not keep. It may hold more, unless a client would have to give it.
    pub fn broken_by(&self, schema: &str) -> Vec<String> {
        let other = Self::of(schema);
        let missing = self.kept.difference(&other.kept).map(|promise| format!("missing: {promise}"));
        let new_demands = other
            .demanded
            .iter()
            .filter(|demand| self.places.contains(&demand.0) && !self.demanded.contains(demand))
            .map(|(place, name)| format!("newly demanded: {place}({name})"));
        missing.chain(new_demands).collect()
    }

    fn read_type(&mut self, definition: &TypeDefinition) {
        let name = definition.name.node.as_str();
        match &definition.kind {
            TypeKind::Scalar => self.keep(format!("scalar {name}")),
            TypeKind::Object(object) => {
                self.keep(format!("type {name}"));
                for interface in &object.implements {
                    self.keep(format!("type {name} implements {}", interface.node));
                }
                self.read_fields(name, &object.fields);
            }
            TypeKind::Interface(interface) => {
                self.keep(format!("interface {name}"));
                self.read_fields(name, &interface.fields);
            }
            TypeKind::Union(union) => {
                self.keep(format!("union {name}"));
                for member in &union.members {
                    self.keep(format!("union {name} has {}", member.node));
                }
            }
            TypeKind::Enum(values) => {
                self.keep(format!("enum {name}"));
                for value in &values.values {
                    self.keep(format!("enum {name} has {}", value.node.value.node));
                }
            }
            TypeKind::InputObject(input) => {
                let is_one_of =
                    definition.directives.iter().any(|directive| directive.node.name.node.as_str() == "oneOf");
                self.keep(format!("input {name}{}", if is_one_of { " @oneOf" } else { "" }));
                self.read_values(name, &input.fields);
            }
        }
    }

    fn read_fields(&mut self, of: &str, fields: &[Positioned<FieldDefinition>]) {
        for field in fields {
            let name = format!("{of}.{}", field.node.name.node);
            self.keep(format!("{name}: {}", field.node.ty.node));
            self.read_values(&name, &field.node.arguments);
        }
    }

    fn read_values(&mut self, of: &str, values: &[Positioned<InputValueDefinition>]) {
        self.places.insert(of.to_owned());
        for value in values {
            let (name, ty) = (value.node.name.node.as_str(), &value.node.ty.node);
            let default = value.node.default_value.as_ref().map(|default| format!(" = {}", default.node));
            if default.is_none() && !ty.nullable {
                self.demanded.insert((of.to_owned(), name.to_owned()));
            }
            self.keep(format!("{of}({name}: {ty}{})", default.unwrap_or_default()));
        }
    }

    fn keep(&mut self, promise: String) {
        self.kept.insert(promise);
    }
}

//! The promises of a schema, one line each, so that two schemas can be compared.

use std::collections::BTreeSet;

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// The promises of a schema: each type with its kind, fields with their types, arguments with types and defaults,
/// values of enums, members of unions and interfaces of objects.
#[derive(Default)]
pub struct Promises {
    promises: BTreeSet<String>,
    /// Required arguments and input fields.
    required: BTreeSet<RequiredInput>,
    /// Fields with arguments, and input types, by name.
    owners: BTreeSet<String>,
}

/// An argument or input field without a default whose type is not nullable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RequiredInput {
    /// The field or input type that it belongs to: `Query.a`.
    owner: String,
    name: String,
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

    /// The promises that another schema does not keep. Additions are allowed, except for required input.
    pub fn broken_by(&self, schema: &str) -> Vec<String> {
        let other = Self::of(schema);
        let missing = self.promises.difference(&other.promises).map(|promise| format!("missing: {promise}"));
        let newly_required = other
            .required
            .iter()
            .filter(|input| self.owners.contains(&input.owner) && !self.required.contains(input))
            .map(|input| format!("newly required: {}({})", input.owner, input.name));
        missing.chain(newly_required).collect()
    }

    fn read_type(&mut self, definition: &TypeDefinition) {
        let name = definition.name.node.as_str();
        match &definition.kind {
            TypeKind::Scalar => self.promise(format!("scalar {name}")),
            TypeKind::Object(object) => {
                self.promise(format!("type {name}"));
                for interface in &object.implements {
                    self.promise(format!("type {name} implements {}", interface.node));
                }
                self.read_fields(name, &object.fields);
            }
            TypeKind::Interface(interface) => {
                self.promise(format!("interface {name}"));
                self.read_fields(name, &interface.fields);
            }
            TypeKind::Union(union) => {
                self.promise(format!("union {name}"));
                for member in &union.members {
                    self.promise(format!("union {name} has {}", member.node));
                }
            }
            TypeKind::Enum(values) => {
                self.promise(format!("enum {name}"));
                for value in &values.values {
                    self.promise(format!("enum {name} has {}", value.node.value.node));
                }
            }
            TypeKind::InputObject(input) => {
                let is_one_of =
                    definition.directives.iter().any(|directive| directive.node.name.node.as_str() == "oneOf");
                self.promise(format!("input {name}{}", if is_one_of { " @oneOf" } else { "" }));
                self.read_values(name, &input.fields);
            }
        }
    }

    fn read_fields(&mut self, owner: &str, fields: &[Positioned<FieldDefinition>]) {
        for field in fields {
            let name = format!("{owner}.{}", field.node.name.node);
            self.promise(format!("{name}: {}", field.node.ty.node));
            self.read_values(&name, &field.node.arguments);
        }
    }

    fn read_values(&mut self, owner: &str, values: &[Positioned<InputValueDefinition>]) {
        self.owners.insert(owner.to_owned());
        for value in values {
            let (name, ty) = (value.node.name.node.as_str(), &value.node.ty.node);
            let default = value.node.default_value.as_ref().map(|default| format!(" = {}", default.node));
            if default.is_none() && !ty.nullable {
                self.required.insert(RequiredInput { owner: owner.to_owned(), name: name.to_owned() });
            }
            self.promise(format!("{owner}({name}: {ty}{})", default.unwrap_or_default()));
        }
    }

    fn promise(&mut self, promise: String) {
        self.promises.insert(promise);
    }
}

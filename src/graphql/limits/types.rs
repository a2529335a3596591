//! The types of a schema as the limits need them, read from its SDL.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Positioned, Value};

/// The page size without `first`, where the schema has no default.
pub const DEFAULT_FIRST: i64 = 50;

/// The types of one schema: the sizes of lists, and the types of variables.
#[derive(Debug, Default)]
pub struct TypeTable {
    types: HashMap<String, TypeShape>,
    pub(super) query: String,
    pub(super) mutation: String,
    pub(super) subscription: String,
}

#[derive(Debug)]
pub(super) enum TypeShape {
    Scalar,
    Enum(HashSet<String>),
    Input { one_of: bool, fields: HashMap<String, InputShape> },
    Composite(HashMap<String, FieldShape>),
}

#[derive(Debug)]
pub(super) struct InputShape {
    pub ty: Type,
    pub has_default: bool,
}

#[derive(Debug)]
pub(super) struct FieldShape {
    /// The name of the innermost type.
    pub named: String,
    pub list: bool,
    /// The default of the argument `first`; `None` for a field without it.
    pub first: Option<i64>,
    /// Whether the field yields one element for each element of its argument `ids`.
    pub by_ids: bool,
}

impl TypeTable {
    /// Reads the table from a schema's SDL, as `Schema::sdl` prints it.
    ///
    /// # Errors
    /// The parser's message, when the text is not SDL.
    pub fn from_sdl(sdl: &str) -> Result<Self, String> {
        let document = parse_schema(sdl).map_err(|error| error.to_string())?;
        let mut table = Self {
            query: "Query".to_owned(),
            mutation: "Mutation".to_owned(),
            subscription: "Subscription".to_owned(),
            types: HashMap::new(),
        };
        for scalar in ["Int", "Float", "String", "Boolean", "ID"] {
            table.types.insert(scalar.to_owned(), TypeShape::Scalar);
        }
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    for (root, name) in [
                        (&mut table.query, schema.node.query),
                        (&mut table.mutation, schema.node.mutation),
                        (&mut table.subscription, schema.node.subscription),
                    ] {
                        if let Some(name) = name {
                            *root = name.node.to_string();
                        }
                    }
                }
                TypeSystemDefinition::Type(definition) => {
                    let one_of = definition.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
                    table.types.insert(definition.node.name.node.to_string(), shape(definition.node.kind, one_of));
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(table)
    }

    pub(super) fn get(&self, name: &str) -> Option<&TypeShape> {
        self.types.get(name)
    }

    pub(super) fn field(&self, parent: &str, field: &str) -> Option<&FieldShape> {
        match self.types.get(parent) {
            Some(TypeShape::Composite(fields)) => fields.get(field),
            _ => None,
        }
    }

    pub(super) fn is_composite(&self, name: &str) -> bool {
        matches!(self.types.get(name), Some(TypeShape::Composite(_)))
    }
}

fn shape(kind: TypeKind, one_of: bool) -> TypeShape {
    match kind {
        TypeKind::Scalar => TypeShape::Scalar,
        TypeKind::Enum(kind) => {
            TypeShape::Enum(kind.values.into_iter().map(|value| value.node.value.node.to_string()).collect())
        }
        TypeKind::Object(kind) => TypeShape::Composite(kind.fields.into_iter().map(field_shape).collect()),
        TypeKind::Interface(kind) => TypeShape::Composite(kind.fields.into_iter().map(field_shape).collect()),
        TypeKind::Union(_) => TypeShape::Composite(HashMap::new()),
        TypeKind::InputObject(kind) => {
            TypeShape::Input { one_of, fields: kind.fields.into_iter().map(input_shape).collect() }
        }
    }
}

fn input_shape(field: Positioned<InputValueDefinition>) -> (String, InputShape) {
    let field = field.node;
    (field.name.node.to_string(), InputShape { ty: field.ty.node, has_default: field.default_value.is_some() })
}

fn field_shape(field: Positioned<FieldDefinition>) -> (String, FieldShape) {
    let field = field.node;
    let argument = |name: &str| field.arguments.iter().find(|argument| argument.node.name.node == name);
    let first = argument("first").filter(|argument| named(&argument.node.ty.node) == "Int").map(|argument| {
        match argument.node.default_value.as_ref().map(|value| &value.node) {
            Some(Value::Number(number)) => number.as_i64().unwrap_or(DEFAULT_FIRST),
            _ => DEFAULT_FIRST,
        }
    });
    let by_ids = argument("ids").is_some_and(|argument| matches!(argument.node.ty.node.base, BaseType::List(_)));
    let ty = &field.ty.node;
    let shape = FieldShape { named: named(ty).to_owned(), list: matches!(ty.base, BaseType::List(_)), first, by_ids };
    (field.name.node.to_string(), shape)
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

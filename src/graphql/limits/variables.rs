//! Coercion of a request's variables to their declared types (GraphQL, October 2021, section 6.1.2).
//!
//! The library reports a variable that cannot be coerced like an invalid document; this check reports it by name and
//! path.

use std::fmt::Write as _;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Value, Variables};

use super::types::{TypeShape, TypeTable};

/// Checks every declared variable. The text of a custom scalar is parsed by its own code, and the validation reports a
/// type that the schema does not have.
///
/// # Errors
/// A sentence with the path of the value that does not fit.
pub(super) fn check(operation: &OperationDefinition, variables: &Variables, types: &TypeTable) -> Result<(), String> {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let ty = &definition.var_type.node;
        match variables.get(name) {
            Some(value) => fits(value, ty, types, &VariablePath::Root(name))?,
            None if !ty.nullable && definition.default_value.is_none() => {
                return Err(format!("Variable `${name}` of type `{ty}` must be given."));
            }
            None => {}
        }
    }
    Ok(())
}

/// The path of a value within a variable. It lives on the stack and is written only for an error.
enum VariablePath<'a> {
    Root(&'a str),
    Field(&'a VariablePath<'a>, &'a str),
    Index(&'a VariablePath<'a>, usize),
}

impl VariablePath<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Root(name) => {
                let _ = write!(out, "${name}");
            }
            Self::Field(parent, name) => {
                parent.write(out);
                let _ = write!(out, ".{name}");
            }
            Self::Index(parent, index) => {
                parent.write(out);
                let _ = write!(out, "[{index}]");
            }
        }
    }

    fn refuse(&self, reason: &str) -> Result<(), String> {
        let mut path = String::new();
        self.write(&mut path);
        Err(format!("Variable `{path}` {reason}."))
    }
}

fn fits(value: &Value, ty: &Type, types: &TypeTable, path: &VariablePath<'_>) -> Result<(), String> {
    if matches!(value, Value::Null) {
        return if ty.nullable { Ok(()) } else { path.refuse(&format!("of type `{ty}` must not be null")) };
    }
    match &ty.base {
        BaseType::List(inner) => match value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| fits(item, inner, types, &VariablePath::Index(path, index))),
            // A single value is coerced to a list of one.
            single => fits(single, inner, types, path),
        },
        BaseType::Named(name) => fits_named(value, name, types, path),
    }
}

fn fits_named(value: &Value, name: &str, types: &TypeTable, path: &VariablePath<'_>) -> Result<(), String> {
    let fits_scalar = match name {
        "Int" => {
            matches!(value, Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()))
        }
        "Float" => matches!(value, Value::Number(_)),
        // The API's own scalars are strings, except `JSON`.
        "String" | "DateTime" | "FeedCursor" | "PhoneNumber" => matches!(value, Value::String(_)),
        "Boolean" => matches!(value, Value::Boolean(_)),
        "ID" => match value {
            Value::String(_) => true,
            Value::Number(number) => number.is_i64() || number.is_u64(),
            _ => false,
        },
        _ => true,
    };
    if !fits_scalar {
        return path.refuse(&format!("is not a `{name}`"));
    }
    match types.get(name) {
        Some(TypeShape::Enum(values)) => match value {
            Value::String(text) if values.contains(text.as_str()) => Ok(()),
            _ => path.refuse(&format!("is not a value of `{name}`")),
        },
        Some(TypeShape::Input { one_of, fields }) => {
            let Value::Object(given) = value else {
                return path.refuse(&format!("is not a `{name}`"));
            };
            if *one_of && (given.len() != 1 || given.values().any(|value| matches!(value, Value::Null))) {
                return path.refuse("must have exactly one field, and that not null");
            }
            if let Some(unknown) = given.keys().find(|key| !fields.contains_key(key.as_str())) {
                return path.refuse(&format!("has a field `{unknown}`, which `{name}` has not"));
            }
            for (field, shape) in fields {
                match given.get(field.as_str()) {
                    Some(value) => fits(value, &shape.ty, types, &VariablePath::Field(path, field))?,
                    None if !shape.ty.nullable && !shape.has_default => {
                        return path.refuse(&format!("lacks the field `{field}`"));
                    }
                    None => {}
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

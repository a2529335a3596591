//! The parameter schema of a service type: JSON Schema 2020-12 of an object, with the annotations `x-…`.
//!
//! [`ParameterSchema`] is compiled when a schema is saved or loaded. It validates the parameters of an extension
//! ([`ParameterSchema::validate`]), adds generated values and defaults ([`ParameterSchema::complete`]), restricts who
//! may write and read them ([`Editor`], [`Viewer`]), separates secrets ([`ParameterSchema::split`]) and derives digests
//! ([`ParameterSchema::digests`]).
//!
//! This module does not read the database. Error messages never contain a value, because it may be a secret.

mod annotations;
#[cfg(any(test, feature = "test-support"))]
pub mod arbitrary;
mod compile;
mod complete;
mod digests;
mod generate;
mod limits;
mod permissions;
mod storage;
mod subschemas;
mod values;
mod violations;

use serde_json::{Map, Value};

use platform::error::UserError;

pub use annotations::{Audience, Generate, Parameter, UniqueScope};
pub use complete::{Completed, merge_patch};
pub use digests::{DigestContext, DigestError, DigestSet, DigestTemplate};
pub use generate::GenerationContext;
pub use permissions::{Editor, Viewer};
pub use storage::{StoredParameters, UniqueParameter};
pub use subschemas::resolve;
pub use values::{are_equal, canonical};

/// The parameters of one extension, by name.
pub type Parameters = Map<String, Value>;

/// The maximum size of a schema, in bytes of compact JSON.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// The maximum nesting of subschemas, with references resolved.
pub const MAX_DEPTH: usize = 16;
/// The maximum size of the parameters of one extension, in bytes of compact JSON.
pub const MAX_PARAMETERS_BYTES: usize = 32 * 1024;
/// The maximum number of violations that are reported for one write.
pub const MAX_VIOLATIONS: usize = 20;

/// A compiled parameter schema. All requests share one per schema version.
#[derive(Debug)]
pub struct ParameterSchema {
    source: Value,
    parameters: Vec<Parameter>,
    validator: jsonschema::Validator,
}

impl ParameterSchema {
    /// Checks and compiles a schema.
    ///
    /// # Errors
    /// INVALID for every error in the schema (at most [`MAX_VIOLATIONS`]), each at its path `["parameterSchema", …]`.
    pub fn compile(source: &Value) -> Result<Self, Vec<UserError>> {
        compile::compile(source)
    }

    /// The schema as saved.
    pub const fn source(&self) -> &Value {
        &self.source
    }

    /// The top-level parameters in the order of a form: by `x-order`, then by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The top-level parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// Whether two schemas are equal, regardless of the order of keys and the notation of numbers (`1`, `1.0`).
pub fn same_schema(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same_schema(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same_schema(x, y)),
        (Value::Number(a), Value::Number(b)) => {
            a == b || values::integer(a).is_some_and(|number| values::integer(b) == Some(number))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests;

//! The parameter schema of a service type: JSON Schema 2020-12 of an object, with annotations of ours.
//!
//! A schema is compiled once, when it is saved or loaded, and then answers every question about an extension's
//! parameters: are they valid ([`ParameterSchema::validate`]), what does the server add
//! ([`ParameterSchema::complete`]), who may write and see what ([`Editor`], [`Viewer`]), which part is secret
//! ([`ParameterSchema::split`]), which digests follow from it ([`ParameterSchema::digests`]).
//!
//! Nothing here reads a database, and no message repeats a value: it may be a secret.

mod annotations;
mod compile;
mod complete;
mod digests;
mod generate;
mod limits;
mod nodes;
mod parts;
mod rights;
mod violations;

use serde_json::{Map, Value};

use platform::error::UserError;

pub use annotations::{Audience, Generate, Parameter, Uniqueness};
pub use complete::{Completed, merge_patch};
pub use digests::{DigestContext, DigestError, DigestSet, DigestTemplate};
pub use generate::Source;
pub use nodes::resolve;
pub use parts::Parts;
pub use rights::{Editor, Viewer};

/// Parameters of one extension, by name.
pub type Parameters = Map<String, Value>;

/// The largest schema, in bytes of compact JSON.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// How deep subschemas may be nested, references followed.
pub const MAX_DEPTH: usize = 16;
/// The largest parameters of one extension, in bytes of compact JSON.
pub const MAX_PARAMETERS_BYTES: usize = 32 * 1024;
/// How many violations of one write are told.
pub const MAX_VIOLATIONS: usize = 20;

/// A parameter schema, checked and compiled. `Send + Sync`: one per schema version is shared by all requests.
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
    /// Everything that is wrong with it (at most [`MAX_VIOLATIONS`]), each at its path `["parameterSchema", …]`.
    pub fn compile(source: &Value) -> Result<Self, Vec<UserError>> {
        compile::compile(source)
    }

    /// The schema as it was saved.
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

/// Whether two schemas are the same: key order and the spelling of numbers (`1`, `1.0`) do not count.
pub fn same_schema(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same_schema(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same_schema(x, y)),
        (Value::Number(a), Value::Number(b)) => a == b || whole(a).is_some_and(|number| whole(b) == Some(number)),
        _ => left == right,
    }
}

/// A number as an integer, when it is one; `1.0` is.
fn whole(number: &serde_json::Number) -> Option<i128> {
    if let Some(value) = number.as_i64() {
        return Some(i128::from(value));
    }
    if let Some(value) = number.as_u64() {
        return Some(i128::from(value));
    }
    let value = number.as_f64()?;
    let exact = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact")]
    exact.then_some(value as i128)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::schema_like;

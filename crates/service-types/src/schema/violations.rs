//! Validates parameters. The messages name keywords of the schema and never contain a value.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use platform::error::{UserError, UserErrorKind};
use platform::text::characters::storable_json;

use super::limits::is_deeper_than;
use super::subschemas::{pointer, segments};
use super::{MAX_PARAMETERS_BYTES, MAX_VIOLATIONS, ParameterSchema};

/// The maximum nesting of parameters.
const MAX_NESTING: usize = 32;
/// The maximum number of values in the parameters, over all levels.
const MAX_VALUES: usize = 1_000;

impl ParameterSchema {
    /// Validates all parameters: public ones, secrets and status together.
    ///
    /// Returns at most [`MAX_VIOLATIONS`] violations, each with the JSON Pointer (RFC 6901) of the parameter concerned.
    /// For a missing or unknown property this is the property itself, not the object that contains it. A text that the
    /// database cannot hold is INVALID.
    pub fn validate(&self, parameters: &Value) -> Vec<UserError> {
        if let Some(problem) = size_violation(parameters) {
            return vec![problem];
        }
        if let Err(problem) = storable_json("parameters", parameters) {
            return vec![problem];
        }
        let mut problems = Vec::new();
        for error in self.validator.iter_errors(parameters).take(MAX_VIOLATIONS) {
            let path = segments(error.instance_path().as_str());
            for Violation { property, message } in violations_of(error.kind()) {
                let path: Vec<String> = path.iter().cloned().chain(property).collect();
                let problem = violation(&path, error.kind().keyword(), message);
                problems.push(limit_of(error.kind()).into_iter().fold(problem, UserError::with_value));
            }
        }
        problems.truncate(MAX_VIOLATIONS);
        problems
    }

    /// Whether all parameters are valid. Cheaper than [`Self::validate`], which collects the violations.
    pub fn is_valid(&self, parameters: &Value) -> bool {
        size_violation(parameters).is_none()
            && storable_json("parameters", parameters).is_ok()
            && self.validator.is_valid(parameters)
    }
}

/// The violation of a size limit, which is checked before validation.
///
/// The number of values is limited too: a schema with many alternatives tries each value against each of them and
/// records every failure.
fn size_violation(parameters: &Value) -> Option<UserError> {
    if is_deeper_than(parameters, MAX_NESTING) {
        return Some(violation(&[], "type", format!("Parameters may be nested {MAX_NESTING} levels deep.")));
    }
    if count_values(parameters) > MAX_VALUES {
        return Some(violation(&[], "maxItems", format!("Parameters may have {MAX_VALUES} values.")));
    }
    let bytes = serde_json::to_vec(parameters).map_or(usize::MAX, |text| text.len());
    (bytes > MAX_PARAMETERS_BYTES)
        .then(|| violation(&[], "maxLength", format!("Parameters may have {MAX_PARAMETERS_BYTES} bytes.")))
}

/// Counts the values at every level.
fn count_values(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(count_values).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(count_values).sum::<usize>(),
        _ => 1,
    }
}

fn violation(path: &[String], keyword: &str, message: impl Into<String>) -> UserError {
    let kind = UserErrorKind::SchemaViolation { pointer: pointer(path), keyword: keyword.to_owned() };
    UserError::new(kind, "", message).at(std::iter::once("parameters".to_owned()).chain(path.iter().cloned()))
}

/// A violation of one keyword.
struct Violation {
    /// The missing or unknown property of the invalid object; `None` when the value itself is invalid.
    property: Option<String>,
    message: String,
}

/// The violations that one validation error reports.
fn violations_of(kind: &Kind) -> Vec<Violation> {
    match kind {
        Kind::Required { property } => {
            vec![Violation { property: property.as_str().map(str::to_owned), message: "It is required.".to_owned() }]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let violation = |name: &String| Violation {
                property: Some(name.clone()),
                message: "There is no such parameter.".to_owned(),
            };
            unexpected.iter().map(violation).collect()
        }
        other => vec![Violation { property: None, message: describe(other) }],
    }
}

/// Describes what a violated keyword requires. The text contains parts of the schema, never the value.
pub(super) fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Required { .. } => "A required property is missing.".to_owned(),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "It has a property that is not allowed.".to_owned()
        }
        Kind::Type { kind } => format!("It must be {}.", join_types(kind)),
        Kind::Enum { options } => format!("It must be one of {}.", list_values(options)),
        Kind::Constant { expected_value } => format!("It must be {expected_value}."),
        Kind::MinLength { limit } => format!("It must have at least {limit} characters."),
        Kind::MaxLength { limit } => format!("It may have at most {limit} characters."),
        Kind::Minimum { limit } => format!("It must be at least {limit}."),
        Kind::Maximum { limit } => format!("It must be at most {limit}."),
        Kind::ExclusiveMinimum { limit } => format!("It must be more than {limit}."),
        Kind::ExclusiveMaximum { limit } => format!("It must be less than {limit}."),
        Kind::MultipleOf { multiple_of } => format!("It must be a multiple of {multiple_of}."),
        Kind::Pattern { pattern } => format!("It must match the pattern {pattern}"),
        Kind::Format { format } => format!("It must have the format `{format}`."),
        Kind::MinItems { limit } => format!("It must have at least {limit} entries."),
        Kind::MaxItems { limit } => format!("It may have at most {limit} entries."),
        Kind::AdditionalItems { limit } => format!("It may have at most {limit} entries."),
        Kind::UnevaluatedItems { .. } => "It has an entry that is not allowed.".to_owned(),
        Kind::UniqueItems => "No entry may occur twice.".to_owned(),
        Kind::Contains => "It lacks an entry that must be there.".to_owned(),
        Kind::MinProperties { limit } => format!("It must have at least {limit} properties."),
        Kind::MaxProperties { limit } => format!("It may have at most {limit} properties."),
        Kind::PropertyNames { .. } => "A name in it is not allowed.".to_owned(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => "It fits none of the forms allowed.".to_owned(),
        Kind::OneOfMultipleValid { .. } => "It fits several forms of which it may fit only one.".to_owned(),
        Kind::Not { .. } => "It has a form that is not allowed.".to_owned(),
        Kind::FalseSchema => "It is not allowed here.".to_owned(),
        Kind::ContentEncoding { content_encoding } => format!("It must be encoded as {content_encoding}."),
        Kind::ContentMediaType { content_media_type } => format!("It must be {content_media_type}."),
        _ => "It is not valid.".to_owned(),
    }
}

/// The limit or the format that the message of a violation names, for translations.
fn limit_of(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Enum { options } => Some(list_values(options)),
        Kind::Constant { expected_value } => Some(expected_value.to_string()),
        Kind::MinLength { limit } | Kind::MaxLength { limit } | Kind::MinItems { limit } | Kind::MaxItems { limit } => {
            Some(limit.to_string())
        }
        Kind::Minimum { limit }
        | Kind::Maximum { limit }
        | Kind::ExclusiveMinimum { limit }
        | Kind::ExclusiveMaximum { limit } => Some(limit.to_string()),
        Kind::MultipleOf { multiple_of } => Some(multiple_of.to_string()),
        Kind::Pattern { pattern } => Some(pattern.clone()),
        Kind::Format { format } => Some(format.clone()),
        Kind::Type { kind: TypeKind::Single(one) } => Some(one.as_str().to_owned()),
        _ => None,
    }
}

fn join_types(kind: &TypeKind) -> String {
    let with_article = |name: &str| match name {
        "array" | "integer" | "object" => format!("an {name}"),
        "null" => name.to_owned(),
        _ => format!("a {name}"),
    };
    match kind {
        TypeKind::Single(one) => with_article(one.as_str()),
        TypeKind::Multiple(set) => set.iter().map(|one| with_article(one.as_str())).collect::<Vec<_>>().join(" or "),
    }
}

fn list_values(options: &Value) -> String {
    let values: Vec<String> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
    if values.len() <= 12 {
        return values.join(", ");
    }
    format!("{} and {} others", values[..12].join(", "), values.len() - 12)
}

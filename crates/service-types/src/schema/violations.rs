//! Checking parameters, and saying what is wrong in a sentence that shows nothing of them.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use platform::error::{UserError, UserErrorKind};

use super::limits::json_depth;
use super::nodes::{pointer, segments};
use super::{MAX_PARAMETERS_BYTES, MAX_VIOLATIONS, ParameterSchema};

/// How deep parameters may be nested.
const MAX_NESTING: usize = 32;
/// How many values parameters may have, at every level together.
const MAX_VALUES: usize = 1_000;

impl ParameterSchema {
    /// Checks whole parameters: public ones, secrets and status together.
    ///
    /// Returns what is wrong, at most [`MAX_VIOLATIONS`], each with the JSON Pointer (RFC 6901) of the parameter it is
    /// about: a missing or superfluous one itself, not the object around it.
    pub fn validate(&self, parameters: &Value) -> Vec<UserError> {
        if let Some(problem) = oversize(parameters) {
            return vec![problem];
        }
        let mut problems = Vec::new();
        for error in self.validator.iter_errors(parameters).take(MAX_VIOLATIONS) {
            let place = segments(error.instance_path().as_str());
            for (name, sentence) in places(error.kind()) {
                let place: Vec<String> = place.iter().cloned().chain(name).collect();
                let problem = violation(&place, error.kind().keyword(), sentence);
                problems.push(limit(error.kind()).into_iter().fold(problem, UserError::naming));
            }
        }
        problems.truncate(MAX_VIOLATIONS);
        problems
    }

    /// Whether whole parameters are valid: cheaper than [`Self::validate`], for going through many.
    pub fn is_valid(&self, parameters: &Value) -> bool {
        oversize(parameters).is_none() && self.validator.is_valid(parameters)
    }
}

/// What makes parameters too large to be checked at all. The number of values counts too: under a schema with many
/// alternatives, each value is tried against each, and each failure is remembered.
fn oversize(parameters: &Value) -> Option<UserError> {
    if json_depth(parameters, MAX_NESTING) {
        return Some(violation(&[], "type", format!("Parameters may be nested {MAX_NESTING} levels deep.")));
    }
    if values(parameters) > MAX_VALUES {
        return Some(violation(&[], "maxItems", format!("Parameters may have {MAX_VALUES} values.")));
    }
    let bytes = serde_json::to_vec(parameters).map_or(usize::MAX, |text| text.len());
    (bytes > MAX_PARAMETERS_BYTES)
        .then(|| violation(&[], "maxLength", format!("Parameters may have {MAX_PARAMETERS_BYTES} bytes.")))
}

/// How many values there are, at every level.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(values).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(values).sum::<usize>(),
        _ => 1,
    }
}

fn violation(place: &[String], keyword: &str, message: impl Into<String>) -> UserError {
    let kind = UserErrorKind::SchemaViolation { pointer: pointer(place), keyword: keyword.to_owned() };
    UserError::new(kind, "", message).at(std::iter::once("parameters".to_owned()).chain(place.iter().cloned()))
}

/// The property below the failing object that an error is about, if it is about one, with its sentence.
fn places(kind: &Kind) -> Vec<(Option<String>, String)> {
    match kind {
        Kind::Required { property } => vec![(property.as_str().map(str::to_owned), "It is required.".to_owned())],
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| (Some(name.clone()), "There is no such parameter.".to_owned())).collect()
        }
        other => vec![(None, sentence(other))],
    }
}

/// What a failed keyword asks for. It shows the schema, never the value.
pub(super) fn sentence(kind: &Kind) -> String {
    match kind {
        Kind::Required { .. } => "A required property is missing.".to_owned(),
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "It has a property that is not allowed.".to_owned()
        }
        Kind::Type { kind } => format!("It must be {}.", types(kind)),
        Kind::Enum { options } => format!("It must be one of {}.", listed(options)),
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

/// What the sentence names, as the schema has it.
fn limit(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Enum { options } => Some(listed(options)),
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

fn types(kind: &TypeKind) -> String {
    let named = |name: &str| match name {
        "array" | "integer" | "object" => format!("an {name}"),
        "null" => name.to_owned(),
        _ => format!("a {name}"),
    };
    match kind {
        TypeKind::Single(one) => named(one.as_str()),
        TypeKind::Multiple(set) => set.iter().map(|one| named(one.as_str())).collect::<Vec<_>>().join(" or "),
    }
}

fn listed(options: &Value) -> String {
    let values: Vec<String> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
    if values.len() <= 12 {
        return values.join(", ");
    }
    format!("{} and {} others", values[..12].join(", "), values.len() - 12)
}

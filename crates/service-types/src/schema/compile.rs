//! Compiles a schema after checking its size, the meta-schema, the limits, the annotations and the values that the
//! server generates.

use jsonschema::PatternOptions;
use serde_json::{Value, json};

use platform::clock::SeededRng;
use platform::error::UserError;
use platform::text::mac;

use super::annotations::{self, Parameter};
use super::generate::{self, GenerationContext};
use super::limits::{self, schema_error};
use super::subschemas::segments;
use super::violations::describe;
use super::{MAX_VIOLATIONS, ParameterSchema};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The number of values that are generated to test a schema. A single one may be valid by chance.
const SAMPLES: usize = 16;

/// The options of every validator: draft 2020-12, patterns in linear time, `format` asserted, with the additional
/// format `mac`.
pub(super) fn options() -> jsonschema::ValidationOptions<'static> {
    jsonschema::draft202012::options()
        .with_pattern_options(
            PatternOptions::regex().size_limit(limits::PATTERN_BYTES).dfa_size_limit(limits::PATTERN_BYTES),
        )
        .should_validate_formats(true)
        .with_format("mac", |text| mac::parse(text).is_some())
        .offline()
}

pub(super) fn compile(source: &Value) -> Result<ParameterSchema, Vec<UserError>> {
    check_root(source).map_err(|problem| vec![problem])?;
    reject(meta_schema_errors(source))?;
    reject(limits::check(source))?;
    let (parameters, problems) = annotations::read(source);
    reject(problems)?;
    let mut plain = source.clone();
    if let Some(root) = plain.as_object_mut() {
        root.remove("$id");
        root.remove("$schema");
    }
    let validator = options().build(&plain).map_err(|error| {
        vec![schema_error(&segments(error.schema_path().as_str()), "The schema cannot be compiled.")]
    })?;
    let schema = ParameterSchema { source: source.clone(), parameters, validator };
    reject(schema.parameters.iter().filter_map(|parameter| check_generated(source, parameter)).collect())?;
    Ok(schema)
}

fn reject(mut problems: Vec<UserError>) -> Result<(), Vec<UserError>> {
    problems.truncate(MAX_VIOLATIONS);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_root(source: &Value) -> Result<(), UserError> {
    limits::check_size(source)?;
    let Some(root) = source.as_object() else {
        return Err(schema_error(&[], "A parameter schema is a JSON object."));
    };
    if let Some(dialect) = root.get("$schema")
        && dialect.as_str().map(|text| text.trim_end_matches('#')) != Some(DIALECT)
    {
        return Err(schema_error(&["$schema".to_owned()], format!("Only draft 2020-12 is supported: `{DIALECT}`.")));
    }
    if root.get("type").and_then(Value::as_str) != Some("object") {
        return Err(schema_error(
            &["type".to_owned()],
            "Parameters are an object: `\"type\": \"object\"` is required at the root.",
        ));
    }
    Ok(())
}

fn meta_schema_errors(source: &Value) -> Vec<UserError> {
    jsonschema::draft202012::meta::validator()
        .iter_errors(source)
        .take(MAX_VIOLATIONS)
        .map(|error| {
            schema_error(
                &segments(error.instance_path().as_str()),
                format!("Not JSON Schema 2020-12: {}", describe(error.kind())),
            )
        })
        .collect()
}

/// Validates what the server adds to a parameter: its default, and samples of generated values.
fn check_generated(source: &Value, parameter: &Parameter) -> Option<UserError> {
    let at = |keyword: &str| vec!["properties".to_owned(), parameter.name.clone(), keyword.to_owned()];
    let alone =
        json!({ "$defs": source.get("$defs").cloned().unwrap_or_else(|| json!({})), "allOf": [parameter.schema] });
    let Ok(validator) = options().build(&alone) else {
        return Some(schema_error(&at("type"), "The schema of this parameter cannot be compiled alone."));
    };
    let first_error = |value: &Value| {
        validator.iter_errors(value).next().map(|error| (error.kind().keyword().to_owned(), describe(error.kind())))
    };
    if let Some(default) = &parameter.default
        && let Some((_, reason)) = first_error(default)
    {
        return Some(schema_error(
            &at("default"),
            format!("The default does not fit the parameter's own schema: {reason}"),
        ));
    }
    let kind = parameter.generate.as_ref()?;
    let rng = SeededRng::new(0x5357_4954_4348);
    let context = GenerationContext { number: "2342", username: "sample", rng: &rng };
    for _ in 0..SAMPLES {
        let Some((keyword, reason)) = first_error(&generate::generate_value(kind, &context)) else { continue };
        // The length of a number or a username differs between extensions. Only its type can be checked here.
        if matches!(kind, annotations::Generate::Number | annotations::Generate::Username) && keyword != "type" {
            continue;
        }
        return Some(schema_error(
            &at("x-generate"),
            format!("A generated value does not fit the parameter's own schema: {reason}"),
        ));
    }
    None
}

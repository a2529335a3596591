//! From JSON to a compiled schema: size, meta-schema, limits, annotations, and a trial of what the server makes.

use jsonschema::PatternOptions;
use serde_json::{Value, json};

use platform::clock::SeededRng;
use platform::error::UserError;

use super::annotations::{self, Parameter};
use super::generate::{self, Source};
use super::limits::{self, refusal};
use super::nodes::segments;
use super::violations::sentence;
use super::{MAX_VIOLATIONS, ParameterSchema};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// How many values are generated on trial: one that fits by luck would fail somebody later.
const TRIALS: usize = 16;

/// How every schema is built: draft 2020-12, patterns in linear time, `format` checked, `mac` known as a format.
pub(super) fn options() -> jsonschema::ValidationOptions<'static> {
    jsonschema::draft202012::options()
        .with_pattern_options(
            PatternOptions::regex().size_limit(limits::PATTERN_BYTES).dfa_size_limit(limits::PATTERN_BYTES),
        )
        .should_validate_formats(true)
        .with_format("mac", is_mac)
        .offline()
}

/// A MAC-48 address: twelve hexadecimal digits, with `:` or `-` between the pairs or nothing.
fn is_mac(text: &str) -> bool {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    let separators = text.chars().count() - digits.len();
    digits.len() == 12
        && digits.iter().all(char::is_ascii_hexdigit)
        && (separators == 0 || separators == 5 && pairs(text))
}

fn pairs(text: &str) -> bool {
    text.split([':', '-']).all(|pair| pair.len() == 2)
}

pub(super) fn compile(source: &Value) -> Result<ParameterSchema, Vec<UserError>> {
    check_root(source).map_err(|problem| vec![problem])?;
    refuse(meta_schema(source))?;
    refuse(limits::check(source))?;
    let (parameters, problems) = annotations::read(source);
    refuse(problems)?;
    let mut plain = source.clone();
    if let Some(root) = plain.as_object_mut() {
        root.remove("$id");
        root.remove("$schema");
    }
    let validator = options()
        .build(&plain)
        .map_err(|error| vec![refusal(&segments(error.schema_path().as_str()), "The schema cannot be compiled.")])?;
    let schema = ParameterSchema { source: source.clone(), parameters, validator };
    refuse(schema.parameters.iter().filter_map(|parameter| trial(source, parameter)).collect())?;
    Ok(schema)
}

fn refuse(mut problems: Vec<UserError>) -> Result<(), Vec<UserError>> {
    problems.truncate(MAX_VIOLATIONS);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_root(source: &Value) -> Result<(), UserError> {
    limits::check_size(source)?;
    let Some(root) = source.as_object() else {
        return Err(refusal(&[], "A parameter schema is a JSON object."));
    };
    if let Some(dialect) = root.get("$schema")
        && dialect.as_str().map(|text| text.trim_end_matches('#')) != Some(DIALECT)
    {
        return Err(refusal(&["$schema".to_owned()], format!("Only draft 2020-12 is supported: `{DIALECT}`.")));
    }
    if root.get("type").and_then(Value::as_str) != Some("object") {
        return Err(refusal(
            &["type".to_owned()],
            "Parameters are an object: `\"type\": \"object\"` is required at the root.",
        ));
    }
    Ok(())
}

fn meta_schema(source: &Value) -> Vec<UserError> {
    jsonschema::draft202012::meta::validator()
        .iter_errors(source)
        .take(MAX_VIOLATIONS)
        .map(|error| {
            refusal(
                &segments(error.instance_path().as_str()),
                format!("Not JSON Schema 2020-12: {}", sentence(error.kind())),
            )
        })
        .collect()
}

/// Tries what the server would put in: the default, and values as they are generated.
fn trial(source: &Value, parameter: &Parameter) -> Option<UserError> {
    let at = |keyword: &str| vec!["properties".to_owned(), parameter.name.clone(), keyword.to_owned()];
    let alone =
        json!({ "$defs": source.get("$defs").cloned().unwrap_or_else(|| json!({})), "allOf": [parameter.schema] });
    let Ok(validator) = options().build(&alone) else {
        return Some(refusal(&at("type"), "The schema of this parameter cannot be compiled alone."));
    };
    let complaint = |value: &Value| {
        validator.iter_errors(value).next().map(|error| (error.kind().keyword().to_owned(), sentence(error.kind())))
    };
    if let Some(default) = &parameter.default
        && let Some((_, why)) = complaint(default)
    {
        return Some(refusal(&at("default"), format!("The default does not fit the parameter's own schema: {why}")));
    }
    let kind = parameter.generate.as_ref()?;
    let rng = SeededRng::new(0x5357_4954_4348);
    let source = Source { number: "2342", username: "sample", rng: &rng };
    for _ in 0..TRIALS {
        let Some((keyword, why)) = complaint(&generate::draw(kind, &source)) else { continue };
        // How long a number or a username is differs from one extension to the next: only their type is known here.
        if matches!(kind, annotations::Generate::Number | annotations::Generate::Username) && keyword != "type" {
            continue;
        }
        return Some(refusal(
            &at("x-generate"),
            format!("A generated value does not fit the parameter's own schema: {why}"),
        ));
    }
    None
}

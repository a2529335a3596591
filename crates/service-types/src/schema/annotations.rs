//! The annotations (`x-…`) of top-level parameters.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use platform::error::UserError;

use super::digests::DigestTemplate;
use super::limits::schema_error;
use super::subschemas::subschemas;

/// All annotations. Any other keyword that begins with `x-` is rejected, because it is most likely misspelt.
const ANNOTATIONS: [&str; 9] = [
    "x-generate",
    "x-secret",
    "x-digest",
    "x-editable-by",
    "x-visible-to",
    "x-status",
    "x-unique",
    "x-order",
    "x-help",
];
/// Annotations that are also allowed on a property inside a parameter: they only affect forms.
const FORM_ANNOTATIONS: [&str; 2] = ["x-order", "x-help"];

/// The audience that an annotation names. A later one is more restricted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// The extension's owner, and operators on behalf of the owner.
    #[default]
    Owner,
    /// Operators.
    Operator,
    /// Telephone systems, with their keys.
    Consumer,
}

/// The scope in which a value is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueScope {
    /// Unique among the extensions of an event, of all service types.
    Event,
    /// Unique among the extensions of the service type, in all events.
    ServiceType,
}

/// The value that the server generates for a missing parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generate {
    /// `length` characters of an alphabet without look-alikes.
    Password { length: usize },
    /// `words` words, joined by hyphens.
    Passphrase { words: usize },
    /// `length` decimal digits, with leading zeros.
    Digits { length: usize },
    /// `bytes` random bytes, as lower-case hexadecimal digits.
    Hex { bytes: usize },
    /// The owner's username.
    Username,
    /// The extension's number.
    Number,
}

/// A top-level parameter with its schema and annotations.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    /// The property's own JSON Schema.
    pub schema: Value,
    pub title: Option<String>,
    pub description: Option<String>,
    /// The value of a missing parameter; never null.
    pub default: Option<Value>,
    pub required: bool,
    pub deprecated: bool,
    /// Sealed at rest, and returned as a credential or secret, never in `parameters`.
    pub secret: bool,
    pub generate: Option<Generate>,
    /// The SIP digests that are derived from this secret.
    pub digest: Option<DigestTemplate>,
    pub editable_by: Audience,
    pub visible_to: Audience,
    /// `readOnly`: the owner cannot write it.
    pub read_only: bool,
    /// Reported by the telephone system, outside the version and the feed.
    pub status: bool,
    pub unique: Option<UniqueScope>,
    pub order: Option<i64>,
    /// Markdown.
    pub help: Option<String>,
}

/// Reads all annotations. Returns the parameters in the order of a form, and the errors.
pub(super) fn read(source: &Value) -> (Vec<Parameter>, Vec<UserError>) {
    let mut problems = Vec::new();
    check_positions(source, &mut problems);
    let required: Vec<&str> =
        source.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut parameters = Vec::new();
    for (name, schema) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let empty = Map::new();
        let mut reader =
            AnnotationReader { name, keywords: schema.as_object().unwrap_or(&empty), problems: &mut problems };
        let parameter = reader.parameter(schema, required.contains(&name.as_str()));
        reader.check_consistency(&parameter);
        parameters.push(parameter);
    }
    parameters.sort_by(|left, right| form_order(left).cmp(&form_order(right)));
    (parameters, problems)
}

/// The sort key of a parameter in a form: `x-order`, then the name.
fn form_order(parameter: &Parameter) -> (i64, &str) {
    (parameter.order.unwrap_or(i64::MAX), &parameter.name)
}

/// Rejects unknown annotations, and annotations at a position where they have no effect.
fn check_positions(source: &Value, problems: &mut Vec<UserError>) {
    let mut pending = vec![(Vec::<String>::new(), source)];
    while let Some((path, schema)) = pending.pop() {
        let is_parameter = path.len() == 2 && path[0] == "properties";
        for keyword in schema.as_object().into_iter().flat_map(Map::keys).filter(|keyword| keyword.starts_with("x-")) {
            let at: Vec<String> = path.iter().cloned().chain([keyword.clone()]).collect();
            if !ANNOTATIONS.contains(&keyword.as_str()) {
                problems.push(schema_error(
                    &at,
                    format!("There is no annotation `{keyword}`; there are {}.", ANNOTATIONS.join(", ")),
                ));
            } else if !is_parameter && (path.is_empty() || !FORM_ANNOTATIONS.contains(&keyword.as_str())) {
                problems.push(schema_error(
                    &at,
                    format!("`{keyword}` belongs on a top-level parameter, beside a `$ref` and not behind it."),
                ));
            } else if !is_parameter {
                check_form_annotation(schema, keyword, &at, problems);
            }
        }
        for (step, child) in subschemas(schema) {
            pending.push((path.iter().cloned().chain(step).collect(), child));
        }
    }
}

/// Checks the type of an annotation in [`FORM_ANNOTATIONS`] inside a parameter.
fn check_form_annotation(schema: &Value, keyword: &str, at: &[String], problems: &mut Vec<UserError>) {
    let value = &schema[keyword];
    if keyword == "x-order" {
        if !value.is_i64() {
            problems.push(schema_error(at, "It must be an integer."));
        }
    } else if !value.is_string() {
        problems.push(schema_error(at, "It must be a string."));
    }
}

/// Reads the annotations of one parameter and collects errors.
struct AnnotationReader<'a> {
    name: &'a str,
    keywords: &'a Map<String, Value>,
    problems: &'a mut Vec<UserError>,
}

/// The member of `x-generate` that gives the size of a generated value.
struct Size {
    /// Empty for a kind without size.
    member: &'static str,
    bounds: RangeInclusive<usize>,
    default: usize,
}

impl AnnotationReader<'_> {
    fn parameter(&mut self, schema: &Value, required: bool) -> Parameter {
        let status = self.annotation_flag("x-status");
        Parameter {
            name: self.name.to_owned(),
            schema: schema.clone(),
            title: self.text("title"),
            description: self.text("description"),
            default: self.keywords.get("default").filter(|value| !value.is_null()).cloned(),
            required,
            deprecated: self.keyword_flag("deprecated"),
            secret: self.annotation_flag("x-secret"),
            generate: self.generate(),
            digest: self.digest(),
            editable_by: self.audience("x-editable-by").unwrap_or(if status {
                Audience::Consumer
            } else {
                Audience::Owner
            }),
            visible_to: self.audience("x-visible-to").unwrap_or_default(),
            read_only: self.keyword_flag("readOnly"),
            status,
            unique: self.unique(),
            order: self.order(),
            help: self.string("x-help"),
        }
    }

    fn reject(&mut self, steps: &[&str], message: impl AsRef<str>) {
        let path: Vec<String> =
            ["properties", self.name].into_iter().chain(steps.iter().copied()).map(str::to_owned).collect();
        self.problems.push(schema_error(&path, message));
    }

    fn text(&self, keyword: &str) -> Option<String> {
        self.keywords.get(keyword).and_then(Value::as_str).map(str::to_owned)
    }

    fn keyword_flag(&self, keyword: &str) -> bool {
        self.keywords.get(keyword).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An annotation whose only value is `true`.
    fn annotation_flag(&mut self, keyword: &str) -> bool {
        match self.keywords.get(keyword) {
            None => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                self.reject(&[keyword], "It must be `true`, or be left out.");
                false
            }
        }
    }

    fn string(&mut self, keyword: &str) -> Option<String> {
        match self.keywords.get(keyword) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.reject(&[keyword], "It must be a string.");
                None
            }
            None => None,
        }
    }

    fn order(&mut self) -> Option<i64> {
        let value = self.keywords.get("x-order")?;
        if value.as_i64().is_none() {
            self.reject(&["x-order"], "It must be an integer.");
        }
        value.as_i64()
    }

    fn audience(&mut self, keyword: &str) -> Option<Audience> {
        match self.keywords.get(keyword)?.as_str() {
            Some("OWNER") => Some(Audience::Owner),
            Some("OPERATOR") => Some(Audience::Operator),
            Some("CONSUMER") => Some(Audience::Consumer),
            _ => {
                self.reject(&[keyword], "It must be OWNER, OPERATOR or CONSUMER.");
                None
            }
        }
    }

    fn unique(&mut self) -> Option<UniqueScope> {
        match self.keywords.get("x-unique")?.as_str() {
            Some("EVENT") => Some(UniqueScope::Event),
            Some("SERVICE_TYPE") => Some(UniqueScope::ServiceType),
            _ => {
                self.reject(&["x-unique"], "It must be EVENT or SERVICE_TYPE.");
                None
            }
        }
    }

    fn digest(&mut self) -> Option<DigestTemplate> {
        let value = self.keywords.get("x-digest")?;
        match DigestTemplate::parse(value) {
            Ok(template) => Some(template),
            Err(error) => {
                let steps: Vec<&str> = std::iter::once("x-digest").chain(error.member.as_deref()).collect();
                self.reject(&steps, error.message);
                None
            }
        }
    }

    fn generate(&mut self) -> Option<Generate> {
        let Some(map) = self.keywords.get("x-generate")?.as_object() else {
            self.reject(&["x-generate"], "It must be an object with a `kind`.");
            return None;
        };
        let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
        let size = match kind {
            "password" => self.size(map, &Size { member: "length", bounds: 4..=256, default: 20 })?,
            "passphrase" => self.size(map, &Size { member: "words", bounds: 2..=16, default: 4 })?,
            "digits" => self.size(map, &Size { member: "length", bounds: 1..=64, default: 6 })?,
            "hex" => self.size(map, &Size { member: "bytes", bounds: 1..=128, default: 16 })?,
            "username" | "number" => self.size(map, &Size { member: "", bounds: 0..=0, default: 0 })?,
            _ => {
                self.reject(
                    &["x-generate", "kind"],
                    "It must be password, passphrase, digits, hex, username or number.",
                );
                return None;
            }
        };
        Some(match kind {
            "password" => Generate::Password { length: size },
            "passphrase" => Generate::Passphrase { words: size },
            "digits" => Generate::Digits { length: size },
            "hex" => Generate::Hex { bytes: size },
            "username" => Generate::Username,
            _ => Generate::Number,
        })
    }

    /// The size member of `x-generate`, within its bounds; no other member but `kind` is allowed.
    fn size(&mut self, map: &Map<String, Value>, size: &Size) -> Option<usize> {
        if let Some(other) = map.keys().find(|key| *key != "kind" && *key != size.member) {
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
            self.reject(&["x-generate", other], format!("The kind `{kind}` has no `{other}`."));
            return None;
        }
        let Some(value) = map.get(size.member) else { return Some(size.default) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        let valid = number.filter(|number| size.bounds.contains(number));
        if valid.is_none() {
            let (least, most) = (size.bounds.start(), size.bounds.end());
            self.reject(&["x-generate", size.member], format!("It must be an integer from {least} to {most}."));
        }
        valid
    }

    /// Rejects combinations of annotations that contradict each other.
    fn check_consistency(&mut self, parameter: &Parameter) {
        if parameter.digest.is_some() && !parameter.secret {
            self.reject(&["x-digest"], "Digests are derived from a secret: `x-secret` must be true.");
        }
        if parameter.generate.is_some() && parameter.default.is_some() {
            self.reject(&["default"], "A generated parameter has no default.");
        }
        if parameter.secret && parameter.default.is_some() {
            self.reject(&["default"], "A default is public in the schema, so a secret must not have one.");
        }
        if parameter.status && (parameter.secret || parameter.generate.is_some() || parameter.unique.is_some()) {
            self.reject(
                &["x-status"],
                "A status is reported and readable: it can be neither secret nor generated nor unique.",
            );
        }
        if parameter.status && parameter.editable_by != Audience::Consumer {
            self.reject(
                &["x-editable-by"],
                "Only the telephone system writes a status: set CONSUMER, or leave it out.",
            );
        }
        let has_value = parameter.default.is_some() || parameter.generate.is_some();
        if parameter.required && parameter.editable_by == Audience::Consumer && !has_value {
            self.reject(
                &["x-editable-by"],
                "It is required, but only a telephone system may write it, so that no registration would be valid.",
            );
        }
    }
}

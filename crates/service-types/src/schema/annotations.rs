//! The annotations of ours (`x-…`) and the facts about each top-level parameter.

use serde_json::{Map, Value};

use platform::error::UserError;

use super::digests::DigestTemplate;
use super::limits::refusal;
use super::nodes::children;

/// Every annotation there is. An unknown one is refused: it is a typing mistake.
const KNOWN: [&str; 9] = [
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
/// Those that a property inside a parameter may carry too: they only say how a form looks.
const ANYWHERE: [&str; 2] = ["x-order", "x-help"];

/// Whom an annotation names. Each later one stands further from the owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// The extension's owner, and everybody who may act for him.
    #[default]
    Owner,
    /// Operators.
    Operator,
    /// The telephone system, with its key.
    Consumer,
}

/// How far a value must differ from those of other extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// No two extensions of one event share it, whatever their service type.
    Event,
    /// No two extensions of the service type share it, whatever their event.
    ServiceType,
}

/// What the server makes when a value is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generate {
    /// So many characters of an alphabet without look-alikes.
    Password { length: usize },
    /// So many words, joined by hyphens.
    Passphrase { words: usize },
    /// So many decimal digits; leading zeros count.
    Digits { length: usize },
    /// So many random bytes, as lower-case hexadecimal digits.
    Hex { bytes: usize },
    /// The owner's username.
    Username,
    /// The extension's number.
    Number,
}

/// One top-level parameter: its schema and what its annotations say.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    /// The property's own JSON Schema.
    pub schema: Value,
    pub title: Option<String>,
    pub description: Option<String>,
    /// What is filled in when it is left out; never null.
    pub default: Option<Value>,
    pub required: bool,
    pub deprecated: bool,
    /// Sealed at rest; in credentials and secrets, never in `parameters`.
    pub secret: bool,
    pub generate: Option<Generate>,
    /// SIP digests that follow from this secret.
    pub digest: Option<DigestTemplate>,
    pub editable_by: Audience,
    pub visible_to: Audience,
    /// `readOnly`: the owner cannot set it.
    pub read_only: bool,
    /// What a system reports about itself: outside version and feed.
    pub status: bool,
    pub unique: Option<Uniqueness>,
    pub order: Option<i64>,
    /// Markdown.
    pub help: Option<String>,
}

/// Reads all annotations: the parameters in the order of a form, and what is wrong with them.
pub(super) fn read(source: &Value) -> (Vec<Parameter>, Vec<UserError>) {
    let mut problems = Vec::new();
    check_places(source, &mut problems);
    let required: Vec<&str> =
        source.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut parameters = Vec::new();
    for (name, schema) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let empty = Map::new();
        let mut reader = Reader { name, keywords: schema.as_object().unwrap_or(&empty), problems: &mut problems };
        let parameter = reader.parameter(schema, required.contains(&name.as_str()));
        reader.contradictions(&parameter);
        parameters.push(parameter);
    }
    parameters.sort_by(|a, b| (a.order.unwrap_or(i64::MAX), &a.name).cmp(&(b.order.unwrap_or(i64::MAX), &b.name)));
    (parameters, problems)
}

/// Refuses annotations that are unknown, or stand where they would mean nothing.
fn check_places(source: &Value, problems: &mut Vec<UserError>) {
    let mut waiting = vec![(Vec::<String>::new(), source)];
    while let Some((place, schema)) = waiting.pop() {
        let is_parameter = place.len() == 2 && place[0] == "properties";
        for keyword in schema.as_object().into_iter().flat_map(Map::keys).filter(|keyword| keyword.starts_with("x-")) {
            let at: Vec<String> = place.iter().cloned().chain([keyword.clone()]).collect();
            if !KNOWN.contains(&keyword.as_str()) {
                problems
                    .push(refusal(&at, format!("There is no annotation `{keyword}`; there are {}.", KNOWN.join(", "))));
            } else if !is_parameter && (place.is_empty() || !ANYWHERE.contains(&keyword.as_str())) {
                problems.push(refusal(
                    &at,
                    format!("`{keyword}` belongs on a top-level parameter, beside a `$ref` and not behind it."),
                ));
            } else if !is_parameter {
                check_form(schema, keyword, &at, problems);
            }
        }
        for (step, child) in children(schema) {
            waiting.push((place.iter().cloned().chain(step).collect(), child));
        }
    }
}

fn check_form(schema: &Value, keyword: &str, at: &[String], problems: &mut Vec<UserError>) {
    let fits = if keyword == "x-order" { schema[keyword].is_i64() } else { schema[keyword].is_string() };
    if !fits {
        problems
            .push(refusal(at, if keyword == "x-order" { "It must be an integer." } else { "It must be a string." }));
    }
}

struct Reader<'a> {
    name: &'a str,
    keywords: &'a Map<String, Value>,
    problems: &'a mut Vec<UserError>,
}

impl Reader<'_> {
    fn parameter(&mut self, schema: &Value, required: bool) -> Parameter {
        let status = self.flag("x-status");
        Parameter {
            name: self.name.to_owned(),
            schema: schema.clone(),
            title: self.text("title"),
            description: self.text("description"),
            default: self.keywords.get("default").filter(|value| !value.is_null()).cloned(),
            required,
            deprecated: self.standard("deprecated"),
            secret: self.flag("x-secret"),
            generate: self.generate(),
            digest: self.digest(),
            editable_by: self.audience("x-editable-by").unwrap_or(if status {
                Audience::Consumer
            } else {
                Audience::Owner
            }),
            visible_to: self.audience("x-visible-to").unwrap_or_default(),
            read_only: self.standard("readOnly"),
            status,
            unique: self.unique(),
            order: self.order(),
            help: self.string("x-help"),
        }
    }

    fn refuse(&mut self, steps: &[&str], message: impl AsRef<str>) {
        let place: Vec<String> =
            ["properties", self.name].into_iter().chain(steps.iter().copied()).map(str::to_owned).collect();
        self.problems.push(refusal(&place, message));
    }

    fn text(&self, keyword: &str) -> Option<String> {
        self.keywords.get(keyword).and_then(Value::as_str).map(str::to_owned)
    }

    fn standard(&self, keyword: &str) -> bool {
        self.keywords.get(keyword).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An annotation that is either `true` or left out.
    fn flag(&mut self, keyword: &str) -> bool {
        match self.keywords.get(keyword) {
            None => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                self.refuse(&[keyword], "It must be `true`, or be left out.");
                false
            }
        }
    }

    fn string(&mut self, keyword: &str) -> Option<String> {
        match self.keywords.get(keyword) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.refuse(&[keyword], "It must be a string.");
                None
            }
            None => None,
        }
    }

    fn order(&mut self) -> Option<i64> {
        let value = self.keywords.get("x-order")?;
        if value.as_i64().is_none() {
            self.refuse(&["x-order"], "It must be an integer.");
        }
        value.as_i64()
    }

    fn audience(&mut self, keyword: &str) -> Option<Audience> {
        match self.keywords.get(keyword)?.as_str() {
            Some("OWNER") => Some(Audience::Owner),
            Some("OPERATOR") => Some(Audience::Operator),
            Some("CONSUMER") => Some(Audience::Consumer),
            _ => {
                self.refuse(&[keyword], "It must be OWNER, OPERATOR or CONSUMER.");
                None
            }
        }
    }

    fn unique(&mut self) -> Option<Uniqueness> {
        match self.keywords.get("x-unique")?.as_str() {
            Some("EVENT") => Some(Uniqueness::Event),
            Some("SERVICE_TYPE") => Some(Uniqueness::ServiceType),
            _ => {
                self.refuse(&["x-unique"], "It must be EVENT or SERVICE_TYPE.");
                None
            }
        }
    }

    fn digest(&mut self) -> Option<DigestTemplate> {
        let value = self.keywords.get("x-digest")?;
        match DigestTemplate::parse(value) {
            Ok(template) => Some(template),
            Err((member, message)) => {
                let steps: Vec<&str> = std::iter::once("x-digest").chain(member.as_deref()).collect();
                self.refuse(&steps, message);
                None
            }
        }
    }

    fn generate(&mut self) -> Option<Generate> {
        let Some(map) = self.keywords.get("x-generate")?.as_object() else {
            self.refuse(&["x-generate"], "It must be an object with a `kind`.");
            return None;
        };
        let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
        // (member that says how much, its bounds, what it is when left out)
        let (member, least, most, usual) = match kind {
            "password" => ("length", 4, 256, 20),
            "passphrase" => ("words", 2, 16, 4),
            "digits" => ("length", 1, 64, 6),
            "hex" => ("bytes", 1, 128, 16),
            "username" | "number" => ("", 0, 0, 0),
            _ => {
                self.refuse(
                    &["x-generate", "kind"],
                    "It must be password, passphrase, digits, hex, username or number.",
                );
                return None;
            }
        };
        if let Some(other) = map.keys().find(|key| *key != "kind" && *key != member) {
            self.refuse(&["x-generate", other], format!("The kind `{kind}` knows no `{other}`."));
            return None;
        }
        let size = match map.get(member) {
            None => usual,
            Some(value) => match value
                .as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| (least..=most).contains(size))
            {
                Some(size) => size,
                None => {
                    self.refuse(&["x-generate", member], format!("It must be an integer from {least} to {most}."));
                    return None;
                }
            },
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

    /// Refuses annotations that say different things about one parameter.
    fn contradictions(&mut self, parameter: &Parameter) {
        if parameter.digest.is_some() && !parameter.secret {
            self.refuse(&["x-digest"], "Digests are made of a secret: `x-secret` must be true.");
        }
        if parameter.generate.is_some() && parameter.default.is_some() {
            self.refuse(&["default"], "A generated parameter has no default.");
        }
        if parameter.secret && parameter.default.is_some() {
            self.refuse(&["default"], "A secret that everybody can read in the schema is none: leave the default out.");
        }
        if parameter.status && (parameter.secret || parameter.generate.is_some() || parameter.unique.is_some()) {
            self.refuse(
                &["x-status"],
                "A status is reported and shown: it is not secret, not generated and not unique.",
            );
        }
        if parameter.status && parameter.editable_by != Audience::Consumer {
            self.refuse(&["x-editable-by"], "A status is written by the telephone system: CONSUMER, or leave it out.");
        }
        let made = parameter.default.is_some() || parameter.generate.is_some();
        if parameter.required && parameter.editable_by == Audience::Consumer && !made {
            self.refuse(
                &["x-editable-by"],
                "It is required, but only a telephone system may write it: nobody could register.",
            );
        }
    }
}

//! Templates of the settings file: command lines, URLs and documents with expressions such as `{{ number }}`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::RecordError;

/// Maximum number of instructions of one rendering.
const FUEL: u64 = 50_000_000;

/// Escaping of values, by the syntax of the surrounding text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// Percent-encodes everything but letters and digits (RFC 3986, section 2.1).
    Url,
    /// Serializes the value as JSON.
    Json,
    /// Replaces XML's special characters by entities.
    Xml,
    /// Rejects everything but one word of a command line.
    Word,
    /// Rejects control characters, which would end a line of a configuration file.
    Line,
}

/// A parsed template.
pub struct Template {
    environment: Environment<'static>,
}

/// Name of the only template in the environment.
const NAME: &str = "template";

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// The parser's message with the line.
    pub fn parse(source: &str, escape: Escape) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(|error| error.to_string())?;
        environment.set_syntax(syntax);
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("agent".into()));
        environment.set_formatter(move |out, _, value| {
            if value.is_undefined() {
                return Err(ErrorKind::UndefinedError.into());
            }
            let text = if value.is_safe() { value.to_string() } else { escape.apply(value)? };
            out.write_str(&text).map_err(Error::from)
        });
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| describe(&error))?;
        Ok(Self { environment })
    }

    /// Renders the template.
    ///
    /// # Errors
    /// [`RecordError`] with the code `TEMPLATE` for a value that is missing or cannot be escaped. It does not contain
    /// the value.
    pub fn render(&self, values: &Value) -> Result<String, RecordError> {
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|template| template.render(Serde(values)));
        rendered.map_err(|error| RecordError::new("TEMPLATE", describe(&error)))
    }
}

fn describe(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    format!("{}{line}{detail}", error.kind())
}

impl Escape {
    fn apply(self, value: &minijinja::Value) -> Result<String, Error> {
        let rejected = |reason: &'static str| Err(Error::new(ErrorKind::InvalidOperation, reason));
        let text = value.to_string();
        match self {
            Self::Url => Ok(utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()),
            Self::Json => serde_json::to_string(value)
                .map_err(|_| Error::new(ErrorKind::InvalidOperation, "a value cannot be serialized as JSON")),
            _ if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => {
                rejected("a value contains a control character")
            }
            Self::Xml => Ok(escape_xml(&text)),
            Self::Line => Ok(text),
            Self::Word if !text.is_empty() && text.chars().all(is_word_character) => Ok(text),
            Self::Word => rejected("a value is not a single word"),
        }
    }
}

/// Returns whether every command line takes the character literally. `?` is not among them: a VTY shows help for it.
fn is_word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_.:@+-/=,%".contains(character)
}

fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "Bob \"B\" <x>;\n[evil]\ntype=endpoint";

    fn render(source: &str, escape: Escape, label: &str) -> Result<String, RecordError> {
        Template::parse(source, escape).unwrap().render(&json!({ "label": label, "number": "2342" }))
    }

    #[test]
    fn escapes_or_rejects_hostile_values() {
        let url = render("http://x/{{ label }}/{{ number }}", Escape::Url, "a/../b?c#d\n").unwrap();
        assert_eq!(url, "http://x/a%2F%2E%2E%2Fb%3Fc%23d%0A/2342");
        let body = render(r#"{"n": {{ number }}, "l": {{ label }}}"#, Escape::Json, HOSTILE).unwrap();
        let read: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&read["n"], &read["l"]), (&json!("2342"), &json!(HOSTILE)));
        assert_eq!(render("<a b='{{ label }}'/>", Escape::Xml, "'<&>\"").unwrap(), "<a b='&#39;&lt;&amp;&gt;&quot;'/>");
        for label in [HOSTILE, "a b", "a?", "", "a\r\nshow running-config", "a;b", "\u{2028}"] {
            assert!(render("name {{ label }}", Escape::Word, label).is_err(), "{label}");
        }
        assert_eq!(render("name {{ label }}", Escape::Word, "sip:a@b").unwrap(), "name sip:a@b");
        assert!(render("l = {{ label }}", Escape::Line, HOSTILE).is_err());
    }

    #[test]
    fn reports_missing_values_without_other_values() {
        let template = Template::parse("a\n{{ parameters.imsi }}", Escape::Word).unwrap();
        let error = template.render(&json!({ "parameters": { "ki": "topsecret" } })).unwrap_err();
        assert!(error.message.contains("line 2") && !error.message.contains("topsecret"), "{error:?}");
        assert!(Template::parse("{% if %}", Escape::Json).is_err_and(|message| message.contains("line 1")));
    }
}

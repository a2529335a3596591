//! Lines, addresses and documents that an operator writes with `{{ number }}` in them.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::trouble::Refusal;

/// How many steps one rendering may take.
const FUEL: u64 = 50_000_000;

/// What a value must not be able to do in the text around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// Part of an address: everything but letters and digits is percent-encoded (RFC 3986, section 2.1).
    Url,
    /// A value of a JSON text.
    Json,
    /// XML.
    Xml,
    /// One word of a command line: anything else is refused.
    Word,
    /// One line of a configuration file: control characters are refused.
    Line,
}

/// A template that has been read.
pub struct Template {
    environment: Environment<'static>,
}

const NAME: &str = "t";

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The parser's sentence, with the line.
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
            let text = if value.is_safe() { value.to_string() } else { escaped(escape, value)? };
            out.write_str(&text).map_err(Error::from)
        });
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| words(&error))?;
        Ok(Self { environment })
    }

    /// Renders it. A value that could not stand there as data, and one that is not there, are the record's fault.
    ///
    /// # Errors
    /// What is wrong, without the value.
    pub fn render(&self, values: &Value) -> Result<String, Refusal> {
        let refused = |error: Error| Refusal::new("TEMPLATE", words(&error));
        self.environment.get_template(NAME).and_then(|template| template.render(Serde(values))).map_err(refused)
    }
}

fn words(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let place = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    format!("{}{place}{detail}", error.kind())
}

fn escaped(escape: Escape, value: &minijinja::Value) -> Result<String, Error> {
    let refused = |why: &'static str| Err(Error::new(ErrorKind::InvalidOperation, why));
    let text = value.to_string();
    match escape {
        Escape::Url => Ok(utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()),
        Escape::Json => {
            serde_json::to_string(value).map_err(|_| Error::new(ErrorKind::InvalidOperation, "a value is no JSON"))
        }
        _ if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => {
            refused("a value holds a control character")
        }
        Escape::Xml => Ok(xml(&text)),
        Escape::Line => Ok(text),
        Escape::Word if !text.is_empty() && text.chars().all(is_of_a_word) => Ok(text),
        Escape::Word => refused("a value is not one plain word"),
    }
}

/// What no command line reads as anything but itself; a VTY shows help at `?`.
fn is_of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_.:@+-/=,%".contains(letter)
}

fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
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

    fn render(source: &str, escape: Escape, label: &str) -> Result<String, Refusal> {
        Template::parse(source, escape).unwrap().render(&json!({ "label": label, "number": "2342" }))
    }

    #[test]
    fn a_hostile_value_stays_data() {
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
    fn what_is_missing_is_said_without_values() {
        let refusal = Template::parse("a\n{{ parameters.imsi }}", Escape::Word).unwrap();
        let refusal = refusal.render(&json!({ "parameters": { "ki": "topsecret" } })).unwrap_err();
        assert!(refusal.message.contains("line 2") && !refusal.message.contains("topsecret"), "{refusal:?}");
        assert!(Template::parse("{% if %}", Escape::Json).is_err_and(|why| why.contains("line 1")));
    }
}

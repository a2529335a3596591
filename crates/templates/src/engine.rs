//! The MiniJinja environment: strict, with limits, and with an escaper that depends on the format and cannot be
//! disabled.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::escape;
use super::filters;
use super::model::TemplateFormat;

/// Limits of one rendering.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of instructions.
    pub fuel: u64,
    /// The maximum size of the document, in bytes.
    pub bytes: usize,
}

impl Limits {
    /// For the sample of a saved template, and for documents of one extension.
    pub const SMALL: Self = Self { fuel: 1_000_000, bytes: 256 * 1024 };
    /// For the document of a feed: enough for a loop over 100,000 extensions.
    pub const FEED: Self = Self { fuel: 50_000_000, bytes: 256 * 1024 * 1024 };
}

/// The error of a template, for its author. It never contains a value of an extension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TemplateError {
    pub line: Option<usize>,
    pub message: String,
}

/// Renders a template with a context.
///
/// # Errors
/// When the template does not compile, uses an undefined value, a value that a validator rejects or that the format
/// cannot represent, or exceeds the limits.
pub fn render(format: TemplateFormat, source: &str, context: Value, limits: Limits) -> Result<String, TemplateError> {
    let environment = environment(format, limits.fuel)?;
    let template = environment.template_from_str(source).map_err(|error| template_error(&error))?;
    let mut document = BoundedWriter { text: Vec::new(), remaining: limits.bytes, is_full: false };
    let outcome = template.render_captured_to(context, &mut document).map(drop);
    if document.is_full {
        return Err(TemplateError {
            line: None,
            message: format!("the document would be longer than {} bytes", limits.bytes),
        });
    }
    outcome.map_err(|error| template_error(&error))?;
    String::from_utf8(document.text)
        .map_err(|_| TemplateError { line: None, message: "the document is not UTF-8".to_owned() })
}

/// Whether the template renders the document of one device: it uses `extension` or `device`.
pub fn is_device_template(format: TemplateFormat, source: &str) -> bool {
    let Ok(environment) = environment(format, Limits::SMALL.fuel) else { return false };
    environment.template_from_str(source).is_ok_and(|template| {
        template.undeclared_variables(false).iter().any(|name| name == "extension" || name == "device")
    })
}

fn environment(format: TemplateFormat, fuel: u64) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(fuel));
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(|error| template_error(&error))?;
    environment.set_syntax(syntax);
    // Every output goes through the formatter below. Captured output of `set` and macros is marked as safe, since it is
    // escaped already.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("format".into()));
    environment.set_formatter(move |out, _, value| {
        if value.is_safe() {
            return out.write_str(&value.to_string()).map_err(Error::from);
        }
        out.write_str(&escape::literal(format, value)?).map_err(Error::from)
    });
    for filter in ["safe", "escape", "e"] {
        environment.remove_filter(filter);
    }
    filters::add_to(&mut environment);
    Ok(environment)
}

fn template_error(error: &Error) -> TemplateError {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        kind => format!("{kind}{detail}"),
    };
    TemplateError { line: error.line(), message }
}

/// A writer that fails when the document exceeds its maximum size.
struct BoundedWriter {
    text: Vec<u8>,
    remaining: usize,
    is_full: bool,
}

impl io::Write for BoundedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.remaining {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.remaining -= bytes.len();
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    const LIMITS: Limits = Limits { fuel: 10_000, bytes: 1_000 };

    fn rendered(source: &str) -> Result<String, String> {
        let context = context! { label => "a<b>\n'c';", none => Value::from(()) };
        render(TemplateFormat::Xml, source, context, LIMITS).map_err(|error| error.to_string())
    }

    #[test]
    fn the_escaper_cannot_be_disabled() {
        for source in [
            "{{ label }}",
            "{% autoescape false %}{{ label }}{% endautoescape %}",
            "{% set x %}{{ label }}{% endset %}{{ x }}",
            "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(label) }}",
            "{{ [label]|join }}",
            "{{ label ~ '' }}",
        ] {
            assert_eq!(rendered(source).as_deref(), Ok("a&lt;b&gt;&#10;&#39;c&#39;;"), "{source}");
        }
        for source in ["{{ label|safe }}", "{{ label|escape }}", "{{ label|e }}"] {
            assert!(rendered(source).unwrap_err().contains("filter"), "{source}");
        }
    }

    #[test]
    fn undefined_values_and_exceeded_limits_are_errors() {
        assert_eq!(rendered("\n{% for %}").unwrap_err().get(..7), Some("line 2:"));
        assert!(rendered("{{ nothing }}").unwrap_err().contains("undefined"));
        assert!(rendered("{{ none }}").unwrap_err().contains("null"));
        assert!(rendered("{{ [1, 2] }}").unwrap_err().contains("several"));
        assert!(rendered("{% include 'x' %}").is_err());
        assert_eq!(
            rendered("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}").unwrap_err(),
            "line 1: it takes too many steps"
        );
        assert_eq!(rendered("{{ 'x' * 1001 }}").unwrap_err(), "the document would be longer than 1000 bytes");
        assert_eq!(rendered("x\n").as_deref(), Ok("x\n"));
    }
}

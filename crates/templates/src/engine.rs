//! MiniJinja as this program runs it: strict, bounded, with an escaper that follows from the format and cannot be switched off.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::escape;
use super::filters;
use super::model::TemplateFormat;

/// How much one rendering may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the template.
    pub fuel: u64,
    /// Bytes of the document.
    pub bytes: usize,
}

impl Limits {
    /// For the sample that is rendered when a template is saved, and for documents of one extension.
    pub const SMALL: Self = Self { fuel: 1_000_000, bytes: 256 * 1024 };
    /// For a whole feed: a loop over a hundred thousand extensions ends well within, an endless one does not.
    pub const WHOLE_FEED: Self = Self { fuel: 50_000_000, bytes: 256 * 1024 * 1024 };
}

/// Why a template gave no document, in words for whoever wrote it: no value of an extension is in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TemplateError {
    pub line: Option<usize>,
    pub message: String,
}

/// The template applied to the context.
///
/// # Errors
/// When it does not compile, meets an undefined value, a value that its validator refuses or that its format cannot hold, or
/// goes beyond the limits.
pub fn render(format: TemplateFormat, source: &str, context: Value, limits: Limits) -> Result<String, TemplateError> {
    let environment = environment(format, limits.fuel)?;
    let template = environment.template_from_str(source).map_err(|error| told(&error))?;
    let mut document = Bounded { text: Vec::new(), left: limits.bytes, is_full: false };
    let outcome = template.render_captured_to(context, &mut document).map(drop);
    if document.is_full {
        return Err(TemplateError {
            line: None,
            message: format!("the document would be longer than {} bytes", limits.bytes),
        });
    }
    outcome.map_err(|error| told(&error))?;
    String::from_utf8(document.text).map_err(|_| TemplateError { line: None, message: "it is no text".to_owned() })
}

/// Whether the template is for one device: it names `extension` or `device`.
pub fn is_of_device(format: TemplateFormat, source: &str) -> bool {
    let Ok(environment) = environment(format, Limits::SMALL.fuel) else { return false };
    environment.template_from_str(source).is_ok_and(|template| {
        template.undeclared_variables(false).iter().any(|name| name == "extension" || name == "device")
    })
}

fn environment(format: TemplateFormat, fuel: u64) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(fuel));
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(|error| told(&error))?;
    environment.set_syntax(syntax);
    // What the template writes through this name is escaped; what it captures with `set` or a macro is so already.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("format".into()));
    environment.set_formatter(move |out, _, value| {
        if value.is_safe() {
            return out.write_str(&value.to_string()).map_err(Error::from);
        }
        out.write_str(&escape::literal(format, value)?).map_err(Error::from)
    });
    for bypass in ["safe", "escape", "e"] {
        environment.remove_filter(bypass);
    }
    filters::add_to(&mut environment);
    Ok(environment)
}

fn told(error: &Error) -> TemplateError {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        kind => format!("{kind}{detail}"),
    };
    TemplateError { line: error.line(), message }
}

/// A document that ends when it is too long.
struct Bounded {
    text: Vec<u8>,
    left: usize,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= bytes.len();
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
    fn nothing_switches_the_escaper_off() {
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
    fn a_template_is_strict_and_bounded() {
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

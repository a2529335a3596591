//! The MiniJinja environment: with limits, and with an escaper that depends on the format and cannot be disabled.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use minijinja::machinery::{self, make_string_output};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::format::TemplateFormat;
use super::guard::Guard;
use super::thread::on_deep_stack;
use super::{escape, filters, instructions, source, values};

/// Limits of one rendering.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of instructions.
    pub fuel: u64,
    /// The maximum size of the document, in bytes.
    pub bytes: usize,
    /// The maximum time.
    pub time: Duration,
}

impl Limits {
    /// For the sample of a saved template, and for documents of one extension.
    pub const SMALL: Self = Self { fuel: 2_000_000, bytes: 256 * 1024, time: Duration::from_secs(2) };
    /// For the document of a feed: enough for a loop over 100,000 extensions.
    pub const FEED: Self = Self { fuel: 100_000_000, bytes: 256 * 1024 * 1024, time: Duration::from_secs(60) };
    /// For the instructions of one extension.
    pub const INSTRUCTIONS: Self = Self { fuel: 100_000, bytes: 128 * 1024, time: Duration::from_secs(1) };
}

/// What is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A document, whose values are escaped for its format. An undefined value is an error.
    Document(TemplateFormat),
    /// Instructions in Markdown. An undefined value is an error.
    TriedInstructions,
    /// Instructions in Markdown. An undefined value is empty: a parameter may have been removed since.
    Instructions,
}

/// The error of a template, for its author. It never contains a value of an extension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TemplateError {
    pub line: Option<usize>,
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }
}

/// Renders a template with a context. The caller waits, so an async caller uses `spawn_blocking`, outside of a
/// transaction.
///
/// # Errors
/// When the template does not compile, uses an undefined value, a value that a validator rejects or that the format
/// cannot represent, or exceeds the limits.
pub fn render(purpose: Purpose, source: &str, context: Value, limits: Limits) -> Result<String, TemplateError> {
    on_deep_stack(move || render_here(purpose, source, context, limits)).unwrap_or_else(|| Err(no_thread()))
}

fn render_here(purpose: Purpose, source: &str, context: Value, limits: Limits) -> Result<String, TemplateError> {
    let syntax = syntax(purpose)?;
    source::check(source, &syntax)?;
    let guard = Arc::new(Guard::new(limits));
    let source = source::without_constant_factors(source, &syntax);
    let environment = environment(purpose, limits.fuel, &guard);
    let compiled = instructions::compile(&source, &syntax).map_err(|error| template_error(&error))?;
    let escaping = if purpose.format().is_some() { AutoEscape::Custom("format".into()) } else { AutoEscape::None };
    let mut document = String::new();
    let mut output = make_string_output(&mut document);
    machinery::eval(&environment, &compiled.template, context, &compiled.blocks, &mut output, escaping)
        .map_err(|error| template_error(&error))?;
    drop(output);
    if document.len() > limits.bytes { Err(TemplateError::new(guard.too_long())) } else { Ok(document) }
}

/// Whether a document's template uses one of the variables, or may use it. False for a template that does not compile.
pub fn uses_variable(source: &str, names: &[&str]) -> bool {
    let uses = || {
        let syntax = document_syntax().ok()?;
        source::check(source, &syntax).ok()?;
        let environment = Environment::new();
        let template = environment.template_from_str(source).ok()?;
        Some(template.undeclared_variables(false).iter().any(|name| names.contains(&name.as_str())))
    };
    on_deep_stack(uses).flatten().unwrap_or(false)
}

impl Purpose {
    const fn format(self) -> Option<TemplateFormat> {
        match self {
            Self::Document(format) => Some(format),
            Self::TriedInstructions | Self::Instructions => None,
        }
    }
}

fn document_syntax() -> Result<SyntaxConfig, TemplateError> {
    SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(|error| template_error(&error))
}

fn syntax(purpose: Purpose) -> Result<SyntaxConfig, TemplateError> {
    if purpose.format().is_some() { document_syntax() } else { Ok(SyntaxConfig::default()) }
}

fn environment(purpose: Purpose, fuel: u64, guard: &Arc<Guard>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_undefined_behavior(match purpose {
        Purpose::Document(_) | Purpose::TriedInstructions => UndefinedBehavior::Strict,
        Purpose::Instructions => UndefinedBehavior::Chainable,
    });
    environment.set_fuel(Some(fuel));
    environment.add_filter(source::IDENTITY_FILTER, |value: Value| value);
    values::bound_builtins(&mut environment);
    instructions::add_checks(&mut environment, guard);
    filters::add_to(&mut environment);
    let guard = Arc::clone(guard);
    match purpose.format() {
        None => environment.set_formatter(move |out, _, value| {
            let text = escape::plain(value, &guard)?;
            guard.count_written(text.len())?;
            out.write_str(&text).map_err(Error::from)
        }),
        Some(format) => {
            // Every output goes through the formatter. Captured output of `set` and macros is marked as safe,
            // since it is escaped already.
            environment.set_auto_escape_callback(|_| AutoEscape::Custom("format".into()));
            environment.set_formatter(move |out, _, value| {
                let text = match value.as_str().filter(|_| value.is_safe()) {
                    Some(text) => Cow::Borrowed(text),
                    None => Cow::Owned(escape::literal(format, value, guard.remaining())?),
                };
                guard.count_written(text.len())?;
                out.write_str(&text).map_err(Error::from)
            });
            for filter in ["safe", "escape", "e"] {
                environment.remove_filter(filter);
            }
        }
    }
    environment
}

pub(super) fn template_error(error: &Error) -> TemplateError {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
        kind => format!("{kind}{detail}"),
    };
    TemplateError { line: error.line(), message }
}

fn no_thread() -> TemplateError {
    TemplateError::new("it cannot be rendered now")
}

#[cfg(test)]
mod tests;

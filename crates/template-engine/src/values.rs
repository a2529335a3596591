//! Limits of the values that a template computes.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, State, Value, filters};

use super::guard::{Guard, limit_error};

/// The maximum size of a text, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;
/// The maximum number of items of a list or a map.
pub const MAX_ITEMS: usize = 1_000_000;
/// The maximum number of values in a list or a map over all levels, each counted as often as it occurs.
const MAX_VALUES: usize = 1_000_000;
/// The maximum size of all texts in a list or a map, each counted as often as it occurs, in bytes.
const MAX_TOTAL_BYTES: usize = 64 << 20;
/// The maximum nesting of lists and maps.
const MAX_DEPTH: usize = 32;
/// The number of values after which the time is checked.
const CHECKED_VALUES: usize = 4_096;

/// Checks the size of a value that a filter or a function returns: the length of a text, the number of items.
///
/// # Errors
/// For a larger value.
pub fn check_size(value: &Value) -> Result<(), Error> {
    if let Some(text) = value.as_str() {
        return if text.len() > MAX_TEXT_BYTES { Err(too_long()) } else { Ok(()) };
    }
    if value.len().is_some_and(|items| items > MAX_ITEMS) { Err(too_many()) } else { Ok(()) }
}

/// Checks a value with everything in it. Nested values that share their content have a size that grows exponentially
/// when they are written or compared.
///
/// # Errors
/// For a value that is too large or nested too deep, for a namespace in it, and when the time is over.
pub fn check_content(value: &Value, guard: &Guard) -> Result<(), Error> {
    guard.check_time()?;
    let mut size = Size { guard, values: 0, bytes: 0 };
    size.add(value, 0)
}

struct Size<'a> {
    guard: &'a Guard,
    values: usize,
    bytes: usize,
}

impl Size<'_> {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(too_many());
        }
        if self.values.is_multiple_of(CHECKED_VALUES) {
            self.guard.check_time()?;
        }
        if let Some(text) = value.as_str() {
            self.bytes += text.len();
            let is_too_long = text.len() > MAX_TEXT_BYTES || self.bytes > MAX_TOTAL_BYTES;
            return if is_too_long { Err(too_long()) } else { Ok(()) };
        }
        let is_map = match value.kind() {
            ValueKind::Map => true,
            ValueKind::Seq => false,
            // An iterator without a length can be read once only.
            ValueKind::Iterable if value.len().is_some() => false,
            _ => return Ok(()),
        };
        if depth > 0 && is_namespace(value) {
            return Err(limit_error("a namespace cannot be a part of another value"));
        }
        if depth >= MAX_DEPTH {
            return Err(limit_error(format!("a value is nested more than {MAX_DEPTH} levels deep")));
        }
        if value.len().is_some_and(|items| items > MAX_ITEMS) {
            return Err(too_many());
        }
        for item in value.try_iter()? {
            if is_map {
                self.add(&value.get_item(&item)?, depth + 1)?;
            }
            self.add(&item, depth + 1)?;
        }
        Ok(())
    }
}

/// Whether a value is the object that the function `namespace` makes.
pub fn is_namespace(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.type_name().ends_with("Namespace"))
}

/// Refuses a namespace as the value of an attribute of a namespace: it could contain itself.
///
/// # Errors
/// As [`check_content`], and for a namespace.
pub fn check_attribute(value: &Value, guard: &Guard) -> Result<(), Error> {
    if is_namespace(value) {
        return Err(limit_error("a namespace cannot be a part of another value"));
    }
    check_content(value, guard)
}

fn too_long() -> Error {
    limit_error(format!("a text would be longer than {MAX_TEXT_BYTES} bytes"))
}

fn too_many() -> Error {
    limit_error(format!("a list would have more than {MAX_ITEMS} values"))
}

/// Multiplies numbers, or repeats a text.
///
/// # Errors
/// For other values, for a text that would be too long, and for an integer of more than 128 bits.
pub fn multiply(left: &Value, right: &Value) -> Result<Value, Error> {
    let repeated = match (left.as_str(), right.as_str()) {
        (Some(text), None) => Some((text, right)),
        (None, Some(text)) => Some((text, left)),
        _ => None,
    };
    if let Some((text, times)) = repeated {
        let times = times.as_usize().ok_or_else(|| limit_error("a text is repeated a whole number of times"))?;
        let is_short = text.len().checked_mul(times).is_some_and(|bytes| bytes <= MAX_TEXT_BYTES);
        return if is_short { Ok(text.repeat(times).into()) } else { Err(too_long()) };
    }
    let impossible = || limit_error(format!("{} and {} cannot be multiplied", left.kind(), right.kind()));
    if left.is_undefined() || right.is_undefined() {
        return Err(minijinja::ErrorKind::UndefinedError.into());
    }
    match (i128::try_from(left.clone()), i128::try_from(right.clone())) {
        (Ok(a), Ok(b)) if is_integer(left) && is_integer(right) => {
            a.checked_mul(b).map(Value::from).ok_or_else(|| limit_error("the product is too large"))
        }
        _ => {
            let factor = |value: &Value| f64::try_from(value.clone()).map_err(|_| impossible());
            Ok((factor(left)? * factor(right)?).into())
        }
    }
}

/// Whether a number is not a floating-point number.
fn is_integer(value: &Value) -> bool {
    value.is_integer() || value.kind() == ValueKind::Bool
}

/// The largest width of an indentation or of a formatted value.
const MAX_WIDTH: usize = 1_000;
/// The largest number of items in a batch, which may be filled up.
const MAX_BATCH: usize = 10_000;

/// Puts a check before the filters whose results can be much larger than their arguments, and removes what no document
/// needs and is not bounded.
pub fn bound_builtins(environment: &mut Environment<'_>) {
    for filter in ["chain", "zip", "slice"] {
        environment.remove_filter(filter);
    }
    environment.remove_global("debug");
    environment.add_filter("[join]", filters::join);
    add_checked(environment, "join", "[join]", check_join);
    environment.add_filter("[replace]", filters::replace);
    add_checked(environment, "replace", "[replace]", check_replace);
    environment.add_filter("[indent]", filters::indent);
    add_checked(environment, "indent", "[indent]", check_indent);
    environment.add_filter("[batch]", filters::batch);
    add_checked(environment, "batch", "[batch]", check_batch);
    environment.add_filter("[format]", filters::format);
    add_checked(environment, "format", "[format]", check_format);
}

/// The positional and the named arguments of a filter.
type Arguments<'a> = &'a [Value];

/// Adds a filter that checks its value and its arguments and then applies `original`.
fn add_checked(
    environment: &mut Environment<'_>,
    name: &'static str,
    original: &'static str,
    check: fn(&Value, Arguments<'_>) -> Result<(), Error>,
) {
    let filter = move |state: &mut State<'_, '_>, value: Value, positional: Rest<Value>, named: Kwargs| {
        let mut arguments = positional.0;
        let names: Vec<String> = named.args().map(str::to_owned).collect();
        let mut all = arguments.clone();
        for argument in &names {
            all.push(named.peek::<Value>(argument)?);
        }
        check(&value, &all)?;
        arguments.insert(0, value);
        if !names.is_empty() {
            arguments.push(named.into());
        }
        state.apply_filter(original, &arguments)
    };
    environment.add_filter(name, filter);
}

fn check_join(value: &Value, arguments: Arguments<'_>) -> Result<(), Error> {
    let separator = arguments.iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
    if let Some(text) = value.as_str() {
        return check_text(text.len(), text.chars().count(), separator);
    }
    let Ok(items) = value.try_iter() else { return Ok(()) };
    let mut bytes = 0_usize;
    for item in items {
        bytes = bytes.saturating_add(separator).saturating_add(item.as_str().map_or(1, str::len));
        check_text(bytes.saturating_sub(separator), 0, 0)?;
    }
    Ok(())
}

fn check_replace(value: &Value, arguments: Arguments<'_>) -> Result<(), Error> {
    let (Some(text), [from, to, ..]) = (value.as_str(), arguments) else { return Ok(()) };
    let found = from.as_str().map_or(text.len(), |from| text.matches(from).count());
    check_text(text.len(), found, to.as_str().map_or(0, str::len))
}

fn check_indent(value: &Value, arguments: Arguments<'_>) -> Result<(), Error> {
    check_integers(arguments, MAX_WIDTH)?;
    let Some(text) = value.as_str() else { return Ok(()) };
    let width = arguments.iter().filter_map(Value::as_usize).max().unwrap_or(4);
    check_text(text.len(), text.lines().count(), width)
}

fn check_batch(_: &Value, arguments: Arguments<'_>) -> Result<(), Error> {
    check_integers(arguments, MAX_BATCH)
}

/// Checks the widths and precisions of a format such as `%08.3f`. One that is an argument (`%*d`) is refused.
fn check_format(value: &Value, _: Arguments<'_>) -> Result<(), Error> {
    let Some(text) = value.as_str() else { return Ok(()) };
    let mut width = 0_usize;
    let mut widest = 0_usize;
    for character in text.chars() {
        width = character.to_digit(10).map_or(0, |digit| width.saturating_mul(10).saturating_add(digit as usize));
        widest = widest.max(width);
    }
    if text.contains('*') || widest > MAX_WIDTH {
        return Err(limit_error(format!("the width of a formatted value is at most {MAX_WIDTH}")));
    }
    check_text(text.len(), text.matches('%').count(), widest)
}

fn check_integers(arguments: Arguments<'_>, most: usize) -> Result<(), Error> {
    match arguments.iter().filter_map(Value::as_usize).max() {
        Some(largest) if largest > most => Err(limit_error(format!("an argument is larger than {most}"))),
        _ => Ok(()),
    }
}

/// Checks the size of a text to which `count` parts of `bytes` bytes are added.
fn check_text(text: usize, count: usize, bytes: usize) -> Result<(), Error> {
    let is_long = text.saturating_add(count.saturating_mul(bytes)) > MAX_TEXT_BYTES;
    if is_long { Err(too_long()) } else { Ok(()) }
}

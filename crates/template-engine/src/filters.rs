//! Filters in addition to those of MiniJinja: conversions, and validators, which fail for an invalid value.
//!
//! Each validator is also a test: `{% if x is mac %}`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// Adds the filters and tests to an environment.
pub fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("digits", digits);
    environment.add_filter("hex", hex_digits);
    environment.add_filter("mac", mac);
    environment.add_filter("hostname", hostname);
    environment.add_filter("md5", |value: Value| text(&value).map(|text| hex::encode(Md5::digest(text.as_bytes()))));
    environment
        .add_filter("sha256", |value: Value| text(&value).map(|text| hex::encode(Sha256::digest(text.as_bytes()))));
    environment.add_filter("base64", |value: Value| text(&value).map(|text| STANDARD.encode(text.as_bytes())));
    environment.add_filter("truncate", |value: Value, max: usize| {
        text(&value).map(|text| text.chars().take(max).collect::<String>())
    });
    environment.add_filter("ascii", |value: Value| text(&value).map(|text| ascii(&text)));
    environment.add_test("digits", |value: Value| digits(value).is_ok());
    environment.add_test("hex", |value: Value, length: Option<usize>| hex_digits(value, length).is_ok());
    environment.add_test("mac", |value: Value| mac(value, None).is_ok());
    environment.add_test("hostname", |value: Value| hostname(value).is_ok());
}

/// The one value's text.
fn text(value: &Value) -> Result<Cow<'_, str>, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.as_str().map_or_else(|| value.to_string().into(), Into::into)),
        ValueKind::Number => Ok(value.to_string().into()),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        _ => Err(invalid("the value is not a text")),
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Accepts one or more ASCII digits.
fn digits(value: Value) -> Result<String, Error> {
    let text = text(&value)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.into_owned())
    } else {
        Err(invalid("the value does not consist of digits"))
    }
}

/// Accepts `length` hexadecimal digits, or one or more without a length.
fn hex_digits(value: Value, length: Option<usize>) -> Result<String, Error> {
    let text = text(&value)?;
    let has_length = length.map_or(!text.is_empty(), |length| text.len() == length);
    if has_length && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.into_owned())
    } else {
        Err(invalid("the value does not have the expected number of hexadecimal digits"))
    }
}

/// Formats a MAC-48 address in lower case with a separator between the bytes, by default a colon.
fn mac(value: Value, separator: Option<String>) -> Result<String, Error> {
    let bytes = platform::text::mac::parse(&text(&value)?).ok_or_else(|| invalid("the value is not a MAC address"))?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).join(separator.as_deref().unwrap_or(":")))
}

/// Accepts a host name (RFC 1123, section 2.1) or an IP address.
fn hostname(value: Value) -> Result<String, Error> {
    let text = text(&value)?;
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    if is_name || text.parse::<std::net::IpAddr>().is_ok() {
        Ok(text.into_owned())
    } else {
        Err(invalid("the value is not a host name"))
    }
}

/// Converts to printable ASCII: removes accents and characters without an ASCII form.
fn ascii(text: &str) -> String {
    text.nfkd().filter(|character| matches!(character, ' '..='~')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TemplateFormat;
    use crate::engine::{Limits, Purpose, render};

    fn evaluated(expression: &str) -> Result<String, String> {
        let context =
            minijinja::context! { mac => "00-15-65-AB-cd-ef", label => "Café Zoë 本", none => Value::from(()) };
        render(Purpose::Document(TemplateFormat::Text), &format!("{{{{ {expression} }}}}"), context, Limits::SMALL)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_converted() {
        for (expression, expected) in [
            ("mac|mac", "00:15:65:ab:cd:ef"),
            ("mac|mac('')", "001565abcdef"),
            ("'a:b:c'|md5", "02cc8f08398a4f3113b554e8105ebe4c"),
            ("''|sha256|truncate(8)", "e3b0c442"),
            ("label|ascii|trim", "Cafe Zoe"),
            ("label|truncate(4)", "Café"),
            ("label|base64", "Q2Fmw6kgWm/DqyDmnKw="),
            ("2342|digits", "2342"),
            ("'0042'|digits", "0042"),
            ("'00ff'|hex(4)", "00ff"),
            ("'sip.demo.example'|hostname", "sip.demo.example"),
            ("'2001:db8::1'|hostname", "2001:db8::1"),
            ("'x' is digits", "false"),
            ("mac is mac", "true"),
        ] {
            assert_eq!(evaluated(expression).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn validators_reject_invalid_values() {
        for expression in [
            "'23 42'|digits",
            "''|digits",
            "'٢'|digits",
            "none|digits",
            "missing|md5",
            "'00fg'|hex(4)",
            "'00f'|hex(4)",
            "'00:15:65'|mac",
            "'a b'|hostname",
            "'-a'|hostname",
            "'a..b'|hostname",
            "'x\\nupdate'|hostname",
        ] {
            assert!(evaluated(expression).is_err(), "{expression}");
        }
    }
}

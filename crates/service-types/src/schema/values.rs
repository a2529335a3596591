//! The canonical form of parameter values, in which they are stored and compared.

use serde_json::{Number, Value};
use unicode_normalization::UnicodeNormalization as _;

/// Writes every number that equals an integer as one: `1.0`, `1e0` and `1` are the same value (JSON Schema 2020-12,
/// section 4.2.2), and a telephone system that expects `1` may not read `1.0`.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        Value::Object(members) => members.into_iter().map(|(name, member)| (name, canonical(member))).collect(),
        other => other,
    }
}

/// Whether two values are equal, regardless of the notation of numbers.
pub fn are_equal(one: &Value, other: &Value) -> bool {
    one == other || canonical(one.clone()) == canonical(other.clone())
}

/// A value as text for comparison: equal values have equal texts. Texts are compared in NFC; a value that is a text is
/// compared without case.
pub fn comparison_text(value: &Value) -> String {
    match value {
        Value::String(text) => folded(text),
        other => composed(canonical(other.clone())).to_string(),
    }
}

/// Lower case, composed (NFC). Composed first and last: lower-casing can decompose (`İ`).
fn folded(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// Composes every text and every name in a value.
fn composed(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.nfc().collect()),
        Value::Array(items) => items.into_iter().map(composed).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name.nfc().collect::<String>(), composed(member))).collect()
        }
        other => other,
    }
}

fn canonical_number(number: Number) -> Number {
    match integer(&number) {
        Some(integer) if number.is_f64() => {
            let small = i64::try_from(integer).map(Number::from);
            small.or_else(|_| u64::try_from(integer).map(Number::from)).unwrap_or(number)
        }
        _ => number,
    }
}

/// The integer that a JSON number is equal to, such as 1 for `1.0`; `None` beyond 64 bits.
pub(super) fn integer(number: &Number) -> Option<i128> {
    if let Some(value) = number.as_i64() {
        return Some(i128::from(value));
    }
    if let Some(value) = number.as_u64() {
        return Some(i128::from(value));
    }
    let value = number.as_f64()?;
    let is_integer =
        value.fract() == 0.0 && (-9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0).contains(&value);
    #[expect(clippy::cast_possible_truncation, reason = "a double without a fraction in the range of 64 bits is exact")]
    is_integer.then_some(value as i128)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn equal_values_have_one_text() {
        for (one, other) in [
            ("1", "1.0"),
            ("10", "1e1"),
            ("0", "-0.0"),
            ("133701", "1337010e-1"),
            ("9007199254740992", "9007199254740992.0"),
            ("18446744073709549568", "1.8446744073709549568e19"),
            ("-9223372036854775808", "-9.223372036854775808e18"),
            ("[1, {\"a\": 2}]", "[1.0, {\"a\": 2.0}]"),
            ("\"a1/07\"", "\"A1/07\""),
            ("\"\u{e4}\"", "\"a\u{308}\""),
            ("\"\u{c4}\"", "\"a\u{308}\""),
            ("[\"\u{c4}\"]", "[\"A\u{308}\"]"),
            ("{\"\u{e4}\": 1}", "{\"a\u{308}\": 1.0}"),
        ] {
            assert_eq!(comparison_text(&parsed(one)), comparison_text(&parsed(other)), "{one} {other}");
        }
        for (one, other) in [("1", "2"), ("1", "1.5"), ("1", "\"a\""), ("\"a\"", "\"ä\""), ("1e300", "1e301")] {
            assert_ne!(comparison_text(&parsed(one)), comparison_text(&parsed(other)), "{one} {other}");
        }
    }

    #[test]
    fn values_are_equal_in_every_notation() {
        assert!(are_equal(&parsed("{\"a\": [1, 0]}"), &parsed("{\"a\": [1.0, -0.0]}")));
        assert!(!are_equal(&parsed("1"), &parsed("\"1\"")));
    }

    #[test]
    fn integers_are_written_as_integers() {
        let written = canonical(parsed(r#"{"ric": 133701.0, "list": [1e1, 1.5, -0.0], "big": 1e300, "text": "1.0"}"#));
        assert_eq!(written.to_string(), r#"{"big":1e+300,"list":[10,1.5,0],"ric":133701,"text":"1.0"}"#);
        assert_eq!(canonical(json!(null)), json!(null));
    }

    proptest! {
        #[test]
        fn a_number_keeps_its_value(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let number = Number::from_f64(value).unwrap();
            let written = canonical_number(number);
            prop_assert_eq!(written.as_f64(), Some(value + 0.0));
            prop_assert_eq!(canonical_number(written.clone()), written);
        }

        #[test]
        fn every_integer_has_one_text(value in any::<i32>()) {
            let double = Value::Number(Number::from_f64(f64::from(value)).unwrap());
            prop_assert_eq!(comparison_text(&Value::from(value)), comparison_text(&double));
        }
    }
}

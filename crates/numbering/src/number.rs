//! Dialable numbers: the text form, and the parsing of input.

use std::fmt;

use platform::error::{InternalError, UserError};
use platform::text::characters::is_format;

use crate::e164;
use crate::keypad::keypad_digit;

/// Maximum number of digits, in an event's plan and in E.164 (ITU-T E.164, section 6.1).
pub const MAX_DIGITS: usize = 15;

/// Minimum number of digits of an E.164 number. ITU-T E.164 defines none; no subscriber has a shorter number.
const MIN_E164_DIGITS: usize = 7;

/// Maximum length of input, in bytes. Longer input is rejected before parsing.
const MAX_INPUT_BYTES: usize = 64;

/// A dialable number: 1 to 15 ASCII digits in an event's plan, or E.164 (`+` and 7 to 15 digits).
///
/// The order is that of the text, byte by byte: `010` < `10` < `100` < `2`. Leading zeros are significant. Numbers of
/// one length are in numerical order, and `+` comes before every digit. The database columns need a bytewise collation
/// (SQLite's BINARY, PostgreSQL's "C") for the same order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number(String);

impl Number {
    /// Parses input. Spaces (every Unicode space separator, and tabs), hyphens (also the typographic ones) and
    /// invisible format characters, which come with a copied number, are removed, letters A–Z of either case become keypad digits (ITU-T E.161), and an E.164 number is
    /// normalized and validated by country.
    ///
    /// # Errors
    /// `Invalid` at `number`: no digits, too many digits, a character that telephones lack (such as digits of other scripts), or an
    /// E.164 number that no country has.
    pub fn clean(input: &str) -> Result<Self, UserError> {
        if input.len() > MAX_INPUT_BYTES {
            return Err(invalid_number("number.long", "A number has at most 15 digits.").with_value(MAX_DIGITS));
        }
        let mut text = String::with_capacity(input.len());
        for character in input.chars().filter(|&character| !is_separator(character)) {
            match keypad_digit(character) {
                Some(digit) => text.push(digit),
                None if character == '+' && text.is_empty() => text.push('+'),
                None => return Err(invalid_character(character)),
            }
        }
        if let Some(digits) = text.strip_prefix('+') {
            return e164_number(digits);
        }
        match text.len() {
            0 => Err(invalid_number("number.empty", "A number needs at least one digit.")),
            1..=MAX_DIGITS => Ok(Self(text)),
            _ => Err(invalid_number("number.long", "A number has at most 15 digits.").with_value(MAX_DIGITS)),
        }
    }

    /// Reads a stored number. Checks the form but not the country, because rows must stay readable when a country's
    /// numbering plan changes.
    ///
    /// # Errors
    /// `InternalError::Invariant` when the text is not a number.
    pub fn stored(text: String) -> Result<Self, InternalError> {
        let (digits, fewest) = text.strip_prefix('+').map_or((text.as_str(), 1), |digits| (digits, MIN_E164_DIGITS));
        let is_valid =
            (fewest..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_valid { Ok(Self(text)) } else { Err(InternalError::new("a stored number is not a number")) }
    }

    /// The number of `width` digits with this value, padded with leading zeros. The value must fit into `width` digits.
    pub(super) fn padded(width: usize, value: u64) -> Self {
        Self(format!("{value:0width$}"))
    }

    /// The number as text: digits, or `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as owned text.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether the number is in E.164 and thus belongs to no event's plan.
    pub fn is_e164(&self) -> bool {
        self.0.starts_with('+')
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Number {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Whether a character is a separator between digits: a space, a tab, a hyphen or an invisible format character, but not
/// a line break.
pub fn is_separator(character: char) -> bool {
    match character {
        '\t' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}' => true,
        '\u{2028}' | '\u{2029}' => false,
        other => (other.is_whitespace() && !other.is_control()) || is_format(other),
    }
}

/// Error for a character that numbers do not contain.
fn invalid_character(character: char) -> UserError {
    match character {
        '+' => invalid_number("number.plus", "A plus sign may only stand in front of a number."),
        other if other.is_numeric() => invalid_number("number.digits", "A number is written with the digits 0 to 9."),
        _ => invalid_number(
            "number.characters",
            "A number holds digits, spaces, hyphens and the letters A to Z, nothing else.",
        ),
    }
}

/// Normalizes the digits of an E.164 number: removes a trunk `0` after the country code.
fn e164_number(digits: &str) -> Result<Number, UserError> {
    if !(MIN_E164_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
        let error = invalid_number("number.worldLength", "An international number has a plus sign and 7 to 15 digits.");
        return Err(error.with_value(MIN_E164_DIGITS).with_value(MAX_DIGITS));
    }
    // Normalization must be idempotent. Where it removes a digit each time, as it may with Russia's trunk `8`, the
    // input is invalid.
    let normal = normal_form(digits).filter(|normal| normal_form(normal).as_ref() == Some(normal));
    let normal = normal.ok_or_else(|| invalid_number("number.country", "No country has this international number."))?;
    Ok(Number(format!("+{normal}")))
}

/// The digits of an E.164 number without a trunk prefix; `None` if no country has the number.
fn normal_form(digits: &str) -> Option<String> {
    let parsed = phonenumber::parse(None, format!("+{digits}")).ok()?;
    if !e164::exists(parsed.country().code(), &parsed.national().to_string()) {
        return None;
    }
    let text = parsed.format().mode(phonenumber::Mode::E164).to_string();
    let digits = text.strip_prefix('+')?;
    (MIN_E164_DIGITS..=MAX_DIGITS).contains(&digits.len()).then(|| digits.to_owned())
}

fn invalid_number(rule: &'static str, message: &str) -> UserError {
    UserError::invalid("number", message).rule(rule)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(input: &str) -> Result<String, String> {
        Number::clean(input).map(Number::into_string).map_err(|problem| problem.message)
    }

    #[test]
    fn separators_are_removed_and_letters_become_digits() {
        assert_eq!(clean("2342").unwrap(), "2342");
        assert_eq!(clean(" 23-42\u{a0}\t5 \u{2011}6").unwrap(), "234256");
        assert_eq!(clean("\u{202d}6200\u{202c}").unwrap(), "6200");
        assert_eq!(clean("\u{200e}+44\u{200b}2079460018\u{feff}").unwrap(), "+442079460018");
        assert_eq!(clean("zebra").unwrap(), "93272");
        assert_eq!(clean("0042").unwrap(), "0042");
        assert_eq!(clean("123456789012345").unwrap(), "123456789012345");
    }

    #[test]
    fn input_that_cannot_be_dialled_is_rejected() {
        assert_eq!(clean("").unwrap_err(), "A number needs at least one digit.");
        assert_eq!(clean(" - ").unwrap_err(), "A number needs at least one digit.");
        assert_eq!(clean("1234567890123456").unwrap_err(), "A number has at most 15 digits.");
        assert_eq!(clean("٢٣٤٢").unwrap_err(), "A number is written with the digits 0 to 9.");
        assert_eq!(clean("２３４２").unwrap_err(), "A number is written with the digits 0 to 9.");
        assert_eq!(clean("23+42").unwrap_err(), "A plus sign may only stand in front of a number.");
        for odd in ["23.42", "23\n42", "éa", "2342;drop", "(2)342", "*100#", "\u{0}1"] {
            assert_eq!(
                clean(odd).unwrap_err(),
                "A number holds digits, spaces, hyphens and the letters A to Z, nothing else."
            );
        }
        assert_eq!(clean(&"1".repeat(1_000_000)).unwrap_err(), "A number has at most 15 digits.");
    }

    #[test]
    fn e164_numbers_are_validated_by_country() {
        assert_eq!(clean("+44 114 496 0123").unwrap(), "+441144960123");
        assert_eq!(clean("+44 0114 496 0123").unwrap(), "+441144960123");
        assert_eq!(clean("+1-800-FLOWERS").unwrap(), "+18003569377");
        assert_eq!(clean("+39 06 6982 1234").unwrap(), "+390669821234");
        assert_eq!(clean("+1 555 123 9876").unwrap(), "+15551239876");
        for bad in ["+1234567", "+9991234567", "+0441144960123", "+441", "+44114496012345678", "+1 202 555 0123 x5"] {
            assert!(clean(bad).is_err(), "{bad}");
        }
        assert_eq!(clean("+").unwrap_err(), "An international number has a plus sign and 7 to 15 digits.");
    }

    #[test]
    fn numbers_are_ordered_by_their_text() {
        let mut numbers: Vec<_> = ["2", "100", "10", "010"].map(|text| Number::clean(text).unwrap()).into();
        numbers.sort();
        assert_eq!(numbers.iter().map(Number::as_str).collect::<Vec<_>>(), ["010", "10", "100", "2"]);
    }

    #[test]
    fn stored_numbers_are_validated_by_form() {
        assert!(Number::stored("2342".into()).is_ok());
        assert!(Number::stored("+15551239876".into()).is_ok());
        for bad in ["", "+", "+12", "23 42", "zebra", "1234567890123456"] {
            assert!(Number::stored(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_without_a_stable_normal_form_are_rejected() {
        assert!(Number::clean("+7888000000000").is_err());
    }

    proptest! {
        #[test]
        fn cleaning_never_panics_and_is_idempotent(input in "\\PC{0,24}|[+0-9 A-Za-z-]{0,24}|\\+[0-9]{0,16}") {
            if let Ok(number) = Number::clean(&input) {
                prop_assert!(Number::stored(number.as_str().to_owned()).is_ok());
                prop_assert_eq!(Number::clean(number.as_str()).unwrap(), number);
            }
        }
    }
}

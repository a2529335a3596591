//! A number as it is dialled: its text form, and how input becomes one.

use std::fmt;

use crate::keypad::keypad_digit;
use platform::error::{InternalError, UserError};

/// The most digits that a number has, on an event's plan and in the world (ITU-T E.164, section 6.1).
pub const MAX_DIGITS: usize = 15;

/// The fewest digits of a number in the world. ITU-T E.164 names none; shorter ones are no subscriber's.
const MIN_WORLD_DIGITS: usize = 7;

/// Input longer than this many bytes is refused unread: no number needs so many separators.
const MAX_INPUT_BYTES: usize = 64;

/// One dialable number: 1 to 15 ASCII digits on an event's plan, or E.164 (`+` and 7 to 15 digits).
///
/// Numbers are ordered by their text, digit by digit, as a telephone book is: `010` < `10` < `100` < `2`. Leading zeros
/// count. Numbers of one length are thereby in numerical order, and `+` comes before every digit. Both databases must
/// compare the column byte by byte (SQLite's BINARY, PostgreSQL's "C") to agree with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Number(String);

impl Number {
    /// Reads what a person typed. Spaces (every Unicode space separator, and tabs) and hyphens (also the typographic
    /// ones) are dropped, letters A–Z of either case become keypad digits (ITU-T E.161), and an E.164 number is brought
    /// into its normal form, validated by country.
    ///
    /// # Errors
    /// `Invalid` at `number`, with a sentence for a person: nothing to dial, too many digits, a character that no
    /// telephone has (digits of other scripts among them), or an E.164 number that its country does not have.
    pub fn clean(input: &str) -> Result<Self, UserError> {
        if input.len() > MAX_INPUT_BYTES {
            return Err(refused("number.long", "A number has at most 15 digits.").naming(MAX_DIGITS));
        }
        let mut text = String::with_capacity(input.len());
        for character in input.chars().filter(|&character| !is_separator(character)) {
            match keypad_digit(character) {
                Some(digit) => text.push(digit),
                None if character == '+' && text.is_empty() => text.push('+'),
                None => return Err(why_not(character)),
            }
        }
        if let Some(digits) = text.strip_prefix('+') {
            return world_number(digits);
        }
        match text.len() {
            0 => Err(refused("number.empty", "A number needs at least one digit.")),
            1..=MAX_DIGITS => Ok(Self(text)),
            _ => Err(refused("number.long", "A number has at most 15 digits.").naming(MAX_DIGITS)),
        }
    }

    /// A number as the database holds it. Its form is checked, its country is not asked again: a numbering plan that
    /// changed must not make stored rows unreadable.
    ///
    /// # Errors
    /// `InternalError::Invariant` when the text is not a number: then something else wrote it.
    pub fn stored(text: String) -> Result<Self, InternalError> {
        let (digits, fewest) = text.strip_prefix('+').map_or((text.as_str(), 1), |digits| (digits, MIN_WORLD_DIGITS));
        let sound = (fewest..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if sound { Ok(Self(text)) } else { Err(InternalError::new("a stored number is not a number")) }
    }

    /// The number of `width` digits with this value, zeros in front. The caller knows that it fits.
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

    /// Whether it belongs to the world's plan (E.164), not to an event's.
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

/// Whether a character only separates groups of digits: a space, a tab, or a hyphen. Line breaks do not.
pub fn is_separator(character: char) -> bool {
    match character {
        '\t' | '-' | '\u{AD}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}' => true,
        '\u{2028}' | '\u{2029}' => false,
        other => other.is_whitespace() && !other.is_control(),
    }
}

fn why_not(character: char) -> UserError {
    match character {
        '+' => refused("number.plus", "A plus sign may only stand in front of a number."),
        other if other.is_numeric() => refused("number.digits", "A number is written with the digits 0 to 9."),
        _ => {
            refused("number.characters", "A number holds digits, spaces, hyphens and the letters A to Z, nothing else.")
        }
    }
}

/// The E.164 number with these digits, in its country's normal form (a trunk `0` after the country code goes).
fn world_number(digits: &str) -> Result<Number, UserError> {
    if !(MIN_WORLD_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
        let problem = refused("number.worldLength", "An international number has a plus sign and 7 to 15 digits.");
        return Err(problem.naming(MIN_WORLD_DIGITS).naming(MAX_DIGITS));
    }
    // A normal form has no other: where a digit goes each time it is read, as Russia's trunk `8` may, it is no number.
    let normal = normal_form(digits).filter(|normal| normal_form(normal).as_ref() == Some(normal));
    let normal = normal.ok_or_else(|| refused("number.country", "No country has this international number."))?;
    Ok(Number(format!("+{normal}")))
}

/// The digits of an E.164 number without a trunk prefix, if a country has it.
fn normal_form(digits: &str) -> Option<String> {
    let parsed = phonenumber::parse(None, format!("+{digits}")).ok()?;
    if !fits_its_country(&parsed) {
        return None;
    }
    let text = parsed.format().mode(phonenumber::Mode::E164).to_string();
    let digits = text.strip_prefix('+')?;
    (MIN_WORLD_DIGITS..=MAX_DIGITS).contains(&digits.len()).then(|| digits.to_owned())
}

/// Whether the number fits the general pattern of a country with its code. The patterns of single kinds (mobile, toll
/// free …) are not asked: they lag behind what regulators hand out, and a new area code must not be refused.
fn fits_its_country(number: &phonenumber::PhoneNumber) -> bool {
    let database = &phonenumber::metadata::DATABASE;
    let national = number.national().to_string();
    database
        .by_code(&number.country().code())
        .is_some_and(|countries| countries.iter().any(|country| country.descriptors().general().is_match(&national)))
}

fn refused(rule: &'static str, message: &str) -> UserError {
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
    fn separators_go_and_letters_become_digits() {
        assert_eq!(clean("2342").unwrap(), "2342");
        assert_eq!(clean(" 23-42\u{a0}\t5 \u{2011}6").unwrap(), "234256");
        assert_eq!(clean("zebra").unwrap(), "93272");
        assert_eq!(clean("0042").unwrap(), "0042");
        assert_eq!(clean("123456789012345").unwrap(), "123456789012345");
    }

    #[test]
    fn what_cannot_be_dialled_is_refused_in_a_sentence() {
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
    fn a_plus_in_front_is_not_proof() {
        assert_eq!(clean("+44 114 496 0123").unwrap(), "+441144960123");
        assert_eq!(clean("+44 0114 496 0123").unwrap(), "+441144960123");
        assert_eq!(clean("+1-800-FLOWERS").unwrap(), "+18003569377");
        assert_eq!(clean("+39 06 6982 1234").unwrap(), "+390669821234");
        assert_eq!(clean("+1 555 123 9876").unwrap(), "+15551239876");
        for bad in ["+1234567", "+9991234567", "+0441144960123", "+441", "+44114496012345678"] {
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
    fn what_the_database_holds_is_checked_for_form() {
        assert!(Number::stored("2342".into()).is_ok());
        assert!(Number::stored("+15551239876".into()).is_ok());
        for bad in ["", "+", "+12", "23 42", "zebra", "1234567890123456"] {
            assert!(Number::stored(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_changes_each_time_it_is_read_is_no_number() {
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

//! Password values, and the rules for new passwords.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::error::{UserError, UserErrorKind};

/// Minimum and maximum length of a password, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=1024;

/// Common passwords of at least eight characters in lower case, from the frequency lists of zxcvbn (MIT;
/// `common_passwords.LICENSE`).
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A password in Unicode normalization form C (RFC 8265, section 4.2.2), so that a composed and a decomposed `ü` are
/// equal.
/// `Debug` does not print it, and its memory is zeroed on drop.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Validates a new password from the input field `field`: 8 to 1024 bytes, any characters. `context` are words that
    /// an attacker would try first, such as the username.
    ///
    /// # Errors
    /// `WeakPassword` when it is too short, too long, common, or a context word with only non-letters around it.
    pub fn choose(text: &str, context: &[&str], field: &str) -> Result<Self, UserError> {
        let weak = |rule, message: &str| UserError::new(UserErrorKind::WeakPassword, field, message).rule(rule);
        let too_long = || weak("password.long", "A password has at most 1024 bytes.").with_value(LENGTH.end());
        // Checks the length before any other work, because the text may be as long as a request.
        if text.len() > *LENGTH.end() {
            return Err(too_long());
        }
        let password = Self::from_input(text);
        if password.0.len() < *LENGTH.start() {
            return Err(weak("password.short", "A password has at least 8 characters.").with_value(LENGTH.start()));
        }
        if password.0.len() > *LENGTH.end() {
            return Err(too_long());
        }
        let folded = Zeroizing::new(password.0.to_lowercase());
        if COMMON.contains(folded.as_str()) || is_one_character(&folded) {
            return Err(weak("password.common", "This password is one of the most common. Choose another."));
        }
        if context.iter().copied().chain(["switchboard"]).any(|word| is_word_with_decoration(&folded, word)) {
            let message = "This password is too easy to guess from the name. Choose another.";
            return Err(weak("password.guessable", message));
        }
        Ok(password)
    }

    /// Creates a password for verification. Accepts any text, because it is only compared with a hash.
    pub fn from_input(text: &str) -> Self {
        Self(Zeroizing::new(text.nfc().collect()))
    }

    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// Whether the text repeats a single character.
fn is_one_character(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    characters.all(|character| Some(character) == first)
}

/// Whether the password is `word` with any non-letters around it, such as `switchboard2026!`.
fn is_word_with_decoration(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.trim_matches(|character: char| !character.is_alphabetic()).to_owned();
    let word = word.to_lowercase();
    folded == word || (!letters(&word).is_empty() && *Zeroizing::new(letters(folded)) == letters(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(text: &str) -> Option<String> {
        let error = Password::choose(text, &["trillian"], "password").err()?;
        assert_eq!(error.kind, UserErrorKind::WeakPassword);
        assert_eq!(error.path, ["password"]);
        Some(error.message)
    }

    #[test]
    fn the_list_is_sorted_folded_and_long_enough() {
        let lines: Vec<_> = include_str!("common_passwords.txt").lines().collect();
        assert!(lines.len() > 10_000);
        assert!(lines.iter().all(|line| line.len() >= 8 && line.to_lowercase() == *line));
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn any_characters_of_a_valid_length_are_accepted() {
        for text in
            ["correct horse", "numberwang", "        a", "pässwörtchen", "☎☎☏☏", &"ab".repeat(512), "x\0\n\r\t yz"]
        {
            assert_eq!(weakness(text), None, "{text:?}");
        }
    }

    #[test]
    fn short_long_common_and_guessable_passwords_are_rejected() {
        for text in [
            "",
            "seven77",
            &"ab".repeat(513),
            "password",
            "PassWord1",
            "iloveyou",
            "zzzzzzzzzz",
            "switchboard",
            "Switchboard!",
            "trillian",
            "Trillian42",
            "12trillian",
        ] {
            assert!(weakness(text).is_some(), "{text:?}");
        }
        assert_eq!(weakness("trillian and zaphod"), None);
    }

    #[test]
    fn a_numeric_username_rejects_only_itself() {
        assert!(Password::choose("20262026", &["20262026"], "password").is_err());
        assert!(Password::choose("79261834", &["2026"], "password").is_ok());
    }

    #[test]
    fn composed_and_decomposed_letters_are_equal() {
        assert_eq!(Password::from_input("Ku\u{308}che").as_bytes(), Password::from_input("K\u{fc}che").as_bytes());
        assert_eq!(format!("{:?}", Password::from_input("hunter22")), "[password]");
    }
}

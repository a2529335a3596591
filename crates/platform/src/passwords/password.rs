//! Passwords as people give them.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::error::{UserError, UserErrorKind};

/// The shortest and the longest password, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=1024;

/// Passwords of at least eight characters that are often seen in leaks, sorted, in lower case. From the frequency
/// lists of zxcvbn (MIT; `common_passwords.LICENSE`).
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A password. It does not print itself and is wiped when dropped. The text is brought into Unicode's form C
/// (RFC 8265, section 4.2.2), so that `ü` is the same from every keyboard.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password that somebody chooses, for the input field `field`: 8 to 1024 bytes, anything in it. `context`
    /// are words that a guesser would try first, such as the username.
    ///
    /// # Errors
    /// `WeakPassword` when it is too short, too long, common, or little more than a context word.
    pub fn choose(text: &str, context: &[&str], field: &str) -> Result<Self, UserError> {
        let weak = |rule, message: &str| UserError::new(UserErrorKind::WeakPassword, field, message).rule(rule);
        let long = || weak("password.long", "A password has at most 1024 bytes.").with_value(LENGTH.end());
        // Before anything that costs: the text may be as long as a request.
        if text.len() > *LENGTH.end() {
            return Err(long());
        }
        let password = Self::presented(text);
        if password.0.len() < *LENGTH.start() {
            return Err(weak("password.short", "A password has at least 8 characters.").with_value(LENGTH.start()));
        }
        if password.0.len() > *LENGTH.end() {
            return Err(long());
        }
        let folded = Zeroizing::new(password.0.to_lowercase());
        if COMMON.contains(folded.as_str()) || is_one_character(&folded) {
            return Err(weak("password.common", "This password is one of the most common. Choose another."));
        }
        if context.iter().copied().chain(["switchboard"]).any(|word| says_little_more(&folded, word)) {
            let message = "This password is too easy to guess from the name. Choose another.";
            return Err(weak("password.guessable", message));
        }
        Ok(password)
    }

    /// A password that somebody presents in order to sign in: any text, since it is only compared.
    pub fn presented(text: &str) -> Self {
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

fn is_one_character(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    characters.all(|character| Some(character) == first)
}

/// Whether the password is `word`, perhaps with figures and signs around it: `switchboard2026!`.
fn says_little_more(folded: &str, word: &str) -> bool {
    let letters = |text: &str| text.trim_matches(|character: char| !character.is_alphabetic()).to_owned();
    let word = word.to_lowercase();
    folded == word || (!letters(&word).is_empty() && *Zeroizing::new(letters(folded)) == letters(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<String> {
        let problem = Password::choose(text, &["trillian"], "password").err()?;
        assert_eq!(problem.kind, UserErrorKind::WeakPassword);
        assert_eq!(problem.path, ["password"]);
        Some(problem.message)
    }

    #[test]
    fn the_list_is_sorted_folded_and_long_enough() {
        let lines: Vec<_> = include_str!("common_passwords.txt").lines().collect();
        assert!(lines.len() > 10_000);
        assert!(lines.iter().all(|line| line.len() >= 8 && line.to_lowercase() == *line));
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn anything_of_a_sensible_length_is_accepted() {
        for text in
            ["correct horse", "numberwang", "        a", "pässwörtchen", "☎☎☏☏", &"ab".repeat(512), "x\0\n\r\t yz"]
        {
            assert_eq!(refusal(text), None, "{text:?}");
        }
    }

    #[test]
    fn short_long_common_and_guessable_ones_are_refused() {
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
            assert!(refusal(text).is_some(), "{text:?}");
        }
        assert_eq!(refusal("trillian and zaphod"), None);
    }

    #[test]
    fn a_username_of_figures_refuses_itself_only() {
        assert!(Password::choose("20262026", &["20262026"], "password").is_err());
        assert!(Password::choose("79261834", &["2026"], "password").is_ok());
    }

    #[test]
    fn the_same_letters_from_two_keyboards_are_one_password() {
        assert_eq!(Password::presented("Ku\u{308}che").as_bytes(), Password::presented("K\u{fc}che").as_bytes());
        assert_eq!(format!("{:?}", Password::presented("hunter22")), "[password]");
    }
}

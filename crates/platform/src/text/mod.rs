//! One line of text that people name things with: labels, display names.

pub mod folding;

use unicode_normalization::UnicodeNormalization as _;

use crate::error::UserError;

/// The most characters (Unicode scalar values, after NFC) that a name has.
pub const MAX_NAME_CHARS: usize = 64;

/// Why a text is no name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameFault {
    /// Nothing that can be seen is left.
    #[error("It must not be empty.")]
    Empty,
    /// Longer than [`MAX_NAME_CHARS`].
    #[error("It has at most 64 characters.")]
    TooLong,
    /// A line break, another control character, or one that turns the direction of the text after it.
    #[error("It must not hold line breaks or other control characters.")]
    Control,
}

impl NameFault {
    /// The same for the field of an input.
    pub fn problem(self, field: &str) -> UserError {
        let problem = UserError::invalid(field, self.to_string());
        match self {
            Self::Empty => problem.rule("name.empty"),
            Self::TooLong => problem.rule("name.long").naming(MAX_NAME_CHARS),
            Self::Control => problem.rule("name.control"),
        }
    }
}

/// Brings a name into its stored form: without white space at its ends, in NFC (Unicode Standard Annex 15), 1 to
/// [`MAX_NAME_CHARS`] characters of which one can be seen.
///
/// Refused are control characters (general category Cc), line and paragraph separators, and the explicit directional
/// formatting characters (Unicode Standard Annex 9, section 2), with which one entry could rearrange a phonebook page.
///
/// # Errors
/// [`NameFault`], whose text is a sentence for a person.
pub fn name(input: &str) -> Result<String, NameFault> {
    let trimmed = input.trim();
    // Composing makes a text at most four times shorter: what is longer than this is not read to its end.
    if trimmed.chars().take(4 * MAX_NAME_CHARS + 1).count() > 4 * MAX_NAME_CHARS {
        return Err(NameFault::TooLong);
    }
    if trimmed.chars().any(is_forbidden) {
        return Err(NameFault::Control);
    }
    let composed: String = trimmed.nfc().collect();
    if composed.chars().count() > MAX_NAME_CHARS {
        return Err(NameFault::TooLong);
    }
    if composed.chars().all(is_invisible) { Err(NameFault::Empty) } else { Ok(composed) }
}

fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_trimmed_and_composed() {
        assert_eq!(name("  Zoe\u{308} Müller\u{a0}").unwrap(), "Zoë Müller");
        assert_eq!(name("本部").unwrap(), "本部");
        assert_eq!(name("Bob \"B\" <x>;").unwrap(), "Bob \"B\" <x>;");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (input, fault) in [
            ("", NameFault::Empty),
            (" \u{200b} \u{feff}", NameFault::Empty),
            ("a\nb", NameFault::Control),
            ("a\u{0}", NameFault::Control),
            ("a\u{202e}b", NameFault::Control),
            ("a\u{2028}b", NameFault::Control),
        ] {
            assert_eq!(name(input).unwrap_err(), fault, "{input:?}");
        }
        assert_eq!(name(&"é".repeat(64)).unwrap().chars().count(), 64);
        assert_eq!(name(&"e\u{301}".repeat(64)).unwrap().chars().count(), 64);
        assert_eq!(name(&"e".repeat(65)).unwrap_err(), NameFault::TooLong);
        assert_eq!(name(&"e".repeat(1_000_000)).unwrap_err(), NameFault::TooLong);
    }

    proptest! {
        #[test]
        fn a_name_reads_back_as_itself(input in "\\PC{0,70}") {
            if let Ok(name_once) = name(&input) {
                prop_assert_eq!(name(&name_once).unwrap(), name_once);
            }
        }
    }
}

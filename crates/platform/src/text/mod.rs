//! Names: single-line texts such as labels and display names.

pub mod characters;
pub mod folding;
pub mod mac;

use unicode_normalization::UnicodeNormalization as _;

use crate::error::UserError;

/// Maximum length of a name in Unicode scalar values, after NFC.
pub const MAX_NAME_CHARS: usize = 64;

/// Error of an invalid name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// No visible character.
    #[error("It must not be empty.")]
    Empty,
    /// Longer than [`MAX_NAME_CHARS`].
    #[error("It has at most 64 characters.")]
    TooLong,
    /// A line break, another control character, or a directional formatting character.
    #[error("It must not hold line breaks or other control characters.")]
    Control,
    /// U+FFFD, which a decoder writes for bytes that it cannot decode.
    #[error("It holds the character U+FFFD: the text was read in a wrong encoding.")]
    WronglyDecoded,
}

impl NameError {
    /// Converts to the error of an input field.
    pub fn for_field(self, field: &str) -> UserError {
        let error = UserError::invalid(field, self.to_string());
        match self {
            Self::Empty => error.rule("name.empty"),
            Self::TooLong => error.rule("name.long").with_value(MAX_NAME_CHARS),
            Self::Control => error.rule("name.control"),
            Self::WronglyDecoded => error.rule("name.decoding"),
        }
    }
}

/// Normalizes a name: trims white space, composes to NFC (Unicode Standard Annex 15), and requires 1 to
/// [`MAX_NAME_CHARS`] characters with at least one visible ([`characters::is_visible`]).
///
/// Rejects control characters (general category Cc), noncharacters, line and paragraph separators, explicit directional
/// formatting characters (Unicode Standard Annex 9, section 2), which could reorder a phonebook page, and U+FFFD.
///
/// # Errors
/// [`NameError`], whose message is a sentence for the user.
pub fn name(input: &str) -> Result<String, NameError> {
    let trimmed = input.trim();
    // Composition shortens a text at most by a factor of four, so a longer text is rejected without being composed.
    if trimmed.chars().take(4 * MAX_NAME_CHARS + 1).count() > 4 * MAX_NAME_CHARS {
        return Err(NameError::TooLong);
    }
    if trimmed.chars().any(is_forbidden) {
        return Err(NameError::Control);
    }
    if trimmed.contains(char::REPLACEMENT_CHARACTER) {
        return Err(NameError::WronglyDecoded);
    }
    let composed: String = trimmed.nfc().collect();
    if composed.chars().count() > MAX_NAME_CHARS {
        return Err(NameError::TooLong);
    }
    if composed.chars().any(characters::is_visible) { Ok(composed) } else { Err(NameError::Empty) }
}

fn is_forbidden(character: char) -> bool {
    character.is_control()
        || characters::is_noncharacter(character)
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn trims_and_composes_names() {
        assert_eq!(name("  Zoe\u{308} Müller\u{a0}").unwrap(), "Zoë Müller");
        assert_eq!(name("本部").unwrap(), "本部");
        assert_eq!(name("👩\u{200d}🚀 \u{2764}\u{fe0f}").unwrap(), "👩\u{200d}🚀 \u{2764}\u{fe0f}");
        assert_eq!(name("Bob \"B\" <x>;").unwrap(), "Bob \"B\" <x>;");
    }

    #[test]
    fn rejects_invalid_names() {
        for (input, error) in [
            ("", NameError::Empty),
            (" \u{200b} \u{feff}", NameError::Empty),
            ("\u{2800}", NameError::Empty),
            ("\u{301}", NameError::Empty),
            ("\u{115f}\u{fe0f}\u{e0041}\u{fff9}", NameError::Empty),
            ("M\u{fffd}ller", NameError::WronglyDecoded),
            ("a\u{ffff}", NameError::Control),
            ("a\nb", NameError::Control),
            ("a\u{0}", NameError::Control),
            ("a\u{202e}b", NameError::Control),
            ("a\u{2028}b", NameError::Control),
        ] {
            assert_eq!(name(input).unwrap_err(), error, "{input:?}");
        }
        assert_eq!(name(&"é".repeat(64)).unwrap().chars().count(), 64);
        assert_eq!(name(&"e\u{301}".repeat(64)).unwrap().chars().count(), 64);
        assert_eq!(name(&"e".repeat(65)).unwrap_err(), NameError::TooLong);
        assert_eq!(name(&"e".repeat(1_000_000)).unwrap_err(), NameError::TooLong);
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(input in "\\PC{0,70}") {
            if let Ok(name_once) = name(&input) {
                prop_assert_eq!(name(&name_once).unwrap(), name_once);
            }
        }
    }
}

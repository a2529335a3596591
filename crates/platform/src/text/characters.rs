//! Properties of characters (Unicode Character Database), and the texts that a database column cannot hold.

use std::borrow::Cow;

use icu_properties::props::{DefaultIgnorableCodePoint, ExtendedPictographic, GeneralCategory, RegionalIndicator};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde_json::Value;

use crate::error::UserError;

/// Symbols whose glyph is empty. No property marks them: U+2800 BRAILLE PATTERN BLANK, U+1D159 MUSICAL SYMBOL NULL
/// NOTEHEAD.
const BLANK_SYMBOLS: [char; 2] = ['\u{2800}', '\u{1D159}'];

/// Whether a character shows something by itself. White space, controls, format characters, default-ignorable code
/// points (Unicode Standard, section 5.21), marks (which need a base) and blank symbols do not.
pub fn is_visible(character: char) -> bool {
    use GeneralCategory as G;
    let is_mark_or_control = matches!(
        CodePointMapData::<G>::new().get(character),
        G::Control | G::NonspacingMark | G::EnclosingMark | G::SpacingMark
    );
    !character.is_whitespace() && !is_mark_or_control && !is_format(character) && !BLANK_SYMBOLS.contains(&character)
}

/// Whether a character only formats the text around it: general category Cf, or Default_Ignorable_Code_Point. Such
/// characters come with copied text, for example the directional marks around a number of an address book.
pub fn is_format(character: char) -> bool {
    !character.is_ascii()
        && (CodePointMapData::<GeneralCategory>::new().get(character) == GeneralCategory::Format
            || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character))
}

/// Removes the characters that only format.
pub fn without_format(text: &str) -> Cow<'_, str> {
    if text.contains(is_format) { text.replace(is_format, "").into() } else { text.into() }
}

/// Whether a character is a pictograph: an emoji, or a letter of a flag.
pub fn is_pictograph(character: char) -> bool {
    !character.is_ascii()
        && (CodePointSetData::new::<ExtendedPictographic>().contains(character)
            || CodePointSetData::new::<RegionalIndicator>().contains(character))
}

/// Whether a character is one of the 66 noncharacters (Unicode Standard, section 23.7), which no text contains.
pub const fn is_noncharacter(character: char) -> bool {
    let code = character as u32;
    matches!(code, 0xFDD0..=0xFDEF) || code & 0xFFFE == 0xFFFE
}

/// Whether both databases can hold the text: PostgreSQL's `text` and `jsonb` cannot contain U+0000.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// Refuses a text that a database cannot hold.
///
/// # Errors
/// INVALID at `field` for a text with U+0000.
pub fn storable(field: &str, text: String) -> Result<String, UserError> {
    if is_storable(&text) { Ok(text) } else { Err(null_character(field)) }
}

/// Refuses a JSON value with a text or a key that a database cannot hold.
///
/// # Errors
/// INVALID at the first such value, below `field`.
pub fn storable_json(field: &str, value: &Value) -> Result<(), UserError> {
    let mut path = vec![field.to_owned()];
    if find_null(value, &mut path) { Err(null_character("").at(path)) } else { Ok(()) }
}

/// Whether a value contains U+0000. If so, `path` leads to it.
fn find_null(value: &Value, path: &mut Vec<String>) -> bool {
    let mut enter = |step: String, child: Option<&Value>| {
        let is_unstorable = !is_storable(&step);
        path.push(step);
        if is_unstorable || child.is_some_and(|child| find_null(child, path)) {
            return true;
        }
        path.pop();
        false
    };
    match value {
        Value::String(text) => !is_storable(text),
        Value::Array(items) => items.iter().enumerate().any(|(index, item)| enter(index.to_string(), Some(item))),
        Value::Object(members) => members.iter().any(|(name, member)| enter(name.clone(), Some(member))),
        _ => false,
    }
}

fn null_character(field: &str) -> UserError {
    UserError::invalid(field, "It must not hold the character U+0000.").rule("text.null")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_visible_character_is_a_property() {
        for visible in ['a', '本', '🐈', 'ﷺ', '\u{FFFC}', '½', '|'] {
            assert!(is_visible(visible), "U+{:04X}", u32::from(visible));
        }
        for invisible in [
            ' ',
            '\u{A0}',
            '\u{3000}',
            '\0',
            '\u{85}',
            '\u{AD}',
            '\u{34F}',
            '\u{301}',
            '\u{115F}',
            '\u{1160}',
            '\u{180E}',
            '\u{200B}',
            '\u{200E}',
            '\u{202D}',
            '\u{2060}',
            '\u{206A}',
            '\u{2800}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{1D159}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            assert!(!is_visible(invisible), "U+{:04X}", u32::from(invisible));
        }
    }

    #[test]
    fn format_characters_are_removed() {
        assert_eq!(without_format("\u{202d}+44 20\u{200b}7946\u{202c}"), "+44 207946");
        assert!(matches!(without_format("plain"), Cow::Borrowed("plain")));
        assert!(is_pictograph('🐈') && is_pictograph('🇩') && !is_pictograph('1') && !is_pictograph('本'));
        assert!(is_noncharacter('\u{FFFE}') && is_noncharacter('\u{FDD0}') && is_noncharacter('\u{10FFFF}'));
        assert!(!is_noncharacter('\u{FFFD}'));
    }

    #[test]
    fn a_value_that_a_database_cannot_hold_is_named() {
        assert!(storable("reason", "a".into()).is_ok());
        assert_eq!(storable("reason", "a\0".into()).unwrap_err().path, ["reason"]);
        let path = |value: Value| storable_json("parameters", &value).map_err(|problem| problem.path);
        assert_eq!(path(json!({ "a": [1, { "b": "c" }], "d": null })), Ok(()));
        assert_eq!(path(json!({ "a": ["x", { "b": "\0" }] })).unwrap_err(), ["parameters", "a", "1", "b"]);
        assert_eq!(path(json!({ "a": { "b\0": 1 } })).unwrap_err(), ["parameters", "a", "b\0"]);
    }
}

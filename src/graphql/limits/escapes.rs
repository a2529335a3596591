//! Unicode escapes in the strings of a document that the parser does not know.
//!
//! GraphQL (September 2025, section 2.9.4) has surrogate pairs, `\uD83D\uDE00`, and escapes of any length, `\u{1F600}`.
//! async-graphql's parser knows four digits that are no surrogate. The others are replaced by their characters before
//! the parser reads the document.

use std::borrow::Cow;

/// The document with the escapes replaced. An escape that is none stays, and the parser refuses it.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '#']) {
        let (before, token) = rest.split_at(at);
        out.push_str(before);
        rest = if token.starts_with('#') {
            copy(&mut out, token, token.find(['\n', '\r']))
        } else if token.starts_with("\"\"\"") {
            copy(&mut out, token, block_string_end(token))
        } else {
            string(&mut out, token)
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Copies up to `end`, or everything, and returns the rest.
fn copy<'a>(out: &mut String, text: &'a str, end: Option<usize>) -> &'a str {
    let (copied, rest) = text.split_at(end.unwrap_or(text.len()));
    out.push_str(copied);
    rest
}

/// The end of a block string, which has no Unicode escapes.
fn block_string_end(text: &str) -> Option<usize> {
    let mut from = 3;
    loop {
        let end = from + text[from..].find("\"\"\"")?;
        if !text[..end].ends_with('\\') {
            return Some(end + 3);
        }
        from = end + 3;
    }
}

/// Copies a string with its escapes replaced, and returns the rest.
fn string<'a>(out: &mut String, text: &'a str) -> &'a str {
    out.push('"');
    let mut rest = &text[1..];
    while let Some(at) = rest.find(['"', '\\', '\n', '\r']) {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        if !tail.starts_with('\\') {
            return copy(out, tail, Some(1));
        }
        rest = match escape(tail) {
            Some((character, length)) => {
                push(out, character);
                &tail[length..]
            }
            // The backslash and the character behind it.
            None => copy(out, tail, tail.char_indices().nth(2).map(|(end, _)| end)),
        };
    }
    copy(out, rest, None)
}

/// The character of an escape that the parser does not know, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\u")?;
    if let Some(rest) = digits.strip_prefix('{') {
        let end = rest.find('}').filter(|end| (1..=8).contains(end))?;
        let character = char::from_u32(hexadecimal(&rest[..end])?)?;
        return Some((character, "\\u{".len() + end + "}".len()));
    }
    let high = hexadecimal(digits.get(..4)?).filter(|unit| (0xD800..0xDC00).contains(unit))?;
    let low = digits.get(4..10)?.strip_prefix("\\u")?;
    let low = hexadecimal(low).filter(|unit| (0xDC00..0xE000).contains(unit))?;
    let character = char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))?;
    Some((character, 12))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    are_digits.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// Writes a character of a string as the parser reads it.
fn push(out: &mut String, character: char) {
    match character {
        '"' | '\\' => out.extend(['\\', character]),
        control if control < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(control))),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decode;

    #[test]
    fn escapes_of_the_2025_text_become_characters() {
        for (document, decoded) in [
            (r#"{a(b:"\uD83D\uDE00!")}"#, "{a(b:\"😀!\")}"),
            (r#"{a(b:"\u{1F600}\u{41}\u{0000E4}")}"#, "{a(b:\"😀Aä\")}"),
            (r#"{a(b:"\u{22}\u{5C}\u{A}\u{0}")}"#, r#"{a(b:"\"\\\u000A\u0000")}"#),
        ] {
            assert_eq!(decode(document), decoded);
        }
    }

    #[test]
    fn other_text_stays() {
        for document in [
            r#"{a(b:"\u00e4\n\\uD83D\\uDE00\"\\")}"#,
            r#"{a(b:"\uD83D")}"#,
            r#"{a(b:"\uD83D\u0041")}"#,
            r#"{a(b:"\uDE00\uD83D")}"#,
            r#"{a(b:"\u{D83D}\u{110000}\u{}\u{+41}\u{123456789}")}"#,
            "# \"\\u{41}\"\n{a}",
            r#"{a(b:"""\u{41} \""" \uD83D\uDE00""")}"#,
            "{a(b:\"\\u{41\"",
            "\"\\u",
            "\"\\",
            "\"\"\"\\u{41}",
        ] {
            assert_eq!(decode(document), document);
        }
        assert_eq!(
            decode("# \"\n\"\\u{41}\" \"\"\"\\u{41}\"\"\" \"\\u{42}\""),
            "# \"\n\"A\" \"\"\"\\u{41}\"\"\" \"B\""
        );
    }

    proptest! {
        #[test]
        fn a_document_without_such_escapes_is_unchanged(text in "[ -~é😀\n]{0,60}") {
            let without = text.replace("\\u", "u");
            prop_assert_eq!(decode(&without), without.as_str());
        }

        #[test]
        fn any_text_is_read_back_from_its_escapes(text in "\\PC{0,20}") {
            let escaped: String = text.chars().map(|character| format!("\\u{{{:x}}}", u32::from(character))).collect();
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            for form in [escaped, units] {
                let document = format!("{{a(b:\"{form}\")}}");
                let parsed = async_graphql::parser::parse_query(decode(&document)).unwrap();
                let (_, operation) = parsed.operations.iter().next().unwrap();
                let item = &operation.node.selection_set.node.items[0].node;
                let async_graphql::parser::types::Selection::Field(field) = item else { unreachable!() };
                let value = field.node.get_argument("b").unwrap().node.clone().into_const().unwrap();
                prop_assert_eq!(value, async_graphql::Value::String(text.clone()));
            }
        }
    }
}

//! Keypad letters of telephones (ITU-T E.161, section 3.1, arrangement A).

/// The key with this ASCII letter, or the ASCII digit itself; `None` for anything else.
pub const fn keypad_digit(character: char) -> Option<char> {
    Some(match character.to_ascii_uppercase() {
        'A'..='C' => '2',
        'D'..='F' => '3',
        'G'..='I' => '4',
        'J'..='L' => '5',
        'M'..='O' => '6',
        'P'..='S' => '7',
        'T'..='V' => '8',
        'W'..='Z' => '9',
        digit @ '0'..='9' => digit,
        _ => return None,
    })
}

/// The keys that spell `text`: `Zebra` is `93272`. `None` when it is empty or holds anything but ASCII letters and
/// digits.
pub fn keypad_digits(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    text.chars().map(keypad_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_keys() {
        assert_eq!(keypad_digits("ZEBRA").as_deref(), Some("93272"));
        assert_eq!(keypad_digits("zebra2").as_deref(), Some("932722"));
        assert_eq!(keypad_digits("abcdefghijklmnopqrstuvwxyz").as_deref(), Some("22233344455566677778889999"));
        assert_eq!(keypad_digits("é"), None);
        assert_eq!(keypad_digits("a b"), None);
        assert_eq!(keypad_digits(""), None);
    }
}

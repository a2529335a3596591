//! MAC addresses (EUI-48, IEEE 802).

use super::characters::without_format;

/// Reads a MAC address: twelve hexadecimal digits of either case, plain (`001565aabb01`), in pairs
/// (`00:15:65:aa:bb:01`, `00-15-65-aa-bb-01`, `00 15 65 aa bb 01`) or in groups of four
/// (`0015.65aa.bb01`), with one kind of separator.
///
/// White space around it and invisible format characters are ignored.
pub fn parse(text: &str) -> Option<[u8; 6]> {
    let text = without_format(text);
    let text = text.trim();
    let separator = text.chars().find(|character| !character.is_ascii_hexdigit());
    let is_grouped = match separator {
        None => true,
        Some(separator @ (':' | '-' | ' ')) => text.split(separator).all(|group| group.len() == 2),
        Some('.') => text.split('.').all(|group| group.len() == 4),
        Some(_) => false,
    };
    let digits: String = text.chars().filter(|&character| Some(character) != separator).collect();
    if is_grouped { hex::decode(digits).ok()?.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_kind_of_separator() {
        for text in [
            "001565AABB01",
            "00:15:65:aa:bb:01",
            "00-15-65-AA-BB-01",
            " 00 15 65 aa bb 01 ",
            "0015.65aa.bb01",
            "\u{200e}00:15:65:aa:bb:01",
        ] {
            assert_eq!(parse(text), Some([0x00, 0x15, 0x65, 0xaa, 0xbb, 0x01]), "{text}");
        }
        for text in [
            "",
            "00:15:65",
            "00:15:65:AA-BB:02",
            "0:01565aabb01",
            "00:15:65:aa:bb:01:",
            "001565aabb0",
            "001565aabb0g",
            "0015:65aa:bb01",
            "００1565aabb01",
            "00:15:65:aa:bb:01:02",
            "00.15.65.aa.bb.01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

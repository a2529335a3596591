//! Counts the tokens of a document and the nesting of its brackets before it is parsed.
//!
//! The parser recurses once per bracket, so a document of brackets alone would exhaust its stack. The scan does not
//! recurse.

/// The result of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Lexical tokens (GraphQL, October 2021, section 2.1.6): punctuators, names, numbers and strings.
    pub tokens: usize,
    /// The deepest nesting of `{`, `[` and `(`.
    pub nesting: usize,
}

/// Scans a document in one pass without allocation. For text that is not GraphQL, the nesting is an upper bound of what
/// the parser recurses into.
pub fn scan(text: &str) -> Scan {
    let bytes = text.as_bytes();
    let mut found = Scan::default();
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = line_end(bytes, at);
                continue;
            }
            // A byte order mark is white space.
            0xEF if bytes.get(at..at + 3) == Some(&[0xEF, 0xBB, 0xBF]) => {
                at += 3;
                continue;
            }
            b'{' | b'[' | b'(' => {
                open += 1;
                found.nesting = found.nesting.max(open);
                at + 1
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                at + 1
            }
            b'"' => string_end(bytes, at),
            b'.' if bytes.get(at..at + 3) == Some(b"...") => at + 3,
            byte if is_word(byte) || byte == b'-' => word_end(bytes, at),
            _ => at + 1,
        };
        found.tokens += 1;
    }
    found
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |length| from + length)
}

/// Names, and numbers with their sign, fraction and exponent.
fn word_end(bytes: &[u8], from: usize) -> usize {
    let number = bytes[from] == b'-' || bytes[from].is_ascii_digit();
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        let sign_of_exponent = matches!(byte, b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E');
        let part_of_number = number && (sign_of_exponent || (byte == b'.' && bytes.get(at + 1) != Some(&b'.')));
        if !is_word(byte) && !part_of_number {
            break;
        }
        at += 1;
    }
    at
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    if bytes[from..].starts_with(b"\"\"\"") {
        let mut at = from + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return at + 3;
            } else {
                at += 1;
            }
        }
        return at;
    }
    let mut at = from + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            // An unterminated string: the parser stops here.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::{Scan, scan};

    #[test]
    fn counts_tokens_as_the_specification_does() {
        let found = scan(
            "query Q($a: [Int!] = [1, -2.5e+3]) { # comment {{{\n  x(s: \"a \\\" {\", b: \"\"\"{ \\\"\"\" {\"\"\") ...F @skip(if: $a) }",
        );
        // query Q ( $ a : [ Int ! ] = [ 1 -2.5e+3 ] ) { x ( s : "" b : """""" ) ... F @ skip ( if : $ a ) }
        assert_eq!(found, Scan { tokens: 37, nesting: 2 });
    }

    #[test]
    fn nesting_is_counted_in_invalid_documents() {
        assert_eq!(scan(&"{a".repeat(500)).nesting, 500);
        assert_eq!(scan("\"\n[[[").nesting, 3);
        assert_eq!(scan("\"\\").tokens, 1);
        assert_eq!(scan("").tokens, 0);
    }
}

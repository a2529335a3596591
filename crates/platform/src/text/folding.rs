//! Folding of text for search and comparison, and transliteration to ASCII.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::characters::{is_format, is_pictograph};

/// Folds text for comparison: decomposes (NFKD), removes accents, folds case, spells letters with strokes and ligatures
/// as plain letters (`Søren Æß` becomes `soren aess`), and composes again (NFC).
///
/// Upper-casing and then lower-casing each character approximates Unicode's full case folding (`ß` is `ss`, `ς` is
/// `σ`). Accents are the marks of Latin, Greek and Cyrillic and the optional points of Hebrew and Arabic; marks that
/// form another letter (Indic vowels, Japanese voicing) stay. Invisible format characters are removed too.
pub fn fold(text: &str) -> String {
    let upper =
        text.nfkd().filter(|&character| !is_dropped(character)).flat_map(char::to_uppercase).collect::<String>();
    let lower = upper.chars().flat_map(char::to_lowercase).collect::<String>();
    let mut plain = String::with_capacity(lower.len());
    for character in lower.nfkd().filter(|&character| !is_dropped(character)) {
        match plain_spelling(character) {
            Some(spelling) => plain.push_str(spelling),
            None => plain.push(character),
        }
    }
    plain.nfc().collect()
}

/// Returns the words of folded text: runs of letters, digits and their marks. Chinese, Japanese and Korean text, which
/// has no spaces, is separated from adjacent letters and digits (`sip電話` is two words). Each pictograph is a word.
pub fn words(folded: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begin = None;
    let mut previous = Kind::Gap;
    for (index, character) in folded.char_indices() {
        let own = Kind::of(character);
        let kind = match own {
            Kind::Mark if previous == Kind::Gap => Kind::Gap,
            Kind::Mark => previous,
            kind => kind,
        };
        if kind != previous || own == Kind::Pictograph {
            if let Some(begin) = begin.take() {
                words.push(&folded[begin..index]);
            }
            if kind != Kind::Gap {
                begin = Some(index);
            }
        }
        previous = kind;
    }
    words.extend(begin.map(|begin| &folded[begin..]));
    words
}

/// Folds text as [`fold`] does, with German umlauts spelled out: `Müller` becomes `mueller`. `None` when the text has
/// none.
pub fn fold_umlauts(text: &str) -> Option<String> {
    let composed: String = text.nfc().flat_map(char::to_lowercase).collect();
    let spelled = composed.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue");
    (spelled != composed).then(|| fold(&spelled))
}

/// Transliterates a label to printable ASCII, for telephones and systems that display nothing else: removes accents,
/// transliterates Greek and Cyrillic, replaces typographic marks, and drops everything else. Returns `fallback`, for
/// example the number, if nothing is left.
pub fn ascii_label(label: &str, fallback: &str) -> String {
    let mut ascii = String::new();
    // Й is a separate letter: its decomposition would be transliterated as the vowel И.
    let label = label.replace('й', "y").replace('Й', "Y");
    for character in label.nfkd() {
        let upper = character.is_uppercase();
        let lower: String = character.to_lowercase().collect();
        let spelling: String = lower
            .chars()
            .filter_map(|character| ascii_spelling(character).map(str::to_owned).or_else(|| printable(character)))
            .collect();
        let mut letters = spelling.chars();
        match letters.next() {
            // `Æ` is `AE` in an upper-case word and `Ae` elsewhere, which is more frequent.
            Some(first) if upper => ascii.extend(first.to_uppercase().chain(letters)),
            Some(_) => ascii.push_str(&spelling),
            None => {}
        }
    }
    let ascii = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
    if ascii.is_empty() { fallback.to_owned() } else { ascii }
}

/// Class of a character for word boundaries.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gap,
    Letter,
    Ideograph,
    Pictograph,
    Mark,
}

impl Kind {
    fn of(character: char) -> Self {
        if is_combining_mark(character) {
            Self::Mark
        } else if !character.is_alphanumeric() {
            if is_pictograph(character) { Self::Pictograph } else { Self::Gap }
        } else if is_ideograph(character) {
            Self::Ideograph
        } else {
            Self::Letter
        }
    }
}

fn is_ideograph(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// Whether folding drops a character: an accent, or a character that only formats.
fn is_dropped(character: char) -> bool {
    is_accent(character) || is_format(character)
}

fn is_accent(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}' | '\u{5C4}' | '\u{5C5}' | '\u{5C7}'
        | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6DC}')
}

/// Returns the plain spelling of a lower-case Latin letter without a decomposition.
fn plain_spelling(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ĸ' => "k",
        'ł' => "l",
        'ŋ' => "n",
        'þ' => "th",
        'ŧ' => "t",
        'ə' => "e",
        _ => return None,
    })
}

/// Returns the ASCII spelling of a lower-case Greek letter (based on ISO 843), a lower-case Cyrillic letter (based on
/// ISO 9, without accents) or a typographic mark.
fn ascii_spelling(character: char) -> Option<&'static str> {
    plain_spelling(character).or_else(|| {
        Some(match character {
            'α' | 'а' => "a",
            'β' | 'в' => "v",
            'γ' | 'г' | 'ґ' => "g",
            'δ' | 'д' => "d",
            'ε' | 'е' | 'э' => "e",
            'ζ' | 'з' => "z",
            'η' | 'ι' | 'и' | 'і' => "i",
            'θ' => "th",
            'κ' | 'к' => "k",
            'λ' | 'л' => "l",
            'μ' | 'м' => "m",
            'ν' | 'н' => "n",
            'ξ' => "x",
            'ο' | 'ω' | 'о' => "o",
            'π' | 'п' => "p",
            'ρ' | 'р' => "r",
            'σ' | 'ς' | 'с' => "s",
            'τ' | 'т' => "t",
            'υ' | 'ы' => "y",
            'φ' | 'ф' => "f",
            'χ' => "ch",
            'ψ' => "ps",
            'б' => "b",
            'є' => "ye",
            'ж' => "zh",
            'у' => "u",
            'х' => "kh",
            'ц' => "ts",
            'ч' => "ch",
            'ш' => "sh",
            'щ' => "shch",
            'ю' => "yu",
            'я' => "ya",
            'ј' => "j",
            'љ' => "lj",
            'њ' => "nj",
            'ћ' => "c",
            'ђ' => "dj",
            'џ' => "dz",
            '‘' | '’' | '‚' | 'ʼ' | '′' => "'",
            '“' | '”' | '„' | '«' | '»' | '″' => "\"",
            '‐' | '‑' | '‒' | '–' | '—' | '−' => "-",
            '×' => "x",
            '⁄' => "/",
            _ => return None,
        })
    })
}

/// Returns an ASCII character, or a space for white space.
fn printable(character: char) -> Option<String> {
    if character.is_whitespace() {
        return Some(" ".to_owned());
    }
    character.is_ascii_graphic().then(|| character.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ascii(label: &str) -> String {
        ascii_label(label, "2342")
    }

    #[test]
    fn folds_case_and_accents_of_every_script() {
        for (text, folded) in [
            ("Žebra", "zebra"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("Søren Æther ŒUVRE", "soren aether oeuvre"),
            ("ΟΔΥΣΣΕΎΣ", "οδυσσευσ"),
            ("οδυσσεύς", "οδυσσευσ"),
            ("Ёлка", "елка"),
            ("İstanbul ISPARTA ılık", "istanbul isparta ilik"),
            ("ﬁn Ｆｕｌｌ", "fin full"),
            ("がく", "がく"),
            ("한국", "한국"),
            ("हिन्दी", "हिन्दी"),
            ("שָׁלוֹם", "שלום"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn umlauts_are_spelled_out() {
        assert_eq!(fold_umlauts("Jörg MU\u{308}LLER").as_deref(), Some("joerg mueller"));
        assert_eq!(fold_umlauts("Zoë Straße"), None);
    }

    #[test]
    fn splits_words_at_other_characters() {
        assert_eq!(words(&fold("O'Brien, Zoë-Ann (2nd)")), ["o", "brien", "zoe", "ann", "2nd"]);
        assert_eq!(words(&fold("SIP電話 第3")), ["sip", "電話", "第", "3"]);
        assert_eq!(words(&fold("हिन्दी भाषा")), ["हिन्दी", "भाषा"]);
        assert_eq!(words(&fold("Café🐈🐕 👩\u{200d}🚀")), ["cafe", "🐈", "🐕", "👩", "🚀"]);
        assert_eq!(words(&fold("A\u{202d}B \u{2062}c")), ["ab", "c"]);
        assert_eq!(words("  --- !? "), Vec::<&str>::new());
    }

    #[test]
    fn transliterates_labels() {
        for (label, expected) in [
            ("Zoë Müller", "Zoe Muller"),
            ("Straße – “Größe”", "Strasse - \"Grosse\""),
            ("Ærø Łódź", "Aero Lodz"),
            ("Щука Юрий", "Shchuka Yuriy"),
            ("Οδυσσέας", "Odysseas"),
            ("Bob \"B\" <x>;", "Bob \"B\" <x>;"),
            ("本部", "2342"),
            ("本部 HQ 🦓", "HQ"),
            ("½ way…", "1/2 way..."),
        ] {
            assert_eq!(ascii(label), expected, "{label}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_ascii_is_printable(text in "\\PC{1,40}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded.clone());
            prop_assert_eq!(fold(&text.to_lowercase()), folded.clone());
            let is_letter = |c: &char| c.is_alphanumeric() && !is_combining_mark(*c);
            let letters = |text: &str| text.chars().filter(is_letter).collect::<String>();
            prop_assert_eq!(letters(&words(&folded).concat()), letters(&folded));
            let ascii = ascii_label(&text, "2342");
            prop_assert!(!ascii.is_empty() && ascii.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}

//! Search in the directory: search terms of entries, queries, and the rank of matches.

use std::collections::BTreeSet;

use numbering::keypad::keypad_digits;
use numbering::number::{MAX_DIGITS, Number, is_separator};
use platform::text::characters::without_format;
use platform::text::folding::{fold, fold_umlauts, words};

/// The characters of a query that are read. No label is longer than 64.
const MAX_QUERY_CHARS: usize = 256;

/// The most words of a query that are searched.
const MAX_QUERY_WORDS: usize = 8;

/// The search terms of a label, sorted and without duplicates. A query matches prefixes of them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SearchTerms {
    /// The folded words, and those of the label with its umlauts spelled out: `muller` and `mueller` for Müller.
    pub words: Vec<String>,
    /// The keypad digits that spell the Latin words: `93272` for Zebra. Words of digits only are left out, since they are
    /// found as words.
    pub keypad: Vec<String>,
}

impl SearchTerms {
    /// The terms of a label.
    pub fn of_label(label: &str) -> Self {
        let folded = fold(label);
        let spelled_out = fold_umlauts(label).unwrap_or_default();
        let words: BTreeSet<_> = words(&folded).into_iter().chain(words(&spelled_out)).map(str::to_owned).collect();
        let spelled = words.iter().filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic()));
        let keypad: BTreeSet<_> = spelled.filter_map(|word| keypad_digits(word)).collect();
        Self { words: words.into_iter().collect(), keypad: keypad.into_iter().collect() }
    }
}

/// The rank of a match, the best first. Entries of one rank are ordered by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MatchRank {
    /// The number of the query.
    Number,
    /// A number that begins with that of the query.
    NumberPrefix,
    /// Each word of the query is a prefix of a word of the label.
    Words,
    /// The digits of the query spell a prefix of a word on a keypad.
    Keypad,
}

/// A search query. A query of punctuation only (`!?`) matches nothing.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Query {
    /// A prefix of the number: digits, or `+` and digits. Present if the text is a number without letters.
    pub number: Option<String>,
    /// Folded prefixes of words of the label, without duplicates, at most eight.
    pub words: Vec<String>,
    /// A prefix of a word in keypad digits. Present if the text is digits, spaces and hyphens.
    pub keypad: Option<String>,
}

impl Query {
    /// Parses a query without its invisible format characters; `None` for a blank text, which means an unfiltered list.
    pub fn parse(text: &str) -> Option<Self> {
        let text = without_format(text);
        if text.trim().is_empty() {
            return None;
        }
        let text: String = text.chars().take(MAX_QUERY_CHARS).collect();
        let typed: String = text.chars().filter(|&character| !is_separator(character)).collect();
        let digits = typed.strip_prefix('+').unwrap_or(&typed);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let folded = fold(&text);
        let mut found = Vec::<String>::new();
        for word in words(&folded) {
            if found.len() < MAX_QUERY_WORDS && !found.iter().any(|earlier| earlier == word) {
                found.push(word.to_owned());
            }
        }
        Some(Self {
            number: (is_number && digits.len() <= MAX_DIGITS).then(|| typed.clone()),
            words: found,
            keypad: (is_number && !typed.starts_with('+')).then_some(typed),
        })
    }

    /// Whether the query cannot match any entry.
    pub fn matches_nothing(&self) -> bool {
        self.number.is_none() && self.words.is_empty() && self.keypad.is_none()
    }

    /// The rank of an entry with this number and these terms; `None` if it does not match. Tests compare it with the search in
    /// the database.
    pub fn rank(&self, number: &Number, terms: &SearchTerms) -> Option<MatchRank> {
        let has_prefix = |terms: &[String], prefix: &str| terms.iter().any(|term| term.starts_with(prefix));
        if self.number.as_deref() == Some(number.as_str()) {
            return Some(MatchRank::Number);
        }
        if self.number.as_deref().is_some_and(|prefix| number.as_str().starts_with(prefix)) {
            return Some(MatchRank::NumberPrefix);
        }
        if !self.words.is_empty() && self.words.iter().all(|word| has_prefix(&terms.words, word)) {
            return Some(MatchRank::Words);
        }
        self.keypad.as_deref().filter(|digits| has_prefix(&terms.keypad, digits)).map(|_| MatchRank::Keypad)
    }
}

/// A half-open range of texts, compared by bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    pub from: String,
    pub until: String,
}

impl Range {
    /// The range of all texts with a prefix.
    pub fn with_prefix(prefix: &str) -> Self {
        Self { from: prefix.to_owned(), until: upper_bound(prefix) }
    }
}

/// The least text after all texts with a prefix. The byte order of UTF-8 is the order of its characters.
fn upper_bound(prefix: &str) -> String {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // A range of `char` skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return characters.into_iter().collect();
        }
    }
    char::MAX.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rank(query: &str, number: &str, label: &str) -> Option<MatchRank> {
        Query::parse(query).unwrap().rank(&Number::clean(number).unwrap(), &SearchTerms::of_label(label))
    }

    #[test]
    fn a_label_is_stored_as_words_and_keys() {
        let terms = SearchTerms::of_label("Žebra Straße 42 本部 zebra");
        assert_eq!(terms.words, ["42", "strasse", "zebra", "本部"]);
        assert_eq!(terms.keypad, ["7872773", "93272"]);
    }

    #[test]
    fn a_query_is_a_number_words_or_keys() {
        assert_eq!(Query::parse("  "), None);
        assert_eq!(Query::parse("\u{200e}"), None);
        assert_eq!(Query::parse("\u{202d}5005\u{202c}").unwrap().number.as_deref(), Some("5005"));
        let query = Query::parse("23-42").unwrap();
        assert_eq!((query.number.as_deref(), query.keypad.as_deref()), (Some("2342"), Some("2342")));
        assert_eq!(query.words, ["23", "42"]);
        let query = Query::parse("Zoë zoe MÜLL").unwrap();
        assert_eq!((query.number, query.words, query.keypad), (None, vec!["zoe".to_owned(), "mull".to_owned()], None));
        assert_eq!(Query::parse("+44 114").unwrap().number.as_deref(), Some("+44114"));
        assert!(Query::parse("!?").unwrap().matches_nothing());
        assert!(Query::parse(&"x ".repeat(1_000_000)).unwrap().words.len() == 1);
        assert_eq!(Query::parse(&"9".repeat(20)).unwrap().number, None);
    }

    #[test]
    fn entries_match_in_the_order_of_the_contract() {
        assert_eq!(rank("93272", "93272", "Other"), Some(MatchRank::Number));
        assert_eq!(rank("93272", "932720", "Other"), Some(MatchRank::NumberPrefix));
        assert_eq!(rank("93272", "2000", "Flat 93272b"), Some(MatchRank::Words));
        assert_eq!(rank("93272", "2000", "Zebra"), Some(MatchRank::Keypad));
        assert_eq!(rank("9327", "2000", "The Žebras"), Some(MatchRank::Keypad));
        assert_eq!(rank("93272", "2000", "ΖΕΒΡΑ"), None);
        assert_eq!(rank("zeb the", "2000", "The Zebra"), Some(MatchRank::Words));
        assert_eq!(rank("zeb lion", "2000", "The Zebra"), None);
        assert_eq!(rank("STRASS", "2000", "Straße"), Some(MatchRank::Words));
        assert_eq!(rank("本", "2000", "本部"), Some(MatchRank::Words));
        assert_eq!(rank("bra", "2000", "Zebra"), None);
        for query in ["mueller", "muller", "MÜLLER", "Mü\u{ad}ller", "685537", "6835537", "mu\u{308}l"] {
            let found = rank(query, "2000", "Müller");
            assert!(matches!(found, Some(MatchRank::Words | MatchRank::Keypad)), "{query}");
        }
        assert_eq!(rank("🐈", "2000", "Café 🐈🐕"), Some(MatchRank::Words));
        assert_eq!(rank("cafe 🐕", "2000", "Café 🐈🐕"), Some(MatchRank::Words));
        assert_eq!(rank("🐁", "2000", "Café 🐈🐕"), None);
        assert!(MatchRank::Number < MatchRank::NumberPrefix && MatchRank::Words < MatchRank::Keypad);
    }

    proptest! {
        #[test]
        fn every_word_and_every_beginning_of_it_is_found(label in "\\PC{1,40}", length in 1_usize..8) {
            let terms = SearchTerms::of_label(&label);
            let number = Number::clean("555").unwrap();
            for word in &terms.words {
                let beginning: String = word.chars().take(length).collect();
                prop_assert!(Query::parse(word).unwrap().rank(&number, &terms).is_some());
                // A beginning cut inside a composed letter is another letter; letters that stay letters are found.
                if fold(&beginning) == beginning && words(&beginning) == [beginning.as_str()] {
                    prop_assert!(Query::parse(&beginning).unwrap().rank(&number, &terms).is_some());
                }
            }
            for keys in &terms.keypad {
                prop_assert!(Query::parse(&keys[..length.min(keys.len())]).unwrap().rank(&number, &terms).is_some());
            }
        }

        #[test]
        fn any_query_is_read(text in "\\PC{0,300}") {
            if let Some(query) = Query::parse(&text) {
                prop_assert!(query.words.len() <= 8);
            }
        }
    }
}

//! Filtered, ordered and paginated reads of the directory.
//!
//! The result of a search has three sections: matches by number (the exact number sorts before its extensions), by words and
//! by keypad digits. Entries are ordered by number within a section, and an entry belongs to the first section that it
//! matches. A cursor of section and number is therefore a unique position, and a page reads only the sections that it needs.

use std::fmt;
use std::str::FromStr;

use events::{Event, EventPhase};
use platform::access::{Actor, Role};
use platform::error::Error;
use platform::ids::{EventId, ServiceTypeId};
use platform::store::Conn;
use platform::text_enum;

use super::model::{Audience, Entry};
use super::queries;
use crate::search::{Query, Range};

text_enum! {
    /// Kind of a stored search term.
    pub enum TermKind {
        /// A word of the label.
        Word = "WORD",
        /// The keypad digits of a word.
        Keypad = "KEYPAD",
    }
}

/// Upper bound of all numbers, which consist of digits and `+`.
const NUMBER_UPPER_BOUND: &str = ":";

/// Sorts before every digit and `+`: a number with this suffix is the exclusive lower bound of the next number.
const SUCCESSOR_SUFFIX: char = ' ';

/// Filter of the directory's entries.
#[derive(Clone, Debug)]
pub struct DirectoryFilter {
    pub event: EventId,
    pub audience: Audience,
    /// Service types of the entries; `None`: all.
    pub service_types: Option<Vec<ServiceTypeId>>,
    /// Only entries that a call permission highlights, or only the others; `None`: all.
    pub highlighted: Option<bool>,
    /// Search query; `None`: all entries, by number.
    pub search: Option<Query>,
}

impl DirectoryFilter {
    /// Creates a filter that matches all entries of `event` that `audience` can see.
    pub const fn all(event: EventId, audience: Audience) -> Self {
        Self { event, audience, service_types: None, highlighted: None, search: None }
    }
}

/// Section of a result, as conditions of a database query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Section {
    pub numbers: Range,
    /// Prefixes of terms; the label must contain a term for each of them.
    pub terms: Option<(TermKind, Vec<Range>)>,
    /// Numbers that an earlier section contains.
    pub excluded_numbers: Option<Range>,
    /// Prefixes of words; an earlier section contains the entries that match all of them.
    pub excluded_words: Vec<Range>,
}

/// Position of an entry in a result: its section and its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryCursor {
    section: usize,
    number: String,
}

impl fmt::Display for EntryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.section, self.number)
    }
}

impl FromStr for EntryCursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (section, number) = text.split_once(':').ok_or(())?;
        let section = section.parse().ok().filter(|&section| section < 3).ok_or(())?;
        let is_valid = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
        if is_valid { Ok(Self { section, number: number.to_owned() }) } else { Err(()) }
    }
}

/// Returns the sections of a result by their index. A result without a search has one section.
fn sections(search: Option<&Query>) -> [Option<Section>; 3] {
    let all = Range { from: String::new(), until: NUMBER_UPPER_BOUND.to_owned() };
    let all_entries = Section { numbers: all, terms: None, excluded_numbers: None, excluded_words: Vec::new() };
    let Some(query) = search else { return [Some(all_entries), None, None] };
    let numbers = query.number.as_deref().map(Range::with_prefix);
    let words: Vec<_> = longest_first(&query.words).into_iter().map(Range::with_prefix).collect();
    let by_number = numbers.clone().map(|numbers| Section { numbers, ..all_entries.clone() });
    let by_words = (!words.is_empty()).then(|| Section {
        terms: Some((TermKind::Word, words.clone())),
        excluded_numbers: numbers.clone(),
        ..all_entries.clone()
    });
    let by_keypad = query.keypad.as_deref().map(|digits| Section {
        terms: Some((TermKind::Keypad, vec![Range::with_prefix(digits)])),
        excluded_numbers: numbers,
        excluded_words: words,
        ..all_entries
    });
    [by_number, by_words, by_keypad]
}

/// Sorts the words by descending length. The database query starts with the first, and a long word is the most selective.
fn longest_first(words: &[String]) -> Vec<&str> {
    let mut words: Vec<_> = words.iter().map(String::as_str).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Finds an event by its slug; `None` if `actor` cannot see it.
///
/// # Errors
/// When the database fails.
pub async fn find_event(conn: &mut Conn, actor: &Actor, slug: &str) -> Result<Option<Event>, Error> {
    let event = events::event_by_slug(conn, slug).await?;
    Ok(event.filter(|event| event.phase != EventPhase::Draft || actor.is_at_least(Role::Admin)))
}

/// Loads up to `limit` entries after the cursor `after`, each with its own cursor.
///
/// # Errors
/// When the database fails.
pub async fn entries(
    conn: &mut Conn,
    filter: &DirectoryFilter,
    after: Option<&EntryCursor>,
    limit: i64,
) -> Result<Vec<(EntryCursor, Entry)>, Error> {
    let mut page = Vec::new();
    let begin = after.map_or(0, |cursor| cursor.section);
    for (index, section) in sections(filter.search.as_ref()).into_iter().enumerate().skip(begin) {
        let Some(mut section) = section else { continue };
        if let Some(cursor) = after.filter(|cursor| cursor.section == index) {
            let lower_bound = format!("{}{SUCCESSOR_SUFFIX}", cursor.number);
            section.numbers.from = section.numbers.from.max(lower_bound);
        }
        let remaining = limit - i64::try_from(page.len()).unwrap_or(limit);
        if remaining <= 0 {
            break;
        }
        let found = section_entries(conn, filter, &section, remaining).await?;
        page.extend(
            found.into_iter().map(|entry| (EntryCursor { section: index, number: entry.number.clone() }, entry)),
        );
    }
    Ok(page)
}

/// Loads the first entries of a section. Without terms, one query per visibility reads in the order of the index up to the
/// limit; a single query over several visibilities would sort all matches.
async fn section_entries(
    conn: &mut Conn,
    filter: &DirectoryFilter,
    section: &Section,
    limit: i64,
) -> Result<Vec<Entry>, Error> {
    let visibilities = filter.audience.visibilities();
    if section.terms.is_some() || visibilities.len() == 1 {
        return Ok(queries::entries(conn, filter, section, visibilities, limit).await?);
    }
    let mut found = Vec::new();
    for visibility in visibilities {
        found.extend(queries::entries(conn, filter, section, std::slice::from_ref(visibility), limit).await?);
    }
    // An entry whose visibility changes between two queries is read twice.
    found.sort_by(|one, other| one.number.cmp(&other.number));
    found.dedup_by(|one, other| one.number == other.number);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Counts the entries that match `filter`.
///
/// # Errors
/// When the database fails.
pub async fn total(conn: &mut Conn, filter: &DirectoryFilter) -> Result<i32, Error> {
    let mut total = 0;
    for section in sections(filter.search.as_ref()).iter().flatten() {
        total += queries::count(conn, filter, section).await?;
    }
    Ok(i32::try_from(total).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_round_trips_and_other_text_is_rejected() {
        let cursor = EntryCursor { section: 2, number: "+442342".to_owned() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "2342", "3:2342", "0:", "0:23 42", "0:x", "-1:2"] {
            assert_eq!(text.parse::<EntryCursor>(), Err(()), "{text}");
        }
    }

    #[test]
    fn digits_are_searched_as_number_as_word_and_on_the_keypad() {
        let [number, words, keypad] = sections(Query::parse("932").as_ref());
        assert_eq!(number.unwrap().numbers, Range { from: "932".to_owned(), until: "933".to_owned() });
        let words = words.unwrap();
        assert_eq!(words.excluded_numbers, Some(Range::with_prefix("932")));
        assert!(keypad.unwrap().excluded_words == words.terms.unwrap().1);
    }

    #[test]
    fn letters_are_searched_as_words_alone_the_longest_first() {
        let [number, words, keypad] = sections(Query::parse("of zebra").as_ref());
        assert_eq!((number, keypad), (None, None));
        assert_eq!(
            words.unwrap().terms,
            Some((TermKind::Word, vec![Range::with_prefix("zebra"), Range::with_prefix("of")]))
        );
        assert_eq!(sections(Query::parse("!?").as_ref()), [None, None, None]);
    }

    #[test]
    fn the_next_page_starts_after_the_last_number() {
        let lower_bound = format!("2342{SUCCESSOR_SUFFIX}");
        assert!("2342" < lower_bound.as_str() && lower_bound.as_str() < "23420" && lower_bound.as_str() < "2343");
        assert!("99999" < NUMBER_UPPER_BOUND && "+49" < NUMBER_UPPER_BOUND);
    }

    proptest! {
        #[test]
        fn a_range_contains_exactly_the_texts_with_the_prefix(prefix in "\\PC{1,8}", rest in "\\PC{0,8}", other in "\\PC{1,8}") {
            let range = Range::with_prefix(&prefix);
            let contains = |text: &str| range.from.as_str() <= text && text < range.until.as_str();
            let extended_prefix = format!("{prefix}{rest}");
            prop_assert!(contains(&extended_prefix));
            prop_assert_eq!(contains(&other), other.starts_with(&prefix));
        }
    }
}

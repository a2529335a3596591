//! A listing: who reads what of which event, in which order, page by page.
//!
//! The order of a search has three parts: by number (the number asked for comes before those that begin so, as numbers are
//! ordered), by words, by keypad. Within each part entries are listed by number, and an entry stands in the first part that
//! it matches. So a key of part and number is a place in the whole listing, and a page reads as many parts as it needs.

use std::fmt;
use std::str::FromStr;

use super::model::{Audience, Entry};
use super::queries;
use crate::search::{Query, Range};
use events::{Event, EventPhase};
use platform::access::{Actor, Role};
use platform::error::Error;
use platform::ids::{EventId, ServiceTypeId};
use platform::store::Conn;
use platform::text_enum;

text_enum! {
    /// What a stored term is.
    pub enum TermKind { Word = "WORD", Keypad = "KEYPAD" }
}

/// Sorts behind every number: they are made of digits and `+`.
const BEHIND_NUMBERS: &str = ":";

/// Sorts before every digit and `+`: behind a number and nothing else.
const JUST_BEHIND: char = ' ';

/// What is listed.
#[derive(Clone, Debug)]
pub struct Listing {
    pub event: EventId,
    pub audience: Audience,
    /// Only these; `None`: all.
    pub service_types: Option<Vec<ServiceTypeId>>,
    /// Only those that a call permission marks, or only the others.
    pub highlighted: Option<bool>,
    /// What somebody looks for; `None`: everything is listed, by number.
    pub search: Option<Query>,
}

impl Listing {
    /// Everything that `audience` finds in `event`.
    pub const fn all(event: EventId, audience: Audience) -> Self {
        Self { event, audience, service_types: None, highlighted: None, search: None }
    }
}

/// One part of a listing's order, as a question to the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub numbers: Range,
    /// Terms of which each must be there.
    pub terms: Option<(TermKind, Vec<Range>)>,
    /// Numbers that an earlier part has listed.
    pub not_numbers: Option<Range>,
    /// Words by which an earlier part has listed what has them all.
    pub not_words: Vec<Range>,
}

/// A place in a listing: which part, and behind which number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    part: usize,
    number: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.part, self.number)
    }
}

impl FromStr for Key {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (part, number) = text.split_once(':').ok_or(())?;
        let part = part.parse().ok().filter(|&part| part < 3).ok_or(())?;
        let sound = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
        if sound { Ok(Self { part, number: number.to_owned() }) } else { Err(()) }
    }
}

/// The parts of a listing, each under its number; without a search there is one.
fn parts(search: Option<&Query>) -> [Option<Part>; 3] {
    let all = Range { from: String::new(), until: BEHIND_NUMBERS.to_owned() };
    let whole = Part { numbers: all, terms: None, not_numbers: None, not_words: Vec::new() };
    let Some(query) = search else { return [Some(whole), None, None] };
    let numbers = query.number.as_deref().map(Range::with_prefix);
    let words: Vec<_> = longest_first(&query.words).into_iter().map(Range::with_prefix).collect();
    let by_number = numbers.clone().map(|numbers| Part { numbers, ..whole.clone() });
    let by_words = (!words.is_empty()).then(|| Part {
        terms: Some((TermKind::Word, words.clone())),
        not_numbers: numbers.clone(),
        ..whole.clone()
    });
    let by_keypad = query.keypad.as_deref().map(|digits| Part {
        terms: Some((TermKind::Keypad, vec![Range::with_prefix(digits)])),
        not_numbers: numbers,
        not_words: words,
        ..whole
    });
    [by_number, by_words, by_keypad]
}

/// The longest word is the rarest, most likely: the database begins with it.
fn longest_first(words: &[String]) -> Vec<&str> {
    let mut words: Vec<_> = words.iter().map(String::as_str).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// The event of this slug; `None` where the actor may not know of it.
///
/// # Errors
/// When the database fails.
pub async fn find_event(conn: &mut Conn, actor: &Actor, slug: &str) -> Result<Option<Event>, Error> {
    let event = events::event_by_slug(conn, slug).await?;
    Ok(event.filter(|event| event.phase != EventPhase::Draft || actor.is_at_least(Role::Admin)))
}

/// Up to `limit` entries of the listing behind `after`, each with its key.
///
/// # Errors
/// When the database fails.
pub async fn entries(
    conn: &mut Conn,
    listing: &Listing,
    after: Option<&Key>,
    limit: i64,
) -> Result<Vec<(Key, Entry)>, Error> {
    let mut page = Vec::new();
    let begin = after.map_or(0, |key| key.part);
    for (index, part) in parts(listing.search.as_ref()).into_iter().enumerate().skip(begin) {
        let Some(mut part) = part else { continue };
        if let Some(key) = after.filter(|key| key.part == index) {
            let behind = format!("{}{JUST_BEHIND}", key.number);
            part.numbers.from = part.numbers.from.max(behind);
        }
        let missing = limit - i64::try_from(page.len()).unwrap_or(limit);
        if missing <= 0 {
            break;
        }
        let found = entries_of(conn, listing, &part, missing).await?;
        page.extend(found.into_iter().map(|entry| (Key { part: index, number: entry.number.clone() }, entry)));
    }
    Ok(page)
}

/// A part's first entries. Where numbers alone decide, each visibility is read in the order of its own index, up to the
/// limit: together they would have to be sorted whole.
async fn entries_of(conn: &mut Conn, listing: &Listing, part: &Part, limit: i64) -> Result<Vec<Entry>, Error> {
    let visibilities = listing.audience.visibilities();
    if part.terms.is_some() || visibilities.len() == 1 {
        return Ok(queries::entries(conn, listing, part, visibilities, limit).await?);
    }
    let mut found = Vec::new();
    for visibility in visibilities {
        found.extend(queries::entries(conn, listing, part, std::slice::from_ref(visibility), limit).await?);
    }
    // An entry whose visibility changed between two reads would be there twice.
    found.sort_by(|one, other| one.number.cmp(&other.number));
    found.dedup_by(|one, other| one.number == other.number);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// How many entries the listing has.
///
/// # Errors
/// When the database fails.
pub async fn total(conn: &mut Conn, listing: &Listing) -> Result<i32, Error> {
    let mut total = 0;
    for part in parts(listing.search.as_ref()).iter().flatten() {
        total += queries::count(conn, listing, part).await?;
    }
    Ok(i32::try_from(total).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_reads_back_and_nothing_else_is_one() {
        let key = Key { part: 2, number: "+442342".to_owned() };
        assert_eq!(key.to_string().parse(), Ok(key));
        for text in ["", "2342", "3:2342", "0:", "0:23 42", "0:x", "-1:2"] {
            assert_eq!(text.parse::<Key>(), Err(()), "{text}");
        }
    }

    #[test]
    fn digits_are_searched_as_number_as_word_and_on_the_keypad() {
        let [number, words, keypad] = parts(Query::parse("932").as_ref());
        assert_eq!(number.unwrap().numbers, Range { from: "932".to_owned(), until: "933".to_owned() });
        let words = words.unwrap();
        assert_eq!(words.not_numbers, Some(Range::with_prefix("932")));
        assert!(keypad.unwrap().not_words == words.terms.unwrap().1);
    }

    #[test]
    fn letters_are_searched_as_words_alone_the_longest_first() {
        let [number, words, keypad] = parts(Query::parse("of zebra").as_ref());
        assert_eq!((number, keypad), (None, None));
        assert_eq!(
            words.unwrap().terms,
            Some((TermKind::Word, vec![Range::with_prefix("zebra"), Range::with_prefix("of")]))
        );
        assert_eq!(parts(Query::parse("!?").as_ref()), [None, None, None]);
    }

    #[test]
    fn a_listing_goes_on_just_behind_a_number() {
        let behind = format!("2342{JUST_BEHIND}");
        assert!("2342" < behind.as_str() && behind.as_str() < "23420" && behind.as_str() < "2343");
        assert!("99999" < BEHIND_NUMBERS && "+49" < BEHIND_NUMBERS);
    }

    proptest! {
        #[test]
        fn a_range_holds_what_begins_so(prefix in "\\PC{1,8}", rest in "\\PC{0,8}", other in "\\PC{1,8}") {
            let range = Range::with_prefix(&prefix);
            let holds = |text: &str| range.from.as_str() <= text && text < range.until.as_str();
            let whole = format!("{prefix}{rest}");
            prop_assert!(holds(&whole));
            prop_assert_eq!(holds(&other), other.starts_with(&prefix));
        }
    }
}

//! Database queries of the directory: range scans over the numbers of extensions and over the terms of their labels.
//!
//! Reads of the directory are the most frequent requests, so a page is one statement over the tables of several domains
//! (restrictions, permissions) instead of one query per domain.

use ::events::EventPhase;
use diesel::dsl::{exists, not};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, QueryResult, TextExpressionMethods as _,
};
use diesel_async::RunQueryDsl as _;
use platform::ids::{EventId, ExtensionId};
use platform::query;
use platform::store::Conn;
use platform::store::hints::{unindexed, within_deadline};
use platform::store::schema::{
    call_permissions, directory_terms, events, extension_permissions, extensions, feeds, numbers, restrictions,
};

use super::listing::{DirectoryFilter, Section};
use super::model::Entry;
use crate::restricted::{is_callable, is_restricted};
use crate::search::Range;
use crate::visibility::Visibility;

diesel::alias! {
    const OTHER_TERMS: Alias<OtherTerms> = directory_terms as other_terms;
}

/// Phases of events without a directory.
const UNLISTED: [EventPhase; 2] = [EventPhase::Draft, EventPhase::Archived];

/// Condition: a call permission highlights the extension.
macro_rules! highlighted {
    () => {
        exists(
            extension_permissions::table.filter(extension_permissions::extension_id.eq(extensions::id)).filter(
                extension_permissions::permission_id.eq_any(
                    call_permissions::table
                        .filter(call_permissions::highlights_in_directory.eq(true))
                        .select(call_permissions::id),
                ),
            ),
        )
    };
}

/// Ids of the extensions whose labels contain a term for every prefix range.
macro_rules! with_terms {
    ($event:expr, $kind:expr, $ranges:expr) => {{
        let mut found =
            directory_terms::table.filter(within_deadline()).select(directory_terms::extension_id).into_boxed();
        let mut ranges = $ranges.iter();
        if let Some(first) = ranges.next() {
            found = found
                .filter(directory_terms::event_id.eq($event))
                .filter(directory_terms::kind.eq($kind))
                .filter(directory_terms::term.ge(&first.from))
                .filter(directory_terms::term.lt(&first.until));
        }
        for range in ranges {
            found = found.filter(
                directory_terms::extension_id.eq_any(
                    OTHER_TERMS
                        .filter(OTHER_TERMS.field(directory_terms::event_id).eq($event))
                        .filter(OTHER_TERMS.field(directory_terms::kind).eq($kind))
                        .filter(OTHER_TERMS.field(directory_terms::term).ge(&range.from))
                        .filter(OTHER_TERMS.field(directory_terms::term).lt(&range.until))
                        .select(OTHER_TERMS.field(directory_terms::extension_id)),
                ),
            );
        }
        found
    }};
}

/// Terms of the extension that are words in a prefix range. An extension has few terms, an event may have many words in
/// a range, so SQLite must not look the event up.
macro_rules! has_word {
    ($event:expr, $word:expr) => {
        directory_terms::table
            .filter(directory_terms::extension_id.eq(extensions::id))
            .filter(unindexed(directory_terms::event_id).eq($event))
            .filter(unindexed(directory_terms::kind).eq("WORD"))
            .filter(directory_terms::term.ge(&$word.from))
            .filter(directory_terms::term.lt(&$word.until))
    };
}

/// Query of one section of a result.
macro_rules! section {
    ($filter:expr, $section:expr, $visibilities:expr) => {{
        let (filter, section): (&DirectoryFilter, &Section) = ($filter, $section);
        let mut found = extensions::table
            .filter(within_deadline())
            .filter(is_callable!())
            .filter(extensions::number.ge(&section.numbers.from))
            .filter(extensions::number.lt(&section.numbers.until))
            .into_boxed();
        // PostgreSQL keeps the order of the index for an equality, but not for a list with one element.
        match $visibilities {
            [only] => found = found.filter(extensions::visibility.eq(*only)),
            several => found = found.filter(extensions::visibility.eq_any(several)),
        }
        if let Some(service_types) = &filter.service_types {
            found = found.filter(extensions::service_type_id.eq_any(service_types));
        }
        match filter.highlighted {
            Some(true) => found = found.filter(highlighted!()),
            Some(false) => found = found.filter(not(highlighted!())),
            None => {}
        }
        // Terms belong to one event, so a condition on the event is redundant; with it, SQLite scans all numbers of the event.
        match &section.terms {
            Some((kind, ranges)) => found = found.filter(extensions::id.eq_any(with_terms!(filter.event, kind.as_str(), ranges))),
            None => found = found.filter(extensions::event_id.eq(filter.event)),
        }
        if let Some(Range { from, until }) = &section.excluded_numbers {
            found = found.filter(extensions::number.lt(from).or(extensions::number.ge(until)));
        }
        // A single word is looked up per entry; for `<> ALL` PostgreSQL compares each entry with the complete list.
        match section.excluded_words.as_slice() {
            [] => {}
            [word] => found = found.filter(not(exists(has_word!(filter.event, word)))),
            words => found = found.filter(not(extensions::id.eq_any(with_terms!(filter.event, "WORD", words)))),
        }
        found
    }};
}

/// Loads the entries of a section by number.
pub(super) async fn entries(
    conn: &mut Conn,
    filter: &DirectoryFilter,
    section: &Section,
    visibilities: &[Visibility],
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| section!(filter, section, visibilities)
        .order(extensions::number)
        .limit(limit)
        .select((extensions::id, extensions::number, extensions::label, extensions::service_type_id, highlighted!(),))
        .load(c)
        .await)
}

/// Counts the entries of a section.
pub(super) async fn count(conn: &mut Conn, filter: &DirectoryFilter, section: &Section) -> QueryResult<i64> {
    let visibilities = filter.audience.visibilities();
    query!(conn, |c| section!(filter, section, visibilities).count().get_result(c).await)
}

/// Returns whether the directory contains the extension for callers who can see `visibilities`.
pub async fn is_visible(conn: &mut Conn, extension: ExtensionId, visibilities: &[Visibility]) -> QueryResult<bool> {
    let found: Option<ExtensionId> = query!(conn, |c| extensions::table
        .filter(is_callable!())
        .filter(extensions::id.eq(extension))
        .filter(extensions::visibility.eq_any(visibilities))
        .filter(extensions::event_id.eq_any(events::table.filter(events::phase.ne_all(UNLISTED)).select(events::id)))
        .select(extensions::id)
        .first(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// Loads the heads of all feeds of an event. Every change of an entry increments one of them.
pub(super) async fn feed_heads(conn: &mut Conn, event: EventId) -> QueryResult<Vec<i64>> {
    query!(conn, |c| feeds::table.filter(feeds::event_id.eq(event)).order(feeds::id).select(feeds::head).load(c).await)
}

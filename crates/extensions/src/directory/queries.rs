//! The directory in the database: range scans over extensions by number, and over the terms of their labels.
//!
//! The directory is read far more often than anything else, so a page is one statement over the tables of several domains
//! (restrictions, permissions) instead of a call of each.

use diesel::dsl::{exists, not};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
};
use diesel::{QueryDsl as _, QueryResult, TextExpressionMethods as _};
use diesel_async::RunQueryDsl as _;

use super::listing::{Listing, Part};
use super::model::Entry;
use crate::restricted::{is_callable, is_restricted};
use crate::search::Range;
use crate::visibility::Visibility;
use ::events::EventPhase;
use platform::ids::{EventId, ExtensionId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{
    call_permissions, directory_terms, events, extension_permissions, extensions, feeds, numbers, restrictions,
};

diesel::alias! {
    const OTHER_TERMS: Alias<OtherTerms> = directory_terms as other_terms;
}

/// In these phases an event lists nothing.
const UNLISTED: [EventPhase; 2] = [EventPhase::Draft, EventPhase::Archived];

/// Whether a call permission marks the extension.
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

/// The ids of extensions whose labels hold, for every one of these prefixes, a term that begins so.
macro_rules! with_terms {
    ($event:expr, $kind:expr, $ranges:expr) => {{
        let mut found = directory_terms::table.select(directory_terms::extension_id).into_boxed();
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

/// The terms of the extension itself that are words with this beginning.
macro_rules! has_word {
    ($event:expr, $word:expr) => {
        directory_terms::table
            .filter(directory_terms::extension_id.eq(extensions::id))
            .filter(directory_terms::event_id.eq($event))
            .filter(directory_terms::kind.eq("WORD"))
            .filter(directory_terms::term.ge(&$word.from))
            .filter(directory_terms::term.lt(&$word.until))
    };
}

/// What belongs to one part of a listing.
macro_rules! part {
    ($listing:expr, $part:expr, $visibilities:expr) => {{
        let (listing, part): (&Listing, &Part) = ($listing, $part);
        let mut found = extensions::table
            .filter(is_callable!())
            .filter(extensions::number.ge(&part.numbers.from))
            .filter(extensions::number.lt(&part.numbers.until))
            .into_boxed();
        // PostgreSQL keeps the order of the index for an equality, not for a list of one.
        match $visibilities {
            [only] => found = found.filter(extensions::visibility.eq(*only)),
            several => found = found.filter(extensions::visibility.eq_any(several)),
        }
        if let Some(service_types) = &listing.service_types {
            found = found.filter(extensions::service_type_id.eq_any(service_types));
        }
        match listing.highlighted {
            Some(true) => found = found.filter(highlighted!()),
            Some(false) => found = found.filter(not(highlighted!())),
            None => {}
        }
        // Terms are the event's own, so they stand for it: with both, SQLite would rather walk through all the event's numbers.
        match &part.terms {
            Some((kind, ranges)) => found = found.filter(extensions::id.eq_any(with_terms!(listing.event, kind.as_str(), ranges))),
            None => found = found.filter(extensions::event_id.eq(listing.event)),
        }
        if let Some(Range { from, until }) = &part.not_numbers {
            found = found.filter(extensions::number.lt(from).or(extensions::number.ge(until)));
        }
        // One word is looked up for each entry. PostgreSQL would compare each entry with the whole list for `<> ALL`.
        match part.not_words.as_slice() {
            [] => {}
            [word] => found = found.filter(not(exists(has_word!(listing.event, word)))),
            words => found = found.filter(not(extensions::id.eq_any(with_terms!(listing.event, "WORD", words)))),
        }
        found
    }};
}

/// A part's entries by number.
pub(super) async fn entries(
    conn: &mut Conn,
    listing: &Listing,
    part: &Part,
    visibilities: &[Visibility],
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    query!(conn, |c| part!(listing, part, visibilities)
        .order(extensions::number)
        .limit(limit)
        .select((extensions::id, extensions::number, extensions::label, extensions::service_type_id, highlighted!(),))
        .load(c)
        .await)
}

/// How many entries a part has.
pub(super) async fn count(conn: &mut Conn, listing: &Listing, part: &Part) -> QueryResult<i64> {
    let visibilities = listing.audience.visibilities();
    query!(conn, |c| part!(listing, part, visibilities).count().get_result(c).await)
}

/// Whether the directory shows the extension to those who find these.
pub async fn shows(conn: &mut Conn, extension: ExtensionId, visibilities: &[Visibility]) -> QueryResult<bool> {
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

/// The heads of all feeds of an event: whatever the directory lists changes with one of them.
pub(super) async fn feed_heads(conn: &mut Conn, event: EventId) -> QueryResult<Vec<i64>> {
    query!(conn, |c| feeds::table.filter(feeds::event_id.eq(event)).order(feeds::id).select(feeds::head).load(c).await)
}

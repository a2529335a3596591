//! The queries of a list's parts.

use diesel::dsl::{exists, not};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, QueryDsl as _, QueryResult,
    SelectableHelper as _, TextExpressionMethods as _,
};
use diesel_async::RunQueryDsl as _;
use platform::ids::ExtensionId;
use platform::query;
use platform::store::Conn;
use platform::store::schema::{account_terms, directory_terms, extensions, numbers, restrictions};

use super::{Filter, Part};
use crate::model::Extension;
use crate::restricted::{is_callable, is_restricted, restricted_targets};

diesel::alias! {
    const OTHER_LABELS: Alias<OtherLabels> = directory_terms as other_labels;
    const OTHER_NAMES: Alias<OtherNames> = account_terms as other_names;
}

/// The extensions whose labels have a word in each of these ranges.
macro_rules! labelled {
    ($events:expr, $ranges:expr) => {{
        let mut found = directory_terms::table
            .filter(directory_terms::event_id.eq_any($events))
            .filter(directory_terms::kind.eq("WORD"))
            .select(directory_terms::extension_id)
            .into_boxed();
        let mut ranges = $ranges.iter();
        if let Some(first) = ranges.next() {
            found = found.filter(directory_terms::term.ge(&first.from)).filter(directory_terms::term.lt(&first.until));
        }
        for range in ranges {
            found = found.filter(
                directory_terms::extension_id.eq_any(
                    OTHER_LABELS
                        .filter(OTHER_LABELS.field(directory_terms::event_id).eq_any($events))
                        .filter(OTHER_LABELS.field(directory_terms::kind).eq("WORD"))
                        .filter(OTHER_LABELS.field(directory_terms::term).ge(&range.from))
                        .filter(OTHER_LABELS.field(directory_terms::term).lt(&range.until))
                        .select(OTHER_LABELS.field(directory_terms::extension_id)),
                ),
            );
        }
        found
    }};
}

/// The accounts whose names have a word in each of these ranges.
macro_rules! named {
    ($ranges:expr) => {{
        let mut found = account_terms::table.select(account_terms::account_id).into_boxed();
        let mut ranges = $ranges.iter();
        if let Some(first) = ranges.next() {
            found = found.filter(account_terms::term.ge(&first.from)).filter(account_terms::term.lt(&first.until));
        }
        for range in ranges {
            found = found.filter(
                account_terms::account_id.eq_any(
                    OTHER_NAMES
                        .filter(OTHER_NAMES.field(account_terms::term).ge(&range.from))
                        .filter(OTHER_NAMES.field(account_terms::term).lt(&range.until))
                        .select(OTHER_NAMES.field(account_terms::account_id)),
                ),
            );
        }
        found
    }};
}

/// The extensions of one part of a list.
macro_rules! part {
    ($rows:expr, $filter:expr, $part:expr) => {{
        let (filter, part): (&Filter, &Part) = ($filter, $part);
        let mut rows = $rows.into_boxed();
        let events = filter.events.as_deref().unwrap_or_default();
        match part {
            Part::All => {}
            Part::Numbers(range) => {
                rows = rows.filter(extensions::number.ge(&range.from)).filter(extensions::number.lt(&range.until));
            }
            Part::Labels(ranges) => rows = rows.filter(extensions::id.eq_any(labelled!(events, ranges))),
            Part::Owners(ranges) => rows = rows.filter(extensions::owner_id.eq_any(named!(ranges))),
            Part::Restricted => rows = rows.filter(extensions::id.eq_any(restricted_targets!("EXTENSION"))),
            Part::OfRestrictedNumbers => {
                rows = rows.filter(
                    extensions::id.nullable().eq_any(
                        numbers::table
                            .filter(numbers::id.eq_any(restricted_targets!("NUMBER")))
                            .filter(numbers::extension_id.is_not_null())
                            .select(numbers::extension_id),
                    ),
                );
            }
            Part::OfRestrictedOwners => rows = rows.filter(extensions::owner_id.eq_any(restricted_targets!("ACCOUNT"))),
        }
        match filter.events.as_deref() {
            None => {}
            // PostgreSQL uses the order of the index for an equality, but not for a list of one value.
            Some([only]) => rows = rows.filter(extensions::event_id.eq(*only)),
            Some(several) => rows = rows.filter(extensions::event_id.eq_any(several)),
        }
        if !filter.hidden_events.is_empty() {
            rows = rows.filter(extensions::event_id.ne_all(&filter.hidden_events));
        }
        match filter.service_types.as_deref() {
            None => {}
            Some([only]) => rows = rows.filter(extensions::service_type_id.eq(*only)),
            Some(several) => rows = rows.filter(extensions::service_type_id.eq_any(several)),
        }
        if let Some(owner) = filter.owner {
            rows = rows.filter(extensions::owner_id.eq(owner));
        }
        match (filter.active, part) {
            (Some(true), _) => rows = rows.filter(is_callable!()),
            (Some(false), Part::All | Part::Numbers(_) | Part::Labels(_) | Part::Owners(_)) => {
                rows = rows.filter(not(is_callable!()));
            }
            _ => {}
        }
        rows
    }};
}

/// The extensions of a part after `after`, ordered by id.
pub(super) async fn page(
    conn: &mut Conn,
    filter: &Filter,
    part: &Part,
    after: Option<ExtensionId>,
    limit: i64,
) -> QueryResult<Vec<Extension>> {
    query!(conn, |c| {
        let mut rows = part!(extensions::table.select(Extension::as_select()), filter, part);
        if let Some(after) = after {
            rows = rows.filter(extensions::id.gt(after));
        }
        rows.order(extensions::id).limit(limit).load(c).await
    })
}

/// The number of extensions of a part.
pub(super) async fn count(conn: &mut Conn, filter: &Filter, part: &Part) -> QueryResult<i64> {
    query!(conn, |c| part!(extensions::table.count(), filter, part).get_result(c).await)
}

/// The ids of the extensions of a part.
pub(super) async fn ids(conn: &mut Conn, filter: &Filter, part: &Part) -> QueryResult<Vec<ExtensionId>> {
    query!(conn, |c| part!(extensions::table.select(extensions::id), filter, part).load(c).await)
}

//! A list of extensions: whose, of what kind, with what search; page by page in the order of their ids.
//!
//! A search is several questions, each over an index of its own: numbers that begin so, words of labels, words of owners'
//! names. Each part is read behind the cursor up to the limit, and the parts are merged, so a page costs what it shows.

mod queries;

use std::collections::BTreeMap;

use super::model::Extension;
use super::search::{Query, Range};
use platform::access::{KeyLimits, Scope};
use platform::error::Error;
use platform::ids::{AccountId, EventId, ExtensionId, ServiceTypeId};
use platform::store::Conn;

/// Which extensions a list is of.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these events; `None`: all.
    pub events: Option<Vec<EventId>>,
    pub owner: Option<AccountId>,
    /// Only these service types; `None`: all.
    pub service_types: Option<Vec<ServiceTypeId>>,
    /// Only those that may be called, or only the others.
    pub active: Option<bool>,
    /// What somebody looks for.
    pub search: Option<Query>,
}

impl Filter {
    /// Narrows the list to what is in scope; `None` when nothing is.
    #[must_use]
    pub fn within(mut self, scope: &Scope) -> Option<Self> {
        if scope.is_empty() {
            return None;
        }
        if let Some(own) = scope.owner() {
            if self.owner.is_some_and(|owner| owner != own) {
                return None;
            }
            self.owner = Some(own);
        }
        if let Some(KeyLimits { events, service_types }) = scope.key_limits() {
            self.events = narrowed(self.events, events);
            self.service_types = narrowed(self.service_types, Some(service_types));
        }
        let is_empty =
            self.events.as_ref().is_some_and(Vec::is_empty) || self.service_types.as_ref().is_some_and(Vec::is_empty);
        (!is_empty).then_some(self)
    }

    fn parts(&self) -> Vec<Part> {
        let Some(query) = &self.search else {
            return match self.active {
                // Restrictions are few: the list begins with them, not with all extensions.
                Some(false) => vec![Part::Restricted, Part::OfRestrictedNumbers, Part::OfRestrictedOwners],
                _ => vec![Part::All],
            };
        };
        let words: Vec<_> = query.words.iter().map(|word| Range::beginning(word)).collect();
        let mut parts = Vec::new();
        if let Some(number) = &query.number {
            parts.push(Part::Numbers(Range::beginning(number)));
        }
        if !words.is_empty() {
            parts.push(Part::Labels(words.clone()));
            // Whose they are is no question where they are one person's.
            if self.owner.is_none() {
                parts.push(Part::Owners(words));
            }
        }
        parts
    }
}

fn narrowed<T: Copy + PartialEq>(wanted: Option<Vec<T>>, allowed: Option<&[T]>) -> Option<Vec<T>> {
    match (wanted, allowed) {
        (wanted, None) => wanted,
        (None, Some(allowed)) => Some(allowed.to_vec()),
        (Some(wanted), Some(allowed)) => Some(wanted.into_iter().filter(|id| allowed.contains(id)).collect()),
    }
}

/// One question to the database.
enum Part {
    All,
    /// Numbers that begin so.
    Numbers(Range),
    /// Labels with a word for each of these beginnings.
    Labels(Vec<Range>),
    /// Owners with a name for each of these beginnings.
    Owners(Vec<Range>),
    /// What is stopped itself.
    Restricted,
    /// What bears a number that is stopped.
    OfRestrictedNumbers,
    /// What belongs to somebody who is stopped.
    OfRestrictedOwners,
}

/// A page of a list, behind `after`.
///
/// # Errors
/// When the database fails.
pub async fn page(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<ExtensionId>,
    limit: i64,
) -> Result<Vec<Extension>, Error> {
    let filter = with_events(conn, filter).await?;
    let mut found = BTreeMap::new();
    for part in filter.parts() {
        let rows = queries::page(conn, &filter, &part, after, limit).await?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(found.into_values().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
}

/// How many extensions a list has on all pages.
///
/// # Errors
/// When the database fails.
pub async fn total(conn: &mut Conn, filter: &Filter) -> Result<i32, Error> {
    let filter = with_events(conn, filter).await?;
    let parts = filter.parts();
    let count = if let [part] = parts.as_slice() {
        queries::count(conn, &filter, part).await?
    } else {
        let mut found = std::collections::HashSet::new();
        for part in &parts {
            found.extend(queries::ids(conn, &filter, part).await?);
        }
        i64::try_from(found.len()).unwrap_or(i64::MAX)
    };
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// The same list with its events named: the indexes of numbers and words begin with the event.
async fn with_events(conn: &mut Conn, filter: &Filter) -> Result<Filter, Error> {
    let mut filter = filter.clone();
    if filter.search.is_some() && filter.events.is_none() {
        let events = events::all_events(conn).await?;
        filter.events = Some(events.into_iter().map(|event| event.id).collect());
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(filter: &Filter) -> usize {
        filter.parts().len()
    }

    #[test]
    fn a_search_asks_for_numbers_labels_and_owners() {
        let search = |text: &str| Filter { search: Query::parse(text), ..Filter::default() };
        assert_eq!(parts(&search("2342")), 3);
        assert_eq!(parts(&search("zebra")), 2);
        assert_eq!(parts(&search("!?")), 0);
        assert_eq!(parts(&search(" ")), 1);
        let owner = Some(AccountId(uuid::Uuid::nil()));
        assert_eq!(parts(&Filter { owner, ..search("zebra") }), 1);
        assert_eq!(parts(&Filter { active: Some(false), ..Filter::default() }), 3);
        assert_eq!(parts(&Filter { active: Some(true), ..Filter::default() }), 1);
    }

    #[test]
    fn what_is_allowed_narrows_what_is_wanted() {
        assert_eq!(narrowed(Some(vec![1, 2]), Some(&[2, 3])), Some(vec![2]));
        assert_eq!(narrowed(None, Some(&[2, 3])), Some(vec![2, 3]));
        assert_eq!(narrowed(Some(vec![1]), None), Some(vec![1]));
        assert_eq!(narrowed::<u8>(None, None), None);
    }
}

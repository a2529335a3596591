//! Relay connections with keyset pagination.
//!
//! A cursor is the base64url of the kind of the list and the last key, opaque to clients. A cursor of another kind is
//! refused before the database is read.

use async_graphql::SimpleObject;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;

/// The page size without `first`.
pub const DEFAULT_FIRST: i32 = 50;

/// The position of a page in its list.
#[derive(SimpleObject, Clone, Debug)]
pub struct PageInfo {
    /// Whether there are rows after this page.
    pub has_next_page: bool,
    /// Whether the page was requested with a cursor, so that there may be rows before it.
    pub has_previous_page: bool,
    /// The cursor of the first row.
    pub start_cursor: Option<String>,
    /// The cursor of the last row, for `after` of the next page.
    pub end_cursor: Option<String>,
}

/// The requested page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The maximal number of rows.
    pub first: usize,
    /// The last key of the previous page.
    pub after: Option<String>,
    kind: &'static str,
}

impl Page {
    /// Reads `first` and `after` of a list of `kind`. The endpoint has limited `first` by the caller's tier.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a negative `first` and for a cursor of another list.
    pub fn new(kind: &'static str, first: Option<i32>, after: Option<&str>) -> Result<Self, ApiError> {
        let first = usize::try_from(first.unwrap_or(DEFAULT_FIRST))
            .map_err(|_| ApiError::bad_input("`first` may not be negative."))?;
        let after = after.map(|cursor| decode(kind, cursor)).transpose()?;
        Ok(Self { first, after, kind })
    }

    /// The number of rows to read: one more than the page holds shows whether a next page exists.
    pub fn limit(&self) -> i64 {
        i64::try_from(self.first).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The last key of the previous page, parsed.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` when it cannot be parsed.
    pub fn after_as<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        self.after.as_deref().map(|key| key.parse().map_err(|_| not_a_cursor())).transpose()
    }

    /// Truncates the rows that were read to the page and adds their cursors.
    pub fn paginate<T>(self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> PageRows<T> {
        let has_next_page = rows.len() > self.first;
        rows.truncate(self.first);
        let rows: Vec<_> = rows.into_iter().map(|row| (encode(self.kind, &key(&row)), row)).collect();
        let page_info = PageInfo {
            has_next_page,
            has_previous_page: self.after.is_some(),
            start_cursor: rows.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: rows.last().map(|(cursor, _)| cursor.clone()),
        };
        PageRows { rows, page_info }
    }
}

/// The rows of a page with their cursors.
#[derive(Clone, Debug)]
pub struct PageRows<T> {
    /// Each row after its cursor.
    pub rows: Vec<(String, T)>,
    /// The position of the page in the list.
    pub page_info: PageInfo,
}

fn encode(kind: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}:{key}"))
}

fn decode(kind: &str, cursor: &str) -> Result<String, ApiError> {
    let text =
        URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(not_a_cursor)?;
    let key = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')).ok_or_else(not_a_cursor)?;
    Ok(key.to_owned())
}

fn not_a_cursor() -> ApiError {
    ApiError::bad_input("`after` is not a cursor of this list.")
}

/// Declares the connection of a list: `XConnection { edges nodes pageInfo totalCount }` and its `XEdge`.
///
/// `totalCount` is computed only when it is selected: the connection holds a closure that counts.
#[macro_export]
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal $(, $total:ident)?) => {
        #[doc = concat!("A page of ", $what, ".")]
        pub struct $connection {
            page: $crate::graphql::paging::PageRows<$node>,
            $($total: $crate::graphql::paging::Total,)?
        }

        #[doc = concat!("One of a page of ", $what, ", with its cursor.")]
        #[derive(async_graphql::SimpleObject, Clone)]
        pub struct $edge {
            /// The cursor of this row, for `after`.
            pub cursor: String,
            /// The object.
            pub node: $node,
        }

        impl $connection {
            /// Creates the connection of a page.
            pub fn new(
                page: $crate::graphql::paging::PageRows<$node>,
                $($total: $crate::graphql::paging::Total,)?
            ) -> Self {
                Self { page $(, $total)? }
            }
        }

        #[async_graphql::Object]
        impl $connection {
            /// The rows of the page with their cursors.
            async fn edges(&self) -> Vec<$edge> {
                let edge = |(cursor, node): &(String, $node)| $edge { cursor: cursor.clone(), node: node.clone() };
                self.page.rows.iter().map(edge).collect()
            }

            /// The page.
            async fn nodes(&self) -> Vec<$node> {
                self.page.rows.iter().map(|(_, node)| node.clone()).collect()
            }

            /// Where the page stands among the others.
            async fn page_info(&self) -> $crate::graphql::paging::PageInfo {
                self.page.page_info.clone()
            }

            $(
            /// The number of rows on all pages; counted only when it is selected.
            async fn total_count(&self) -> Result<i32, $crate::graphql::error::ApiError> {
                (self.$total)().await
            }
            )?
        }
    };
}

/// Counts all rows of a list.
pub type Total = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, Result<i32, ApiError>> + Send + Sync>;

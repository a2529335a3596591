//! What clients send and get about imports.

use async_graphql::{InputObject, SimpleObject};

use crate::extensions::row::RowFailure;
use crate::extensions::rules;
use crate::graphql::error::{UserError, UserErrorCode};
use crate::problem::Problem;

/// Extensions as CSV.
#[derive(InputObject)]
pub struct ImportExtensionsInput {
    /// The event's slug.
    pub event: String,
    /// Up to 1,000 rows, as far as a request of 256 KiB holds them, under a header, the columns of `export`: number, service_type, owner, label, visibility, permissions,
    /// fallback_number, parameters, members.
    pub csv: String,
    /// Report what would happen; change nothing.
    #[graphql(default = true)]
    pub dry_run: bool,
    /// All rows or none.
    #[graphql(default = true)]
    pub atomic: bool,
}

/// What an import did, or in a dry run would have done.
#[derive(SimpleObject)]
pub struct ImportExtensionsPayload {
    /// How many extensions were made.
    pub created: i32,
    /// How many extensions were changed.
    pub updated: i32,
    /// How many rows say what is there already.
    pub unchanged: i32,
    /// What is wrong with rows, by line. Where all rows or none are imported, any of these means none.
    pub failures: Vec<ImportFailure>,
    /// Why nothing could be imported at all.
    pub errors: Vec<UserError>,
}

/// What is wrong with a row.
#[derive(SimpleObject)]
pub struct ImportFailure {
    /// 1 is the header.
    pub line: i32,
    /// The column; null where it concerns the whole row.
    pub column: Option<String>,
    /// One sentence for a person.
    pub message: String,
    /// What a client can act on.
    pub code: UserErrorCode,
}

impl From<RowFailure> for ImportFailure {
    fn from(failure: RowFailure) -> Self {
        let code = UserError::from(Problem::new(failure.kind, "", "")).error_code();
        let line = i32::try_from(failure.line).unwrap_or(i32::MAX);
        Self { line, column: failure.column, message: failure.message, code }
    }
}

impl From<rules::Imported> for ImportExtensionsPayload {
    fn from(imported: rules::Imported) -> Self {
        let count = |rows: usize| i32::try_from(rows).unwrap_or(i32::MAX);
        Self {
            created: count(imported.created),
            updated: count(imported.updated),
            unchanged: count(imported.unchanged),
            failures: imported.failures.into_iter().map(Into::into).collect(),
            errors: Vec::new(),
        }
    }
}

impl ImportExtensionsPayload {
    /// Nothing was imported.
    pub const fn failed(errors: Vec<UserError>) -> Self {
        Self { created: 0, updated: 0, unchanged: 0, failures: Vec::new(), errors }
    }
}

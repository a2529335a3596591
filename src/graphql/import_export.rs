//! GraphQL API of imports.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, UserError, UserErrorCode, into_payload};
use extensions::import_export::row::{RowFailure, RowLimits};
use extensions::import_export::{Import, Imported, csv, import};
use platform::error;

/// Imports extensions from CSV.
#[derive(InputObject)]
pub struct ImportExtensionsInput {
    /// The event's slug.
    pub event: String,
    /// A header and up to 1,000 rows, within the request limit of 256 KiB. The columns are those of `export`: number,
    /// service_type, owner, label, visibility, permissions, fallback_number, parameters, members. Commas, semicolons or
    /// tabs stand between the cells. An apostrophe before a formula is removed, as `export` writes it.
    pub csv: String,
    /// Report what would happen; change nothing.
    #[graphql(default = true)]
    pub dry_run: bool,
    /// Import all rows or none.
    #[graphql(default = true)]
    pub atomic: bool,
}

/// Outcome of an import or a dry run.
#[derive(SimpleObject)]
pub struct ImportExtensionsPayload {
    /// Number of created extensions.
    pub created: i32,
    /// Number of changed extensions.
    pub updated: i32,
    /// Number of rows that equal their extensions.
    pub unchanged: i32,
    /// Failures of rows, by line. With `atomic`, any failure means that no row is imported.
    pub failures: Vec<ImportFailure>,
    /// Why the import is not possible.
    pub errors: Vec<UserError>,
}

/// Failure of a row.
#[derive(SimpleObject)]
pub struct ImportFailure {
    /// Line of the file; 1 is the header.
    pub line: i32,
    /// The column; null for a failure of the row as a unit.
    pub column: Option<String>,
    /// Message for a user.
    pub message: String,
    /// What a client can act on.
    pub code: UserErrorCode,
}

impl From<RowFailure> for ImportFailure {
    fn from(failure: RowFailure) -> Self {
        let code = UserError::from(error::UserError::new(failure.kind, "", "")).error_code();
        let line = i32::try_from(failure.line).unwrap_or(i32::MAX);
        Self { line, column: failure.column, message: failure.message, code }
    }
}

impl From<Imported> for ImportExtensionsPayload {
    fn from(imported: Imported) -> Self {
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
    /// Creates the payload of an import that failed.
    pub const fn failed(errors: Vec<UserError>) -> Self {
        Self { created: 0, updated: 0, unchanged: 0, failures: Vec::new(), errors }
    }
}

/// Mutations of imports.
#[derive(Default)]
pub struct ImportMutation;

#[Object]
impl ImportMutation {
    /// Imports up to 1,000 rows of CSV with the columns of `export`; the command `import` has a higher limit. Each row creates the
    /// extension of its number, or changes it to the content of the row: a parameter that is absent from `parameters` is
    /// deleted, except for secrets and parameters that telephone systems write. A new member of another owner is invited. For
    /// operators.
    async fn import_extensions(
        &self,
        ctx: &Context<'_>,
        input: ImportExtensionsInput,
    ) -> Result<ImportExtensionsPayload, ApiError> {
        let import_input = Import {
            event: input.event,
            file: csv::read(input.csv.as_bytes(), RowLimits::REQUEST),
            dry_run: input.dry_run,
            atomic: input.atomic,
            progress: Arc::default(),
        };
        let imported = into_payload(import(services(ctx)?, &caller(ctx)?, import_input).await)?;
        Ok(imported.map_or_else(ImportExtensionsPayload::failed, Into::into))
    }
}

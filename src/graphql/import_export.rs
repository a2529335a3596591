//! Importing in the API.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::graphql::context::{caller, services};
use crate::graphql::error::{ApiError, UserError, UserErrorCode, into_payload};
use extensions::import_export::row::{RowFailure, RowLimits};
use extensions::import_export::{Import, Imported, csv, import};
use platform::error;

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
    /// Nothing was imported.
    pub const fn failed(errors: Vec<UserError>) -> Self {
        Self { created: 0, updated: 0, unchanged: 0, failures: Vec::new(), errors }
    }
}

/// Mutations about files.
#[derive(Default)]
pub struct EventFilesMutation;

#[Object]
impl EventFilesMutation {
    /// Imports up to 1,000 rows of CSV (the columns of `export`); more by the `import` command. Each row makes the extension of
    /// its number, or makes it what the row says: what is left out of `parameters` goes, save secrets and what telephone systems
    /// write. A new member of another's is invited. For operators.
    async fn import_extensions(
        &self,
        ctx: &Context<'_>,
        input: ImportExtensionsInput,
    ) -> Result<ImportExtensionsPayload, ApiError> {
        let wanted = Import {
            event: input.event,
            file: csv::read(input.csv.as_bytes(), RowLimits::REQUEST),
            dry_run: input.dry_run,
            atomic: input.atomic,
            progress: Arc::default(),
        };
        let imported = into_payload(import(services(ctx)?, &caller(ctx)?, wanted).await)?;
        Ok(imported.map_or_else(ImportExtensionsPayload::failed, Into::into))
    }
}

//! What clients send and get about extensions.

use async_graphql::{Context, ID, InputObject, SimpleObject};
use serde_json::Value;

use super::{Extension, Number};
use crate::access::scope;
use crate::extensions::row::RowFailure;
use crate::extensions::{queries, rules};
use crate::graphql::context::{self, actor};
use crate::graphql::enums::DirectoryVisibility;
use crate::graphql::error::{ApiError, UserError, UserErrorCode, settle};
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::graphql::typed::ServiceParametersInput;
use crate::problem::{Problem, Stop};

/// `number` left out: the server picks a free one.
#[derive(InputObject)]
pub struct RegisterExtensionInput {
    /// The event's slug.
    pub event: String,
    /// The service type's slug.
    pub service_type: String,
    /// The number; left out: any free one.
    pub number: Option<PhoneNumber>,
    /// 1 to 64 characters.
    pub label: String,
    /// Who finds it in the directory.
    #[graphql(default_with = "DirectoryVisibility::Hidden")]
    pub visibility: DirectoryVisibility,
    /// As the service type's schema says.
    pub parameters: Option<Value>,
    /// Instead of `parameters`; both are INVALID.
    pub typed: Option<ServiceParametersInput>,
    /// Report what would happen; change nothing.
    #[graphql(default)]
    pub dry_run: bool,
}

/// A field left out stays as it is. `parameters` is a JSON merge patch (RFC 7396).
#[derive(InputObject)]
pub struct UpdateExtensionInput {
    /// Which extension.
    pub id: ID,
    /// The version that the caller read.
    pub expected_version: Option<i32>,
    /// 1 to 64 characters.
    pub label: Option<String>,
    /// Who finds it in the directory.
    pub visibility: Option<DirectoryVisibility>,
    /// A JSON merge patch (RFC 7396).
    pub parameters: Option<Value>,
    /// Instead of `parameters`; both are INVALID.
    pub typed: Option<ServiceParametersInput>,
    /// Report what would happen; change nothing.
    #[graphql(default)]
    pub dry_run: bool,
}

/// What an operator assigns to somebody.
#[derive(InputObject)]
pub struct AssignExtensionInput {
    /// The event's slug.
    pub event: String,
    /// The service type's slug.
    pub service_type: String,
    /// The number.
    pub number: PhoneNumber,
    /// The owner's username.
    pub owner: String,
    /// 1 to 64 characters.
    pub label: String,
    /// Who finds it in the directory.
    #[graphql(default_with = "DirectoryVisibility::Hidden")]
    pub visibility: DirectoryVisibility,
    /// As the service type's schema says.
    pub parameters: Option<Value>,
    /// Instead of `parameters`; both are INVALID.
    pub typed: Option<ServiceParametersInput>,
    /// Slugs of call permissions.
    pub permissions: Option<Vec<String>>,
    /// Take a number that is held or reserved for somebody else, or ageing.
    #[graphql(default)]
    pub override_reservation: bool,
}

/// Which secret to make anew.
#[derive(InputObject)]
pub struct RotateSecretInput {
    /// Which extension.
    pub id: ID,
    /// A secret, generated parameter.
    pub parameter: String,
}

/// Which extension to delete.
#[derive(InputObject)]
pub struct DeleteExtensionInput {
    /// Which extension.
    pub id: ID,
    /// The version that the caller read.
    pub expected_version: Option<i32>,
}

/// What an extension may do.
#[derive(InputObject)]
pub struct SetCallPermissionsInput {
    /// Which extension.
    pub id: ID,
    /// Slugs; they replace what was granted.
    pub permissions: Vec<String>,
    /// The version that the caller read.
    pub expected_version: Option<i32>,
}

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

/// Which number to bar, and why.
#[derive(InputObject)]
pub struct BarNumberInput {
    /// The event's slug.
    pub event: Option<String>,
    /// The number.
    pub number: PhoneNumber,
    /// Told to its owner.
    pub reason: String,
}

/// `event` left out: an E.164 number.
#[derive(InputObject)]
pub struct UnbarNumberInput {
    /// The event's slug.
    pub event: Option<String>,
    /// The number.
    pub number: PhoneNumber,
}

/// An extension, or why not.
#[derive(SimpleObject)]
pub struct ExtensionPayload {
    /// The extension as it is now.
    pub extension: Option<Extension>,
    /// Shown once: secrets that this call generated, by parameter.
    pub generated: Option<Value>,
    /// In a dry run, instead of the extension.
    pub preview: Option<ExtensionPreview>,
    /// Why not.
    pub errors: Vec<UserError>,
}

/// What a dry run would have made.
#[derive(SimpleObject)]
pub struct ExtensionPreview {
    /// The number.
    pub number: PhoneNumber,
    /// The parameters, without secrets.
    pub parameters: Value,
}

impl ExtensionPayload {
    /// The payload of an operation that made or changed an extension.
    pub async fn of(ctx: &Context<'_>, result: Result<rules::Changed, Stop>) -> Result<Self, ApiError> {
        let changed = match settle(result)? {
            Ok(changed) => changed,
            Err(errors) => return Ok(Self::failed(errors)),
        };
        if let Some(preview) = changed.preview {
            let preview = ExtensionPreview { number: preview.number.into(), parameters: preview.parameters };
            return Ok(Self { extension: None, generated: None, preview: Some(preview), errors: Vec::new() });
        }
        let row = queries::by_id(&mut *context::read(ctx).await?, &scope(actor(ctx)?), changed.extension).await?;
        Ok(Self { extension: row.map(Extension::new), generated: changed.generated, preview: None, errors: Vec::new() })
    }

    /// Nothing was changed.
    pub const fn failed(errors: Vec<UserError>) -> Self {
        Self { extension: None, generated: None, preview: None, errors }
    }
}

/// What is gone, or why not.
#[derive(SimpleObject)]
pub struct DeleteExtensionPayload {
    /// The extension that is gone.
    pub deleted_id: Option<ID>,
    /// Until when the number is held for its last owner.
    pub held_until: Option<DateTime>,
    /// Why not.
    pub errors: Vec<UserError>,
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

/// A number, or why not.
#[derive(SimpleObject)]
pub struct NumberPayload {
    /// The number as it is now.
    pub number: Option<Number>,
    /// Why not.
    pub errors: Vec<UserError>,
}

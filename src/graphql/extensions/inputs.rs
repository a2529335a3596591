//! Inputs and payloads of the mutations of extensions.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, SimpleObject};
use extensions::{queries, rules};
use platform::access::scope;
use platform::error::Error;
use serde_json::Value;

use super::Extension;
use crate::graphql::context::{self, actor};
use crate::graphql::enums::DirectoryVisibility;
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::{DateTime, PhoneNumber};
use crate::graphql::typed::ServiceParametersInput;

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
    /// Where calls go when the extension does not answer: an extension of the event, or an E.164 number outside.
    pub fallback_number: Option<PhoneNumber>,
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
    pub label: MaybeUndefined<String>,
    /// Who finds it in the directory.
    pub visibility: MaybeUndefined<DirectoryVisibility>,
    /// A JSON merge patch (RFC 7396).
    pub parameters: Option<Value>,
    /// Instead of `parameters`; both are INVALID.
    pub typed: Option<ServiceParametersInput>,
    /// Where calls go when the extension does not answer: an extension of the event, which it follows when that is renumbered,
    /// or an E.164 number outside. Null clears it. A loop, through call groups too, is GROUP_LOOP.
    pub fallback_number: MaybeUndefined<PhoneNumber>,
    /// Report what would happen; change nothing.
    #[graphql(default)]
    pub dry_run: bool,
}

/// Which extension gets which number.
#[derive(InputObject)]
pub struct RenumberExtensionInput {
    /// Which extension.
    pub id: ID,
    /// The new number.
    pub number: PhoneNumber,
    /// The version that the caller read.
    pub expected_version: Option<i32>,
    /// Report what would happen; change nothing.
    #[graphql(default)]
    pub dry_run: bool,
}

/// Which extension goes to whom.
#[derive(InputObject)]
pub struct TransferExtensionInput {
    /// Which extension.
    pub id: ID,
    /// The new owner's username.
    pub owner: String,
    /// The version that the caller read.
    pub expected_version: Option<i32>,
}

/// Two extensions of one event.
#[derive(InputObject)]
pub struct SwapNumbersInput {
    /// One extension.
    pub first: ID,
    /// The other.
    pub second: ID,
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

/// Which number to bar, and why.
#[derive(InputObject)]
pub struct BarNumberInput {
    /// The event's slug; left out: an E.164 number.
    pub event: Option<String>,
    /// The number.
    pub number: PhoneNumber,
    /// The reason, which the owner of the number reads.
    pub reason: String,
}

/// `event` left out: an E.164 number.
#[derive(InputObject)]
pub struct UnbarNumberInput {
    /// The event's slug; left out: an E.164 number.
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
    /// The payload of an operation that created or changed an extension.
    pub async fn of(ctx: &Context<'_>, result: Result<rules::Changed, Error>) -> Result<Self, ApiError> {
        let changed = match into_payload(result)? {
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

    /// The payload of a failed operation.
    pub const fn failed(errors: Vec<UserError>) -> Self {
        Self { extension: None, generated: None, preview: None, errors }
    }
}

/// Two extensions that have exchanged their numbers, or why not.
#[derive(SimpleObject)]
pub struct SwapNumbersPayload {
    /// The first as it is now.
    pub first: Option<Extension>,
    /// The second as it is now.
    pub second: Option<Extension>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl SwapNumbersPayload {
    /// The payload of a swap.
    pub async fn of(ctx: &Context<'_>, result: Result<rules::Swapped, Error>) -> Result<Self, ApiError> {
        let swapped = match into_payload(result)? {
            Ok(swapped) => swapped,
            Err(errors) => return Ok(Self { first: None, second: None, errors }),
        };
        let (mut conn, scope) = (context::read(ctx).await?, scope(actor(ctx)?));
        let first = queries::by_id(&mut conn, &scope, swapped.first).await?.map(Extension::new);
        let second = queries::by_id(&mut conn, &scope, swapped.second).await?.map(Extension::new);
        Ok(Self { first, second, errors: Vec::new() })
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

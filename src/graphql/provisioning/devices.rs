//! Device links in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::graphql::accounts::AcceptedPayload;
use crate::graphql::context::{self, PublicAddress, actor, caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::DateTime;
use platform::access::Role;
use platform::error::{Error, InternalError};
use provisioning::devices::rules::{self, DeviceLinkOutcome, NewDeviceLink};
use provisioning::devices::{self, DeviceLinkRow, qr_code_svg};

/// A link from which one telephone fetches its configuration.
pub struct DeviceLink(DeviceLinkRow);

#[Object]
impl DeviceLink {
    /// The link's id.
    async fn id(&self) -> ID {
        ID(self.0.link.id.global())
    }

    /// The name of the template that renders the document.
    async fn template(&self) -> &str {
        &self.0.template_name
    }

    /// The desk phone's MAC address, in lower case with colons. Null for a softphone, whose link works once.
    async fn mac(&self) -> Option<String> {
        self.0.link.mac_address()
    }

    /// When the link was created.
    async fn created_at(&self) -> DateTime {
        self.0.link.created_at.into()
    }

    /// When the link expires unless it is used. Null for a desk phone's link.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.link.expires_at.map(Into::into)
    }

    /// When a softphone fetched its document. The link does not work any more.
    async fn used_at(&self) -> Option<DateTime> {
        self.0.link.used_at.map(Into::into)
    }

    /// When the document was last fetched, accurate to five minutes.
    async fn fetched_at(&self) -> Option<DateTime> {
        self.0.link.fetched_at.map(Into::into)
    }
}

/// The device links of an extension, for its owner and for operators; `None` for other actors.
///
/// # Errors
/// A database error.
pub async fn device_links_of(
    ctx: &Context<'_>,
    extension: &extensions::Extension,
) -> Result<Option<Vec<DeviceLink>>, ApiError> {
    let actor = actor(ctx)?;
    if actor.account() != Some(extension.owner_id) && !actor.is_at_least(Role::Operator) {
        return Ok(None);
    }
    let mut conn = context::read(ctx).await?;
    let rows = devices::links_of(&mut conn, extension.id, extension.owner_id).await?;
    Ok(Some(rows.into_iter().map(DeviceLink).collect()))
}

/// The input for creating a softphone's link.
#[derive(InputObject)]
pub struct CreateSoftphoneLinkInput {
    /// The extension's id.
    extension: ID,
    /// The name of one of its service type's `deviceTemplates`.
    template: String,
}

/// The input for creating a desk phone's link.
#[derive(InputObject)]
pub struct CreateDeskPhoneLinkInput {
    /// The extension's id.
    extension: ID,
    /// The name of one of its service type's `deviceTemplates`.
    template: String,
    /// The telephone's MAC address in any usual notation; the extension's parameter `mac` when it is left out.
    mac: Option<String>,
}

/// The input for revoking a device link.
#[derive(InputObject)]
pub struct RevokeDeviceLinkInput {
    /// The link's id.
    id: ID,
}

/// A softphone's link, or the errors.
#[derive(SimpleObject)]
pub struct SoftphoneLinkPayload {
    /// The link.
    link: Option<DeviceLink>,
    /// The whole address, shown only this once. The first request to it gets the configuration.
    url: Option<String>,
    /// The address as a QR code in SVG, shown only this once.
    qr_code: Option<String>,
    /// The errors. When there are any, nothing was changed.
    errors: Vec<UserError>,
}

/// A desk phone's link, or the errors.
#[derive(SimpleObject)]
pub struct DeskPhoneLinkPayload {
    /// The link.
    link: Option<DeviceLink>,
    /// The whole address, shown only this once: for the telephone's provisioning server setting, with or without a file
    /// name after it.
    url: Option<String>,
    /// The errors. When there are any, nothing was changed.
    errors: Vec<UserError>,
}

/// The mutations of device links.
#[derive(Default)]
pub struct DevicesMutation;

#[Object]
impl DevicesMutation {
    /// Creates the link from which a softphone fetches its configuration: once, within ten minutes. An earlier
    /// softphone link of the extension ends. For the extension's owner and operators. Needs a sign-in within 15
    /// minutes.
    async fn create_softphone_link(
        &self,
        ctx: &Context<'_>,
        input: CreateSoftphoneLinkInput,
    ) -> Result<SoftphoneLinkPayload, ApiError> {
        let new = NewDeviceLink { extension: input.extension.0, template: input.template };
        let outcome = rules::create_softphone_link(services(ctx)?, &caller(ctx)?, new, public_url(ctx)?).await;
        let (link, url, errors) = created_link(ctx, outcome).await?;
        let qr_code = url.as_deref().map(qr_code_svg).transpose()?;
        Ok(SoftphoneLinkPayload { link, url, qr_code, errors })
    }

    /// Creates the link from which a desk phone fetches its configuration any number of times. An earlier link of the
    /// same telephone ends. For the extension's owner and operators; the document contains what the creator of the link
    /// may see. Needs a sign-in within 15 minutes.
    async fn create_desk_phone_link(
        &self,
        ctx: &Context<'_>,
        input: CreateDeskPhoneLinkInput,
    ) -> Result<DeskPhoneLinkPayload, ApiError> {
        let new = NewDeviceLink { extension: input.extension.0, template: input.template };
        let outcome =
            rules::create_desk_phone_link(services(ctx)?, &caller(ctx)?, new, input.mac, public_url(ctx)?).await;
        let (link, url, errors) = created_link(ctx, outcome).await?;
        Ok(DeskPhoneLinkPayload { link, url, errors })
    }

    /// Revokes a device link at once. For the extension's owner and operators.
    async fn revoke_device_link(
        &self,
        ctx: &Context<'_>,
        input: RevokeDeviceLinkInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::revoke_device_link(services(ctx)?, &caller(ctx)?, input.id.0).await)
    }
}

fn public_url(ctx: &Context<'_>) -> Result<String, ApiError> {
    let address = ctx.data_opt::<PublicAddress>();
    Ok(address.ok_or_else(|| InternalError::new("the schema was built without its public address"))?.0.clone())
}

/// The created link, its address and the errors.
async fn created_link(
    ctx: &Context<'_>,
    outcome: Result<DeviceLinkOutcome, Error>,
) -> Result<(Option<DeviceLink>, Option<String>, Vec<UserError>), ApiError> {
    let created = match into_payload(outcome)? {
        Ok(created) => created,
        Err(errors) => return Ok((None, None, errors)),
    };
    let mut conn = context::read(ctx).await?;
    let link = devices::link_of(&mut conn, created.id).await?;
    Ok((link.map(DeviceLink), created.address.map(|address| address.expose().to_owned()), Vec::new()))
}

//! Device links in GraphQL.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use crate::access::Role;
use crate::accounts::graphql::AcceptedPayload;
use crate::error::{Error, InternalError};
use crate::extensions;
use crate::graphql::context::{self, PublicAddress, actor, caller, services};
use crate::graphql::error::{ApiError, UserError, into_payload};
use crate::graphql::scalars::DateTime;
use crate::provisioning::devices::rules::{self, Linked, NewLink};
use crate::provisioning::devices::{self, DeviceLink as Row, svg};

/// A link under which one telephone finds its configuration.
pub struct DeviceLink {
    row: Row,
    template: String,
}

#[Object]
impl DeviceLink {
    /// The link's id.
    async fn id(&self) -> ID {
        ID(self.row.id.global())
    }

    /// The name of the template that makes the document.
    async fn template(&self) -> &str {
        &self.template
    }

    /// The desk phone's MAC address, in lower case with colons. Null for a softphone, whose link is good once.
    async fn mac(&self) -> Option<String> {
        self.row.mac_address()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it ends unused. Null for a desk phone's.
    async fn expires_at(&self) -> Option<DateTime> {
        self.row.expires_at.map(Into::into)
    }

    /// When a softphone fetched its document: the link is used up.
    async fn used_at(&self) -> Option<DateTime> {
        self.row.used_at.map(Into::into)
    }

    /// When the document was last fetched, to five minutes.
    async fn fetched_at(&self) -> Option<DateTime> {
        self.row.fetched_at.map(Into::into)
    }
}

/// The links of an extension for its owner and operators; nothing for others.
///
/// # Errors
/// When the database cannot be read.
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
    Ok(Some(rows.into_iter().map(|(row, template)| DeviceLink { row, template }).collect()))
}

/// A softphone's link to be made.
#[derive(InputObject)]
pub struct CreateSoftphoneLinkInput {
    /// The extension's id.
    extension: ID,
    /// The name of one of its service type's `deviceTemplates`.
    template: String,
}

/// A desk phone's link to be made.
#[derive(InputObject)]
pub struct CreateDeskPhoneLinkInput {
    /// The extension's id.
    extension: ID,
    /// The name of one of its service type's `deviceTemplates`.
    template: String,
    /// The telephone's MAC address in any usual spelling; the extension's own parameter `mac` when it is left out.
    mac: Option<String>,
}

/// Which link.
#[derive(InputObject)]
pub struct RevokeDeviceLinkInput {
    /// The link's id.
    id: ID,
}

/// A softphone's link, or why not.
#[derive(SimpleObject)]
pub struct SoftphoneLinkPayload {
    /// The link.
    link: Option<DeviceLink>,
    /// The whole address, shown this once. Whoever opens it first gets the configuration.
    url: Option<String>,
    /// The address as a QR code, an SVG document, shown this once.
    qr_code: Option<String>,
    /// What went wrong; nothing was changed then.
    errors: Vec<UserError>,
}

/// A desk phone's link, or why not.
#[derive(SimpleObject)]
pub struct DeskPhoneLinkPayload {
    /// The link.
    link: Option<DeviceLink>,
    /// The whole address, shown this once: for the telephone's provisioning server, with or without a file name behind it.
    url: Option<String>,
    /// What went wrong; nothing was changed then.
    errors: Vec<UserError>,
}

/// What is done with device links.
#[derive(Default)]
pub struct DevicesMutation;

#[Object]
impl DevicesMutation {
    /// Makes the link by which a softphone fetches its configuration: once, within ten minutes. An earlier one of the extension ends.
    /// For its owner and operators. Needs a sign-in within 15 minutes.
    async fn create_softphone_link(
        &self,
        ctx: &Context<'_>,
        input: CreateSoftphoneLinkInput,
    ) -> Result<SoftphoneLinkPayload, ApiError> {
        let new = NewLink { extension: input.extension.0, template: input.template };
        let made = rules::create_softphone_link(services(ctx)?, &caller(ctx)?, new, public_url(ctx)?).await;
        let (link, url, errors) = shown(ctx, made).await?;
        let qr_code = url.as_deref().map(svg).transpose()?;
        Ok(SoftphoneLinkPayload { link, url, qr_code, errors })
    }

    /// Makes the link by which a desk phone fetches its configuration again and again. An earlier one of the same telephone ends.
    /// For the extension's owner and operators; the document holds what whoever made the link may see. Needs a sign-in within 15 minutes.
    async fn create_desk_phone_link(
        &self,
        ctx: &Context<'_>,
        input: CreateDeskPhoneLinkInput,
    ) -> Result<DeskPhoneLinkPayload, ApiError> {
        let new = NewLink { extension: input.extension.0, template: input.template };
        let made = rules::create_desk_phone_link(services(ctx)?, &caller(ctx)?, new, input.mac, public_url(ctx)?).await;
        let (link, url, errors) = shown(ctx, made).await?;
        Ok(DeskPhoneLinkPayload { link, url, errors })
    }

    /// Ends a device link at once. For the extension's owner and operators.
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

async fn shown(
    ctx: &Context<'_>,
    made: Result<Linked, Error>,
) -> Result<(Option<DeviceLink>, Option<String>, Vec<UserError>), ApiError> {
    let linked = match into_payload(made)? {
        Ok(linked) => linked,
        Err(errors) => return Ok((None, None, errors)),
    };
    let mut conn = context::read(ctx).await?;
    let link = devices::link_of(&mut conn, linked.id).await?;
    let link = link.map(|(row, template)| DeviceLink { row, template });
    Ok((link, linked.address.map(|address| address.expose().to_owned()), Vec::new()))
}

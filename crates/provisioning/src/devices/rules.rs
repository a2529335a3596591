//! Creating and revoking device links.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::documents::DocumentBuilder;
use super::model::{DeviceLink, desk_phone_address, softphone_address};
use super::queries;
use accounts::token::Token;
use events::EventPhase;
use extensions::Extension;
use platform::access::{self, Caller, Permit};
use platform::error::{Error, UserError, UserErrorKind};
use platform::feed_log::FeedRef;
use platform::ids::{DeviceLinkId, ExtensionId};
use platform::secrets::Secret;
use platform::services::Services;
use platform::text::mac;
use platform::transaction::{Mode, Tx};
use templates::Template;

/// The time within which a softphone's link must be used, in seconds: ten minutes.
const SOFTPHONE_SECONDS: i64 = 600;

/// The address of the document that is rendered to try a template.
const SAMPLE_ADDRESS: &str = "https://switchboard.example/device/sample/";

/// The input for creating a link.
#[derive(Clone, Debug)]
pub struct NewDeviceLink {
    /// The extension's global id.
    pub extension: String,
    /// The name of a device template of its service type.
    pub template: String,
}

/// The outcome of an operation on a link.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeviceLinkOutcome {
    pub id: DeviceLinkId,
    pub extension: ExtensionId,
    /// The whole address of a new link. It is not stored.
    #[serde(skip)]
    pub address: Option<Secret>,
}

/// Creates the link from which a softphone fetches the extension's configuration once, within ten minutes. An earlier
/// softphone link of the extension ends.
///
/// # Errors
/// [`Error::User`] at `extension` and `template`; [`Error::Auth`] when the caller has not signed in recently.
pub async fn create_softphone_link(
    services: &Services,
    caller: &Arc<Caller>,
    input: NewDeviceLink,
    public_url: String,
) -> Result<DeviceLinkOutcome, Error> {
    caller.actor.demand(access::Role::User)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    require_document(services, caller, &input).await?;
    transact!(services, caller, actions::CREATE_SOFTPHONE_LINK, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let (row, template) = load_target(tx, &permit, &input).await?;
        insert_link(tx, &permit, LinkSpec { row, template, mac: None, public_url }).await
    })
    .await
}

/// Creates the link from which the desk phone with this MAC address fetches its configuration any number of times.
/// Without `mac` the extension's parameter of that name is used. An earlier link of the same telephone ends. The
/// document contains what the creator of the link may see at the time of each fetch: an owner's link gives no secret
/// that only operators may read, nor does the link of an operator who is one no longer.
///
/// # Errors
/// [`Error::User`] at `extension`, `template` and `mac`; [`Error::Auth`] when the caller has not signed in recently.
pub async fn create_desk_phone_link(
    services: &Services,
    caller: &Arc<Caller>,
    input: NewDeviceLink,
    mac: Option<String>,
    public_url: String,
) -> Result<DeviceLinkOutcome, Error> {
    caller.actor.demand(access::Role::User)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    require_document(services, caller, &input).await?;
    transact!(services, caller, actions::CREATE_DESK_PHONE_LINK, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let (row, template) = load_target(tx, &permit, &input).await?;
        let parameter = || row.parameters.0.get("mac").and_then(serde_json::Value::as_str).map(str::to_owned);
        let missing = || UserError::new(UserErrorKind::Required, "mac", "Give the telephone's MAC address.");
        let text = mac.or_else(parameter).ok_or_else(missing)?;
        let bytes = mac::parse(&text)
            .ok_or_else(|| UserError::invalid("mac", "This is no MAC address, such as 00:15:65:12:34:56."))?;
        insert_link(tx, &permit, LinkSpec { row, template, mac: Some(hex::encode(bytes)), public_url }).await
    })
    .await
}

/// Revokes a link at once.
///
/// # Errors
/// [`Error::User`] at `id`: INVALID for a text that is no id, NOT_FOUND for an unknown link and one of another owner.
pub async fn revoke_device_link(
    services: &Services,
    caller: &Arc<Caller>,
    id: String,
) -> Result<DeviceLinkOutcome, Error> {
    transact!(services, caller, actions::REVOKE_DEVICE_LINK, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let id = DeviceLinkId::from_global(&id)
            .ok_or_else(|| UserError::invalid("id", "This is not the id of a device link."))?;
        let missing = || UserError::not_found("id", "There is no such device link.");
        let link = queries::by_id(tx.conn, id).await?.ok_or_else(missing)?;
        let scope = access::scope(tx.actor());
        let row = extensions::queries::by_id(tx.conn, &scope, link.extension_id).await?;
        let row = row.filter(|row| permit.is_for(row.owner_id)).ok_or_else(missing)?;
        queries::delete(tx.conn, &permit, id).await?;
        tx.audit(&permit, Some(row.id.global()), format!("a device link of {} was revoked", row.number)).await?;
        Ok(DeviceLinkOutcome { id, extension: row.id, address: None })
    })
    .await
}

/// Loads the extension, if the caller may act on it, and the device template of its service type.
///
/// # Errors
/// [`Error::User`] for an unknown extension or template, an archived event, and a template of a whole feed.
async fn load_target(tx: &mut Tx<'_>, permit: &Permit, input: &NewDeviceLink) -> Result<(Extension, Template), Error> {
    let id = ExtensionId::from_global(&input.extension)
        .ok_or_else(|| UserError::invalid("extension", "This is not the id of an extension."))?;
    let found = extensions::queries::by_id(tx.conn, &access::scope(tx.actor()), id).await?;
    let row = found
        .filter(|row| permit.is_for(row.owner_id))
        .ok_or_else(|| UserError::not_found("extension", "There is no such extension."))?;
    let event = events::event_by_id(tx.conn, row.event_id).await?;
    if event.is_none_or(|event| event.phase == EventPhase::Archived) {
        return Err(UserError::new(UserErrorKind::EventClosed, "extension", "This event is archived.").into());
    }
    let template = templates::template_by_name(tx.conn, row.service_type_id, &input.template).await?;
    let template =
        template.ok_or_else(|| UserError::not_found("template", "The service type has no such template."))?;
    // The template of a whole feed may contain what its author meant only for telephone systems.
    if !templates::is_device_template(&template.source) {
        return Err(UserError::invalid(
            "template",
            "This template makes the file of a whole feed, not of one telephone.",
        )
        .into());
    }
    Ok((row, template))
}

/// The validated input of a new link.
struct LinkSpec {
    row: Extension,
    template: Template,
    mac: Option<String>,
    public_url: String,
}

async fn insert_link(tx: &mut Tx<'_>, permit: &Permit, spec: LinkSpec) -> Result<DeviceLinkOutcome, Error> {
    let LinkSpec { row, template, mac, public_url } = spec;
    let token = Token::generate(tx.rng());
    let revealed = token.reveal();
    let address = match &mac {
        Some(mac) => desk_phone_address(&public_url, revealed.expose(), mac),
        None => softphone_address(&public_url, revealed.expose()),
    };
    let link = DeviceLink {
        id: DeviceLinkId::new(tx.rng(), tx.now),
        extension_id: row.id,
        template_id: template.id,
        account_id: row.owner_id,
        token_hash: token.hash().as_bytes().to_vec(),
        expires_at: mac.is_none().then(|| tx.now.plus_seconds(SOFTPHONE_SECONDS)),
        mac,
        created_by: permit.actor().account(),
        created_at: tx.now,
        used_at: None,
        fetched_at: None,
    };
    queries::replace(tx.conn, permit, &link).await?;
    let kind = if link.mac.is_some() { "desk phone" } else { "softphone" };
    tx.audit(permit, Some(row.id.global()), format!("a {kind} link of {} was made with {}", row.number, template.name))
        .await?;
    Ok(DeviceLinkOutcome { id: link.id, extension: row.id, address: Some(Secret::new(address)) })
}

/// Requires that the document of a new link renders, before the transaction that makes the link. The caller can still
/// choose another template, the telephone cannot.
///
/// What the caller may not know of, or what does not exist, is left to the transaction to refuse.
async fn require_document(services: &Services, caller: &Caller, input: &NewDeviceLink) -> Result<(), Error> {
    let Some(id) = ExtensionId::from_global(&input.extension) else { return Ok(()) };
    let (scope, actor) = (access::scope(&caller.actor), caller.actor.clone());
    let (template, builder_services, now) = (input.template.clone(), services.clone(), services.now());
    let prepared = services.store.snapshot(move |conn| {
        Box::pin(async move {
            let found = extensions::queries::by_id(conn, &scope, id).await?;
            let is_staff = actor.is_at_least(access::Role::Operator);
            let Some(row) = found.filter(|row| is_staff || actor.account() == Some(row.owner_id)) else {
                return Ok(None);
            };
            let Some(template) = templates::template_by_name(conn, row.service_type_id, &template).await? else {
                return Ok(None);
            };
            let link = DeviceLink {
                id: DeviceLinkId(uuid::Uuid::nil()),
                extension_id: row.id,
                template_id: template.id,
                account_id: row.owner_id,
                token_hash: Vec::new(),
                expires_at: None,
                mac: Some("001565123456".to_owned()),
                created_by: actor.account(),
                created_at: now,
                used_at: None,
                fetched_at: None,
            };
            let feed = FeedRef { event: row.event_id, service_type: row.service_type_id };
            let builder = DocumentBuilder { services: &builder_services, now, link: &link, feed };
            builder.prepare(conn, SAMPLE_ADDRESS).await
        })
    });
    match prepared.await? {
        None => Ok(()),
        Some(prepared) => match prepared.render().await {
            Ok(_) => Ok(()),
            Err(Error::BadRequest(message)) => Err(UserError::invalid("template", message).into()),
            Err(error) => Err(error),
        },
    }
}

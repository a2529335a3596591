//! Making and revoking device links.

use crate::actions;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::documents::Making;
use super::model::{DeviceLink, desk_phone_address, softphone_address};
use super::queries;
use platform::access::{self, Caller, Permit};
use accounts::token::Token;
use platform::error::{Error, UserError, UserErrorKind};
use extensions::{Extension};
use platform::feed_log::FeedRef;
use platform::ids::{DeviceLinkId, ExtensionId};
use platform::secrets::Secret;
use templates::{Template};
use events::{EventPhase};
use platform::services::Services;
use platform::transaction::{Mode, Tx, transact};

/// How long a softphone's link waits to be used, in seconds: ten minutes.
const SOFTPHONE_SECONDS: i64 = 600;

/// A link to be made.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The extension's global id.
    pub extension: String,
    /// The name of a template of its service type.
    pub template: String,
}

/// A link that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Linked {
    pub id: DeviceLinkId,
    pub extension: ExtensionId,
    /// The whole address, shown this once.
    #[serde(skip)]
    pub address: Option<Secret>,
}

/// Makes the link by which a softphone of the extension's owner fetches its configuration once, within ten minutes. An earlier
/// one ends.
///
/// # Errors
/// Problems at `extension` and `template`; re-authentication where the last sign-in is long ago.
pub async fn create_softphone_link(
    services: &Services,
    caller: &Arc<Caller>,
    input: NewLink,
    public_url: String,
) -> Result<Linked, Error> {
    caller.actor.demand(access::Role::User)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact(services, caller, actions::CREATE_SOFTPHONE_LINK, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let (row, template) = ground(tx, &permit, &input).await?;
            make(tx, &permit, Wanted { row, template, mac: None, public_url }).await
        })
    })
    .await
}

/// Makes the link by which the desk phone of this MAC address fetches its configuration whenever it likes. The address is the
/// extension's own parameter `mac` where it is left out. An earlier link of the same telephone ends. The document shows what its
/// maker may see: an owner's link opens no secret that only operators read.
///
/// # Errors
/// Problems at `extension`, `template` and `mac`; re-authentication where the last sign-in is long ago.
pub async fn create_desk_phone_link(
    services: &Services,
    caller: &Arc<Caller>,
    input: NewLink,
    mac: Option<String>,
    public_url: String,
) -> Result<Linked, Error> {
    caller.actor.demand(access::Role::User)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact(services, caller, actions::CREATE_DESK_PHONE_LINK, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let (row, template) = ground(tx, &permit, &input).await?;
            let own = || row.parameters.0.get("mac").and_then(serde_json::Value::as_str).map(str::to_owned);
            let missing = || UserError::new(UserErrorKind::Required, "mac", "Give the telephone's MAC address.");
            let given = mac.or_else(own).ok_or_else(missing)?;
            // As people copy it from a label: with gaps too.
            let bytes = templates::parse_mac(&given.split_whitespace().collect::<String>())
                .ok_or_else(|| UserError::invalid("mac", "This is no MAC address, such as 00:15:65:12:34:56."))?;
            make(tx, &permit, Wanted { row, template, mac: Some(hex::encode(bytes)), public_url }).await
        })
    })
    .await
}

/// Ends a link at once.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`: another's link is not there.
pub async fn revoke_device_link(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Linked, Error> {
    transact(services, caller, actions::REVOKE_DEVICE_LINK, Mode::Commit, move |tx| {
        Box::pin(async move {
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
            Ok(Linked { id, extension: row.id, address: None })
        })
    })
    .await
}

/// The extension, as far as the caller may, and the template of its service type.
async fn ground(tx: &mut Tx<'_>, permit: &Permit, input: &NewLink) -> Result<(Extension, Template), Error> {
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
    // A feed's template may show what its writer meant for telephone systems alone.
    if !templates::is_of_device(template.format, &template.source) {
        return Err(UserError::invalid(
            "template",
            "This template makes the file of a whole feed, not of one telephone.",
        )
        .into());
    }
    Ok((row, template))
}

/// A link that may be made.
struct Wanted {
    row: Extension,
    template: Template,
    mac: Option<String>,
    public_url: String,
}

async fn make(tx: &mut Tx<'_>, permit: &Permit, wanted: Wanted) -> Result<Linked, Error> {
    let Wanted { row, template, mac, public_url } = wanted;
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
        by_staff: permit.is_staff(),
        created_at: tx.now,
        used_at: None,
        fetched_at: None,
    };
    try_out(tx, &link, &row, &address).await?;
    queries::replace(tx.conn, permit, &link).await?;
    let kind = if link.mac.is_some() { "desk phone" } else { "softphone" };
    tx.audit(permit, Some(row.id.global()), format!("a {kind} link of {} was made with {}", row.number, template.name))
        .await?;
    Ok(Linked { id: link.id, extension: row.id, address: Some(Secret::new(address)) })
}

/// A link that would give nothing is not made: whoever asks for it can still choose, the telephone cannot.
async fn try_out(tx: &mut Tx<'_>, link: &DeviceLink, row: &Extension, address: &str) -> Result<(), Error> {
    let feed = FeedRef { event: row.event_id, service_type: row.service_type_id };
    let sealer = tx.sealer_handle();
    let making = Making { sealer: &sealer, now: tx.now, link, feed };
    match making.make(tx.conn, address).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(UserError::not_found("extension", "There is no such extension.").into()),
        Err(Error::BadRequest(sentence)) => Err(UserError::invalid("template", sentence).into()),
        Err(stop) => Err(stop),
    }
}

//! The document of one device: its extension through a template.

use crate::actions;
use std::sync::Arc;

use minijinja::Value as Variable;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::model::{DeviceLink, desk_phone_address, softphone_address};
use super::queries;
use platform::access::{self, Caller};
use accounts::token::Token;
use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use platform::feed_log::{self, FeedRef};
use crate::content::{self, Reading};
use crate::cursor::Cursor;
use crate::model::{Content, Place};
use crate::render::{self, Withheld};
use crate::{content_queries, queries as feeds};
use restrictions::{RestrictionEffect};
use platform::secrets::Sealer;
use service_types::schema::{Parameters, Viewer};
use templates::{DeviceVariables, Limits, Template};
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::{Mode, transact};

/// How often the last fetch is written at most, in seconds.
const FETCHED_SECONDS: i64 = 300;

/// What a device gets.
#[derive(Clone, Debug)]
pub struct DeviceDocument {
    pub content_type: String,
    pub body: String,
    /// For the header `ETag`: the same for the same extension, template and settings.
    pub etag: String,
}

/// Who asks for a document, and where it would be found again.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub token: &'a str,
    /// What stands behind the token in the address.
    pub file: Option<&'a str>,
    /// Without a slash at its end.
    pub public_url: &'a str,
}

/// The document that a link gives. A softphone's link is used up with it; of many who ask at once, one gets it. `None` for a
/// link that is not there, or not any more.
///
/// # Errors
/// [`Error::BadRequest`] when the template fails on this extension; then the link stays good.
pub async fn fetch(services: &Services, asked: Asked<'_>) -> Result<Option<DeviceDocument>, Error> {
    let Some(token) = Token::parse(asked.token) else { return Ok(None) };
    let hash = *token.hash().as_bytes();
    let (file, public_url, token) =
        (asked.file.map(str::to_owned), asked.public_url.to_owned(), asked.token.to_owned());
    let (sealer, now) = (Arc::clone(&services.sealer), services.now());
    let made = services.store.snapshot(move |conn| {
        Box::pin(async move {
            let Some((link, feed)) = queries::by_token(conn, &hash).await? else { return Ok(None) };
            if !link.is_open(now) || !link.is_for(file.as_deref()) {
                return Ok(None);
            }
            // Who may not sign in to read a secret does not read it by a link either. Lifting the ban opens the link again.
            let banned = restrictions::of_account(conn, link.account_id).await?;
            if banned.iter().any(|restriction| restriction.has(RestrictionEffect::NoSignIn)) {
                return Ok(None);
            }
            let address = match &link.mac {
                Some(mac) => desk_phone_address(&public_url, &token, mac),
                None => softphone_address(&public_url, &token),
            };
            let document = Making { sealer: &sealer, now, link: &link, feed }.make(conn, &address).await?;
            Ok(document.map(|document| (link, document)))
        })
    });
    let Some((link, document)) = made.await? else { return Ok(None) };
    let is_good = if link.mac.is_none() {
        use_up(services, link).await?
    } else {
        note(services, &link, now).await;
        true
    };
    Ok(is_good.then_some(document))
}

async fn use_up(services: &Services, link: DeviceLink) -> Result<bool, Error> {
    let caller = Caller::system("device");
    transact(services, &caller, actions::FETCH_DEVICE_DOCUMENT, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let is_first = queries::use_up(tx.conn, &permit, link.id, tx.now).await?;
            if is_first {
                let summary = "a softphone fetched its configuration by a link";
                tx.audit(&permit, Some(link.extension_id.global()), summary).await?;
            }
            Ok(is_first)
        })
    })
    .await
}

/// A desk phone asks again and again: when it last did is worth a row every few minutes, and no failure.
async fn note(services: &Services, link: &DeviceLink, now: Timestamp) {
    if link.fetched_at.is_some_and(|at| now < at.plus_seconds(FETCHED_SECONDS)) {
        return;
    }
    let id = link.id;
    let noted =
        services.store.write(move |conn| Box::pin(async move { Ok(queries::fetched(conn, id, now).await?) })).await;
    if let Err(stop) = noted {
        tracing::warn!(error = ?stop, "the last fetch of a desk phone could not be noted");
    }
}

/// A document that is being made.
pub(super) struct Making<'a> {
    pub sealer: &'a Sealer,
    pub now: Timestamp,
    pub link: &'a DeviceLink,
    pub feed: FeedRef,
}

impl Making<'_> {
    /// The document; `None` when the extension or the template is gone, or the event is archived.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the template fails.
    pub async fn make(&self, conn: &mut Conn, address: &str) -> Result<Option<DeviceDocument>, Error> {
        let FeedRef { event, service_type } = self.feed;
        let Some(template) = templates::template_by_id(conn, self.link.template_id).await? else { return Ok(None) };
        let Some(entry) = queries::entry_of(conn, self.link.extension_id).await? else { return Ok(None) };
        let place = content_queries::place(conn, event, service_type).await?;
        if place.archived {
            return Ok(None);
        }
        let scope = access::device_scope(event, service_type);
        let reading = Reading { scope, place: &place, schema: &place.schema, sealer: self.sealer };
        let Some(content) = content::load(conn, &reading, &[entry]).await?.pop() else { return Ok(None) };
        let content = self.narrowed(content, &place)?;
        let head = head(conn, self.feed).await?;
        self.rendered(&template, &place, &content, &head, address).map(Some)
    }

    /// What whoever made the link may see of the extension.
    fn narrowed(&self, mut content: Content, place: &Place) -> Result<Content, Error> {
        let viewer = if self.link.by_staff { Viewer::Operator } else { Viewer::Owner };
        let parameters: Parameters = serde_json::from_str(&content.parameters).map_err(InternalError::new)?;
        content.parameters =
            serde_json::to_string(&place.schema.visible(&parameters, viewer)).map_err(InternalError::new)?;
        content.secrets = place.schema.visible(&content.secrets, viewer);
        content
            .digests
            .retain(|name, _| place.schema.parameter(name).is_some_and(|secret| secret.is_visible_to(viewer)));
        Ok(content)
    }

    fn rendered(
        &self,
        template: &Template,
        place: &Place,
        content: &Content,
        head: &str,
        address: &str,
    ) -> Result<DeviceDocument, Error> {
        let (mac, now) = (self.link.mac_address().unwrap_or_default(), self.now.to_string());
        let device = DeviceVariables { mac: &mac, address };
        let extension: Variable = render::variable(content, Withheld::default());
        let context = templates::of_device(&render::surroundings(place, head, &now), extension, &device);
        let body = templates::render(template.format, &template.source, context, Limits::SMALL)
            .map_err(|error| Error::BadRequest(format!("The template {} fails: {error}.", template.name)))?;
        let facts = json!([
            [&template.content_type, template.format.as_str(), &template.source],
            [&place.event_slug, &place.service_type_slug, &place.service_type_name],
            [content.version, address, self.link.by_staff],
            place.schema_version,
            place.settings,
        ]);
        let hash = Sha256::digest(facts.to_string());
        let etag = format!("\"{}\"", hex::encode(&hash[..16]));
        Ok(DeviceDocument { content_type: template.content_type.clone(), body, etag })
    }
}

/// The cursor of the instant.
async fn head(conn: &mut Conn, feed: FeedRef) -> Result<String, Error> {
    let feed = feed_log::feed_of(conn, feed).await?.ok_or_else(|| InternalError::new("an entry of no feed"))?;
    let tag = feeds::tag(conn, feed.id, feed.head).await?.and_then(|tag| tag.try_into().ok());
    let tag: [u8; 8] = tag.ok_or_else(|| InternalError::new("a feed's head has no tag"))?;
    Ok(Cursor::at_head(feed.id.0, feed.epoch.0, feed.head, tag).encode())
}

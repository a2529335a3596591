//! The document of one device: its extension rendered through a template.

use crate::actions;
use platform::transact;

use minijinja::Value as Variable;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::model::{DeviceLink, desk_phone_address, softphone_address};
use super::queries::{self, LinkTarget};
use crate::cursor::Cursor;
use crate::model::{EntryContent, FeedContext};
use crate::render::{self, HiddenFields};
use crate::source::ContentReader;
use crate::{context_queries, queries as feed_queries};
use accounts::token::Token;
use platform::access::{self, Caller, Role};
use platform::clock::Timestamp;
use platform::error::{Error, InternalError};
use platform::feed_log::{self, FeedRef};
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::Mode;
use restrictions::RestrictionEffect;
use service_types::schema::{Parameters, Viewer};
use templates::{DeviceVariables, Limits, Template};

/// The shortest time between two writes of a link's last fetch, in seconds.
const FETCH_INTERVAL_SECONDS: i64 = 300;

/// The document of a device.
#[derive(Clone, Debug)]
pub struct DeviceDocument {
    pub content_type: String,
    pub body: String,
    /// The value of the header `ETag`: equal for the same extension, template and settings.
    pub etag: String,
}

/// A request for the document of a link.
#[derive(Clone, Copy, Debug)]
pub struct DocumentRequest<'a> {
    pub token: &'a str,
    /// The path after the token in the address.
    pub file: Option<&'a str>,
    /// The public address of the server, without a slash at the end.
    pub public_url: &'a str,
}

/// The document of a link; `None` for a link that does not exist, has expired or was used. The link of a softphone is
/// used up by it: of several concurrent requests one gets the document.
///
/// # Errors
/// [`Error::BadRequest`] when the template fails on this extension; the link is then not used up. A database error.
pub async fn fetch(services: &Services, request: DocumentRequest<'_>) -> Result<Option<DeviceDocument>, Error> {
    let Some(token) = Token::parse(request.token) else { return Ok(None) };
    let hash = *token.hash().as_bytes();
    let (file, public_url, token) =
        (request.file.map(str::to_owned), request.public_url.to_owned(), request.token.to_owned());
    let (builder_services, now) = (services.clone(), services.now());
    let built = services.store.snapshot(move |conn| {
        Box::pin(async move {
            let Some(LinkTarget { link, feed }) = queries::by_token(conn, &hash).await? else { return Ok(None) };
            if !link.is_usable(now) || !link.accepts_file(file.as_deref()) {
                return Ok(None);
            }
            // An account that may not sign in to read a secret does not get it by a link either. Lifting the ban makes
            // the link usable again.
            let restrictions = restrictions::of_account(conn, link.account_id).await?;
            if restrictions.iter().any(|restriction| restriction.has(RestrictionEffect::NoSignIn)) {
                return Ok(None);
            }
            let address = match &link.mac {
                Some(mac) => desk_phone_address(&public_url, &token, mac),
                None => softphone_address(&public_url, &token),
            };
            let builder = DocumentBuilder { services: &builder_services, now, link: &link, feed };
            let prepared = builder.prepare(conn, &address).await?;
            Ok(prepared.map(|prepared| (link, prepared)))
        })
    });
    let Some((link, prepared)) = built.await? else { return Ok(None) };
    let document = prepared.render().await?;
    if link.mac.is_none() {
        let is_first_use = use_up(services, link).await?;
        return Ok(is_first_use.then_some(document));
    }
    record_fetch(services, &link, now).await;
    Ok(Some(document))
}

/// Uses up the link of a softphone and returns whether this was its first use.
async fn use_up(services: &Services, link: DeviceLink) -> Result<bool, Error> {
    let caller = Caller::system("device");
    transact!(services, &caller, actions::FETCH_DEVICE_DOCUMENT, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let is_first_use = queries::use_up(tx.conn, &permit, link.id, tx.now).await?;
        if is_first_use {
            let summary = "a softphone fetched its configuration by a link";
            tx.audit(&permit, Some(link.extension_id.global()), summary).await?;
        }
        Ok(is_first_use)
    })
    .await
}

/// Stores the last fetch of a desk phone, at most once in [`FETCH_INTERVAL_SECONDS`]. An error is only logged: the
/// document does not depend on it.
async fn record_fetch(services: &Services, link: &DeviceLink, now: Timestamp) {
    if link.fetched_at.is_some_and(|at| now < at.plus_seconds(FETCH_INTERVAL_SECONDS)) {
        return;
    }
    let id = link.id;
    let written =
        services.store.write(move |conn| Box::pin(async move { Ok(queries::save_fetch(conn, id, now).await?) })).await;
    if let Err(error) = written {
        tracing::warn!(error = ?error, "the last fetch of a desk phone was not written");
    }
}

/// The data of a document, read in one transaction and rendered after it.
pub(super) struct PreparedDocument {
    template: Template,
    variables: Variable,
    etag: String,
}

impl PreparedDocument {
    /// Renders the document.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the template fails.
    pub async fn render(self) -> Result<DeviceDocument, Error> {
        let Self { template, variables, etag } = self;
        let rendering = tokio::task::spawn_blocking(move || {
            let body = templates::render(template.format, &template.source, variables, Limits::SMALL)
                .map_err(|error| Error::BadRequest(format!("The template {} fails: {error}.", template.name)))?;
            Ok(DeviceDocument { content_type: template.content_type, body, etag })
        });
        rendering.await.map_err(InternalError::new)?
    }
}

/// Builds the document of one link.
pub(super) struct DocumentBuilder<'a> {
    pub services: &'a Services,
    pub now: Timestamp,
    pub link: &'a DeviceLink,
    pub feed: FeedRef,
}

impl DocumentBuilder<'_> {
    /// The data of the document; `None` when the extension or the template does not exist any more, or the event is
    /// archived.
    ///
    /// # Errors
    /// A database error.
    pub async fn prepare(&self, conn: &mut Conn, address: &str) -> Result<Option<PreparedDocument>, Error> {
        let FeedRef { event, service_type } = self.feed;
        let Some(template) = templates::template_by_id(conn, self.link.template_id).await? else { return Ok(None) };
        let Some(entry) = queries::entry_of(conn, self.link.extension_id).await? else { return Ok(None) };
        let context = context_queries::feed_context(conn, self.feed).await?;
        if context.archived {
            return Ok(None);
        }
        let scope = access::device_scope(event, service_type);
        let reader = ContentReader::new(scope, &context, self.services);
        let Some(content) = reader.load(conn, &[entry]).await?.pop() else { return Ok(None) };
        let viewer = viewer_of(conn, self.link).await?;
        let content = restrict_to_viewer(content, &context, viewer)?;
        let head = head_cursor(conn, self.feed).await?.encode();
        Ok(Some(self.with_variables(template, &context, (&content, viewer), &head, address)))
    }

    fn with_variables(
        &self,
        template: Template,
        context: &FeedContext,
        (content, viewer): (&EntryContent, Viewer),
        head: &str,
        address: &str,
    ) -> PreparedDocument {
        let (mac, now) = (self.link.mac_address().unwrap_or_default(), self.now.to_string());
        let device = DeviceVariables { mac: &mac, address };
        let extension: Variable = render::extension_variable(content, HiddenFields::default());
        let variables = templates::device_context(&render::surroundings(context, head, &now), extension, &device);
        let facts = json!([
            [&template.content_type, template.format.as_str(), &template.source],
            [&context.event_slug, &context.service_type_slug, &context.service_type_name],
            [content.version, address, viewer == Viewer::Operator],
            context.schema_version,
            context.settings,
        ]);
        let hash = Sha256::digest(facts.to_string());
        let etag = format!("\"{}\"", hex::encode(&hash[..16]));
        PreparedDocument { template, variables, etag }
    }
}

/// What the creator of a link may see now: the view of operators while the account is one and may sign in, otherwise
/// the view of the owner.
async fn viewer_of(conn: &mut Conn, link: &DeviceLink) -> Result<Viewer, Error> {
    let Some(creator) = link.created_by else { return Ok(Viewer::Owner) };
    let account = accounts::account_by_id(conn, creator).await?;
    let is_staff = account.is_some_and(|account| account.deleted_at.is_none() && account.role >= Role::Operator);
    let restrictions = restrictions::of_account(conn, creator).await?;
    let may_sign_in = !restrictions.iter().any(|restriction| restriction.has(RestrictionEffect::NoSignIn));
    Ok(if is_staff && may_sign_in { Viewer::Operator } else { Viewer::Owner })
}

/// Removes what a viewer may not see of the extension.
fn restrict_to_viewer(mut content: EntryContent, context: &FeedContext, viewer: Viewer) -> Result<EntryContent, Error> {
    let parameters: Parameters = serde_json::from_str(&content.parameters).map_err(InternalError::new)?;
    content.parameters =
        serde_json::to_string(&context.schema.visible(&parameters, viewer)).map_err(InternalError::new)?;
    content.secrets = context.schema.visible(&content.secrets, viewer);
    content.digests.retain(|name, _| context.schema.parameter(name).is_some_and(|secret| secret.is_visible_to(viewer)));
    Ok(content)
}

/// The cursor of the head in the present transaction.
async fn head_cursor(conn: &mut Conn, feed: FeedRef) -> Result<Cursor, Error> {
    let feed = feed_log::feed_of(conn, feed).await?.ok_or_else(|| InternalError::new("an entry without a feed"))?;
    let tag = feed_queries::head_tag(conn, &feed).await?;
    Ok(Cursor::at_head(feed.id.0, feed.epoch.0, feed.head, tag))
}

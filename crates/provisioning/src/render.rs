//! Renders a whole feed through a template of its service type.

use std::sync::Arc;

use minijinja::Value as Variable;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::json;

use super::cursor::Cursor;
use super::feed::{FeedReader, OpenFeed};
use super::model::{EntryContent, FeedContext, MemberContent};
use super::queries;
use super::snapshot_export::FeedVersion;
use platform::access::FeedScope;
use platform::error::{Error, InternalError};
use platform::store::Conn;
use service_types::schema::Parameters;
use templates::{ExtensionVariables, Limits, MemberVariables, RenderContext, Template, TypeVariables};

/// A rendered document.
#[derive(Clone, Debug)]
pub struct Document {
    pub content_type: String,
    pub body: String,
    /// The cursor of the instant that the document shows.
    pub head: Cursor,
    /// As [`FeedVersion::etag`].
    pub etag: String,
}

/// The version of a document, known without rendering it.
#[derive(Clone, Debug)]
pub struct DocumentVersion {
    pub content_type: String,
    pub version: FeedVersion,
}

/// The current version of the document that a template makes of the feed; `None` for a template that does not exist and
/// for an archived event.
///
/// # Errors
/// [`Error::BadRequest`] for a template of one device; a database error.
pub async fn document_version(reader: &FeedReader, template: &str) -> Result<Option<DocumentVersion>, Error> {
    let name = template.to_owned();
    reader
        .read(move |conn, reader, open| {
            Box::pin(async move {
                Ok(feed_template(conn, open, &name).await?.map(|template| DocumentVersion {
                    version: version_of(open, reader, &template),
                    content_type: template.content_type,
                }))
            })
        })
        .await
}

/// The template with this name; `None` when it does not exist and in an archived event.
///
/// # Errors
/// [`Error::BadRequest`] when the template is for one device, not for a whole feed.
async fn feed_template(conn: &mut Conn, open: &OpenFeed, name: &str) -> Result<Option<Template>, Error> {
    let found = templates::template_by_name(conn, open.context.service_type, name).await?;
    let Some(template) = found.filter(|_| !open.context.archived) else { return Ok(None) };
    if templates::is_device_template(&template.source) {
        let message =
            format!("The template {} makes the document of one telephone: a device link gives it.", template.name);
        return Err(Error::BadRequest(message));
    }
    Ok(Some(template))
}

fn version_of(open: &OpenFeed, reader: &FeedReader, template: &Template) -> FeedVersion {
    open.version(reader, &json!([template.id.global(), template.content_type, template.format, template.source]))
}

/// The data of a document, read in one transaction and rendered after it.
struct RenderInput {
    template: Template,
    context: FeedContext,
    version: FeedVersion,
    contents: Vec<EntryContent>,
    hidden: HiddenFields,
}

/// The fields of an extension that a reader may not see. They are undefined in templates, so that a template that needs
/// them fails instead of making a configuration without users.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HiddenFields {
    secrets: bool,
    digests: bool,
}

impl HiddenFields {
    fn of(scope: &FeedScope) -> Self {
        Self { secrets: !scope.secrets(), digests: !scope.digests() }
    }

    /// A hint about hidden fields for the error message of a failed template.
    const fn hint(self) -> &'static str {
        match (self.secrets, self.digests) {
            (true, true) => {
                " Secrets and digests are not shown here: they need a key with READ_SECRETS or READ_DIGESTS."
            }
            (true, false) => " Secrets are not shown here: they need a key with READ_SECRETS.",
            (false, true) => " Digests are not shown here: they need a key with READ_DIGESTS.",
            (false, false) => "",
        }
    }
}

/// Renders the whole feed through a template; `None` for a template that does not exist and for an archived event.
///
/// # Errors
/// [`Error::BadRequest`] for a template of one device, and when the template fails, with the line; a database error.
pub async fn document(reader: &FeedReader, template: &str) -> Result<Option<Document>, Error> {
    let name = template.to_owned();
    let now = reader.services.now();
    let input = reader
        .read(move |conn, reader, open| {
            Box::pin(async move {
                let Some(template) = feed_template(conn, open, &name).await? else { return Ok(None) };
                let entries = queries::present_after(conn, open.feed.id, uuid::Uuid::nil(), i64::MAX).await?;
                let contents = reader.content_reader(open).load(conn, &entries).await?;
                let (version, context) = (version_of(open, reader, &template), open.context.clone());
                let hidden = HiddenFields::of(&reader.scope());
                Ok(Some(RenderInput { template, context, version, contents, hidden }))
            })
        })
        .await?;
    let Some(input) = input else { return Ok(None) };
    // Rendering a hundred thousand extensions takes seconds, too long for a thread of the async runtime.
    let rendering = tokio::task::spawn_blocking(move || render(input, &now.to_string()));
    rendering.await.map_err(InternalError::new)?.map(Some)
}

fn render(input: RenderInput, now: &str) -> Result<Document, Error> {
    let RenderInput { template, context, version, contents, hidden } = input;
    let head = version.head.encode();
    let extensions = Variable::from_object(ExtensionSequence { contents, hidden });
    let variables = templates::feed_context(&surroundings(&context, &head, now), extensions);
    let body = templates::render(template.format, &template.source, variables, Limits::FEED).map_err(|error| {
        Error::BadRequest(format!("The template {} fails: {error}.{}", template.name, hidden.hint()))
    })?;
    Ok(Document { content_type: template.content_type, body, head: version.head, etag: version.etag })
}

/// The variables of a template that do not belong to an extension.
pub(super) fn surroundings<'a>(context: &'a FeedContext, head: &'a str, now: &'a str) -> RenderContext<'a> {
    RenderContext {
        event: &context.event_slug,
        service_type: TypeVariables {
            slug: &context.service_type_slug,
            name: &context.service_type_name,
            settings: &context.settings,
        },
        head,
        generated_at: now,
    }
}

/// The extensions of a feed as a template sequence. Each is converted when the template reaches it.
#[derive(Debug)]
struct ExtensionSequence {
    contents: Vec<EntryContent>,
    hidden: HiddenFields,
}

impl Object for ExtensionSequence {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Variable) -> Option<Variable> {
        self.contents.get(key.as_usize()?).map(|content| extension_variable(content, self.hidden))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.contents.len())
    }
}

/// An extension as a template variable.
pub(super) fn extension_variable(content: &EntryContent, hidden: HiddenFields) -> Variable {
    // An extension with a damaged row has no parameters, so that it does not block all others.
    let parameters: Parameters = serde_json::from_str(&content.parameters).unwrap_or_else(|error| {
        tracing::error!(
            entity = %content.entity.global(), error = %error,
            "the parameters of an entity are no JSON object"
        );
        Parameters::new()
    });
    let variables = ExtensionVariables {
        id: content.entity.global(),
        slot: content.slot,
        number: &content.number,
        previous_numbers: &[],
        label: &content.label,
        ascii_label: &content.ascii_label,
        parameters: &parameters,
        secrets: (!hidden.secrets).then_some(&content.secrets),
        digests: (!hidden.digests).then_some(&content.digests),
        permissions: &content.permissions,
        fallback_number: content.fallback_number.as_deref(),
        active: content.active(),
        members: content.members.as_ref().map(|members| members.iter().map(member_variables).collect()),
        owner_username: &content.owner_username,
    };
    variables.to_value()
}

fn member_variables(member: &MemberContent) -> MemberVariables<'_> {
    let MemberContent { number, delay_seconds, paused, active } = member;
    MemberVariables { number, delay_seconds: *delay_seconds, paused: *paused, active: *active }
}

//! A whole feed through a template of its service type.

use std::sync::Arc;

use minijinja::Value as Variable;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use serde_json::json;

use super::content;
use super::cursor::Cursor;
use super::feed::{Opened, Reader};
use super::model::{Content, Member, Place};
use super::queries;
use super::whole::FeedVersion;
use platform::access::FeedScope;
use platform::error::{Error, InternalError};
use service_types::schema::Parameters;
use templates::{ExtensionVariables, Limits, MemberVariables, Surroundings, Template, TypeVariables};
use platform::store::Conn;

/// What a template made of a feed.
#[derive(Clone, Debug)]
pub struct Document {
    pub content_type: String,
    pub body: String,
    /// The instant that it shows.
    pub head: Cursor,
    /// As [`FeedVersion::etag`].
    pub etag: String,
}

/// By what the document of a template is recognised, without making it.
#[derive(Clone, Debug)]
pub struct DocumentMark {
    pub content_type: String,
    pub mark: FeedVersion,
}

/// The mark of the document that the template makes of the feed now; `None` for a template that is not there, and for an archived
/// event.
///
/// # Errors
/// [`Error::BadRequest`] for a template of one telephone; when the database refuses.
pub async fn mark(reader: &Reader, template: &str) -> Result<Option<DocumentMark>, Error> {
    let name = template.to_owned();
    reader
        .read(move |conn, reader, opened| {
            Box::pin(async move {
                Ok(template_of(conn, opened, &name).await?.map(|template| DocumentMark {
                    mark: mark_of(opened, reader, &template),
                    content_type: template.content_type,
                }))
            })
        })
        .await
}

/// The template of this name, which must be for a whole feed; `None` when it is not there, and in an archived event.
async fn template_of(conn: &mut Conn, opened: &Opened, name: &str) -> Result<Option<Template>, Error> {
    let found = templates::template_by_name(conn, opened.place.service_type, name).await?;
    let Some(template) = found.filter(|_| !opened.place.archived) else { return Ok(None) };
    if templates::is_of_device(template.format, &template.source) {
        let message =
            format!("The template {} makes the document of one telephone: a device link gives it.", template.name);
        return Err(Error::BadRequest(message));
    }
    Ok(Some(template))
}

fn mark_of(opened: &Opened, reader: &Reader, template: &Template) -> FeedVersion {
    opened.mark(reader, &json!([template.id.global(), template.content_type, template.format, template.source]))
}

/// What is read in the transaction, to be rendered after it.
struct Read {
    template: Template,
    place: Place,
    mark: FeedVersion,
    contents: Vec<Content>,
    withheld: Withheld,
}

/// What of an extension a reader may not see. It is not there for templates, which then fail rather than make a configuration
/// without anybody in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Withheld {
    secrets: bool,
    digests: bool,
}

impl Withheld {
    fn of(scope: &FeedScope) -> Self {
        Self { secrets: !scope.secrets(), digests: !scope.digests() }
    }

    /// What to tell whoever's template failed.
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

/// The whole feed through the template; `None` for a template that is not there, and for an archived event.
///
/// # Errors
/// [`Error::BadRequest`] for a template of one telephone, and when the template fails, with the place.
pub async fn feed(reader: &Reader, template: &str) -> Result<Option<Document>, Error> {
    let name = template.to_owned();
    let now = reader.services.now();
    let read = reader
        .read(move |conn, reader, opened| {
            Box::pin(async move {
                let Some(template) = template_of(conn, opened, &name).await? else { return Ok(None) };
                let entries = queries::present_after(conn, opened.feed.id, uuid::Uuid::nil(), i64::MAX).await?;
                let contents = content::load(conn, &reader.reading(opened), &entries).await?;
                let (mark, place) = (mark_of(opened, reader, &template), opened.place.clone());
                let withheld = Withheld::of(&reader.scope());
                Ok(Some(Read { template, place, mark, contents, withheld }))
            })
        })
        .await?;
    let Some(read) = read else { return Ok(None) };
    // A hundred thousand extensions take seconds: not on a thread that others wait for.
    let rendering = tokio::task::spawn_blocking(move || render(read, &now.to_string()));
    rendering.await.map_err(InternalError::new)?.map(Some)
}

fn render(read: Read, now: &str) -> Result<Document, Error> {
    let Read { template, place, mark, contents, withheld } = read;
    let head = mark.head.encode();
    let context =
        templates::of_feed(&surroundings(&place, &head, now), Variable::from_object(Extensions(contents, withheld)));
    let body = templates::render(template.format, &template.source, context, Limits::WHOLE_FEED).map_err(|error| {
        Error::BadRequest(format!("The template {} fails: {error}.{}", template.name, withheld.hint()))
    })?;
    Ok(Document { content_type: template.content_type, body, head: mark.head, etag: mark.etag })
}

pub(super) fn surroundings<'a>(place: &'a Place, head: &'a str, now: &'a str) -> Surroundings<'a> {
    Surroundings {
        event: &place.event_slug,
        service_type: TypeVariables {
            slug: &place.service_type_slug,
            name: &place.service_type_name,
            settings: &place.settings,
        },
        head,
        generated_at: now,
    }
}

/// The extensions of a feed, each made a template's value when the template comes to it.
#[derive(Debug)]
struct Extensions(Vec<Content>, Withheld);

impl Object for Extensions {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Variable) -> Option<Variable> {
        self.0.get(key.as_usize()?).map(|content| variable(content, self.1))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
}

/// An extension as templates see it.
pub(super) fn variable(content: &Content, withheld: Withheld) -> Variable {
    // What the feed holds was written as JSON; what is not is shown as nothing rather than stopping all others.
    let parameters: Parameters = serde_json::from_str(&content.parameters).unwrap_or_else(|error| {
        tracing::error!(extension.id = %content.id.global(), error = %error, "the parameters of an extension are no JSON object");
        Parameters::new()
    });
    let shown = ExtensionVariables {
        id: content.id.global(),
        slot: content.slot,
        number: &content.number,
        previous_numbers: &[],
        label: &content.label,
        ascii_label: &content.ascii_label,
        parameters: &parameters,
        secrets: (!withheld.secrets).then_some(&content.secrets),
        digests: (!withheld.digests).then_some(&content.digests),
        permissions: &content.permissions,
        fallback_number: content.fallback_number.as_deref(),
        active: content.active(),
        members: content.members.as_ref().map(|members| members.iter().map(member).collect()),
        owner_username: &content.owner_username,
    };
    shown.to_value()
}

fn member(member: &Member) -> MemberVariables<'_> {
    let Member { number, delay_seconds, paused, active } = member;
    MemberVariables { number, delay_seconds: *delay_seconds, paused: *paused, active: *active }
}

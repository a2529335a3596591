//! A whole feed through a template of its service type.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Value, json};

use super::content;
use super::content_queries::{self, TemplateRow};
use super::cursor::Cursor;
use super::feed::{Opened, Reader};
use super::model::Content;
use super::queries;
use crate::clock::Timestamp;
use crate::problem::{Fault, Stop};

/// How many steps a template may take: a loop over a hundred thousand extensions ends well within, an endless one does not.
const FUEL: u64 = 50_000_000;

/// What a template made of a feed.
#[derive(Clone, Debug)]
pub struct Document {
    pub content_type: String,
    pub body: String,
    /// The instant that it shows.
    pub head: Cursor,
}

/// The whole feed through the template; `None` for a template that is not there, and for an archived event.
///
/// # Errors
/// [`Stop::BadRequest`] when the template fails, with the place.
pub async fn feed(reader: &Reader, template: &str) -> Result<Option<Document>, Stop> {
    let name = template.to_owned();
    let now = reader.services.now();
    reader
        .read(move |conn, reader, opened| {
            Box::pin(async move {
                if opened.place.archived {
                    return Ok(None);
                }
                let Some(template) = content_queries::template(conn, opened.place.service_type, &name).await? else {
                    return Ok(None);
                };
                let entries = queries::present_after(conn, opened.feed.id, uuid::Uuid::nil(), i64::MAX).await?;
                let contents = content::load(conn, &reader.reading(opened), &entries).await?;
                let body = render(&template, opened, &contents, now)?;
                Ok(Some(Document { content_type: template.content_type, body, head: opened.head() }))
            })
        })
        .await
}

fn render(template: &TemplateRow, opened: &Opened, contents: &[Content], now: Timestamp) -> Result<String, Stop> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(Fault::internal)?);
    let is_xml = template.format == "XML";
    environment
        .set_auto_escape_callback(move |_| if is_xml { AutoEscape::Html } else { AutoEscape::Custom("data".into()) });
    let format = template.format.clone();
    environment.set_formatter(move |out, state, value| match state.auto_escape() {
        AutoEscape::Custom(_) if value.is_undefined() => Err(Error::from(ErrorKind::UndefinedError)),
        AutoEscape::Custom(_) if !value.is_safe() => out.write_str(&data(&format, value)?).map_err(Error::from),
        AutoEscape::Custom(_) => out.write_str(&value.to_string()).map_err(Error::from),
        _ => minijinja::escape_formatter(out, state, value),
    });
    let failed = |error: Error| {
        Stop::BadRequest(format!(
            "The template `{}` fails in line {}: {}",
            template.name,
            error.line().unwrap_or(0),
            error.kind()
        ))
    };
    let extensions: Vec<Value> = contents.iter().map(variables).collect::<Result<_, _>>()?;
    let place = &opened.place;
    let context = json!({
        "event": place.event_slug,
        "service_type": { "slug": place.service_type_slug, "name": place.service_type_name, "settings": place.settings },
        "mode": "snapshot",
        "head": opened.head().encode(),
        "generated_at": now.to_string(),
        "extensions": extensions,
        "removed": [],
    });
    environment.render_str(&template.source, Serde(context)).map_err(failed)
}

/// A value as data in a text of the format: it cannot begin another line, section, field or command.
fn data(format: &str, value: &minijinja::Value) -> Result<String, Error> {
    if format == "JSON" {
        return serde_json::to_string(value).map_err(|_| Error::new(ErrorKind::InvalidOperation, "a value is no JSON"));
    }
    let text = value.to_string();
    if text.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value holds a control character"));
    }
    Ok(match format {
        "SQL" => text.replace('\'', "''"),
        "CSV" => text.replace('"', "\"\""),
        "INI" => text.replace('\\', "\\\\").replace(';', "\\;"),
        "VCARD" => text.replace('\\', "\\\\").replace(',', "\\,").replace(';', "\\;"),
        _ => text,
    })
}

fn variables(content: &Content) -> Result<Value, Stop> {
    let members = content.members.as_ref().map(|members| {
        let member = |member: &super::model::Member| {
            json!({ "number": member.number, "delay_seconds": member.delay_seconds, "paused": member.paused, "active": member.active })
        };
        members.iter().map(member).collect::<Vec<_>>()
    });
    Ok(json!({
        "id": content.id.global(),
        "slot": content.slot,
        "number": content.number,
        "previous_numbers": [],
        "label": content.label,
        "ascii_label": content.ascii_label,
        "parameters": serde_json::from_str::<Value>(&content.parameters).map_err(Fault::internal)?,
        "secrets": content.secrets,
        "digests": content.digests,
        "permissions": content.permissions,
        "fallback_number": content.fallback_number,
        "active": content.active(),
        "members": members,
        "owner_username": content.owner_username,
    }))
}

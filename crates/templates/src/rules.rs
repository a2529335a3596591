//! Operations of admins on templates.

use crate::actions;
use platform::transact;
use std::sync::Arc;

use super::TemplateFormat;
use super::model::Template;
use super::{queries, sample};
use events::rules::{Changed, catalogue_changed};
use platform::access::{self, Caller};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::ids::TemplateId;
use platform::services::Services;
use platform::transaction::Mode;
use service_types::{ServiceType, compiled, service_type_by_slug};

/// The maximum size of a template, in bytes.
const MAX_SOURCE_BYTES: usize = 256 * 1024;

/// Input for a new template, or for replacing the one with the same name.
pub struct SaveTemplate {
    /// The service type's slug.
    pub service_type: String,
    pub name: String,
    pub content_type: String,
    pub format: TemplateFormat,
    pub source: String,
}

/// A saved template.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    pub id: TemplateId,
    /// The template rendered with sample data. The response to a repeated request does not contain it.
    #[serde(skip)]
    pub sample: Option<String>,
}

/// Saves a template after rendering the sample with it.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn save_template(services: &Services, caller: &Arc<Caller>, input: SaveTemplate) -> Result<Saved, Error> {
    let Tried { service_type: tried, sample } = try_out(services, caller, &input).await?;
    transact!(services, caller, actions::SAVE_TEMPLATE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let found = service_type_by_slug(tx.conn, &input.service_type).await?;
        let service_type = found.ok_or_else(no_service_type)?;
        if !has_same_sample(&service_type, &tried) {
            let message = "The service type was changed in the meantime. Save the template again.";
            return Err(UserError::new(UserErrorKind::Conflict, "serviceType", message).into());
        }
        let existing = queries::template_by_name(tx.conn, service_type.id, &input.name).await?;
        let template = Template {
            id: existing.as_ref().map_or_else(|| TemplateId::new(tx.rng(), tx.now), |existing| existing.id),
            service_type_id: service_type.id,
            name: input.name,
            content_type: input.content_type,
            format: input.format,
            source: input.source,
        };
        match existing {
            None => queries::insert(tx.conn, &permit, &template).await?,
            Some(_) => queries::save(tx.conn, &permit, &template).await?,
        }
        catalogue_changed(tx).await?;
        let summary = format!("template {} of {} was saved", template.name, service_type.slug);
        tx.audit(&permit, Some(template.id.global()), summary).await?;
        Ok(Saved { id: template.id, sample: Some(sample) })
    })
    .await
}

/// The sample of a template, with the service type that it was rendered for.
struct Tried {
    service_type: ServiceType,
    sample: String,
}

/// Checks the input and renders the sample, before the transaction: rendering takes longer than a writer may be held.
async fn try_out(services: &Services, caller: &Caller, input: &SaveTemplate) -> Result<Tried, Error> {
    let mut conn = services.store.read().await?;
    access::permit(&services.hooks, &mut conn, &caller.actor, actions::SAVE_TEMPLATE).await?;
    check(input)?;
    let service_type = service_type_by_slug(&mut conn, &input.service_type).await?.ok_or_else(no_service_type)?;
    drop(conn);
    let schema = compiled(&service_type)?;
    let (format, source) = (input.format, input.source.clone());
    let (rng, now) = (Arc::clone(&services.rng), services.now());
    let rendering = tokio::task::spawn_blocking(move || {
        let sample = sample::render(&service_type, &schema, format, &source, &*rng, now)?;
        Ok(Tried { service_type, sample })
    });
    rendering.await.map_err(InternalError::new)?
}

/// Whether both states of a service type have the same sample.
fn has_same_sample(one: &ServiceType, other: &ServiceType) -> bool {
    let facts = |of: &ServiceType| (of.id, of.schema_version, of.name.clone(), of.settings.clone());
    facts(one) == facts(other)
}

fn no_service_type() -> UserError {
    UserError::not_found("serviceType", "There is no service type with this slug.")
}

/// Deletes a template.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`.
pub async fn delete_template(
    services: &Services,
    caller: &Arc<Caller>,
    id: String,
) -> Result<Changed<TemplateId>, Error> {
    transact!(services, caller, actions::DELETE_TEMPLATE, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let id = TemplateId::from_global(&id)
            .ok_or_else(|| UserError::invalid("id", "This is not the id of a template."))?;
        let missing = || UserError::not_found("id", "There is no such template.");
        let template = queries::template_by_id(tx.conn, id).await?.ok_or_else(missing)?;
        queries::delete(tx.conn, &permit, id).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(id.global()), format!("template {} was deleted", template.name)).await?;
        Ok(Changed { id })
    })
    .await
}

fn check(input: &SaveTemplate) -> Result<(), UserError> {
    // The name is part of a URL, and of the file name at the consumer.
    let is_name = (1..=64).contains(&input.name.len())
        && input.name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && input.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if !is_name {
        return Err(UserError::invalid(
            "name",
            "A template's name is 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a letter or \
             a digit.",
        ));
    }
    if !is_media_type(&input.content_type) {
        return Err(UserError::invalid("contentType", "This is not a media type, such as text/plain; charset=utf-8."));
    }
    if input.source.len() > MAX_SOURCE_BYTES {
        return Err(UserError::invalid("source", "A template has at most 262,144 bytes."));
    }
    Ok(())
}

/// Whether the text is a media type with its parameters (RFC 9110, section 8.3.1) in visible ASCII.
fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim_end_matches(' ');
    let is_essence = essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    let mut parameters = parts.map(|parameter| parameter.trim_matches(' '));
    text.len() <= 128
        && is_essence
        && parameters.all(|parameter| {
            parameter
                .split_once('=')
                .is_some_and(|(name, value)| token(name) && (token(value) || token(value.trim_matches('"'))))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_checked() {
        for good in [
            "text/plain",
            "text/plain; charset=utf-8",
            "application/vnd.x+xml",
            "text/csv;charset=\"utf-8\";header=present",
        ] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain\r\nx: y",
            "text/plain;",
            "text/plain; charset",
            "text/pläin",
            " text/plain",
        ] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}

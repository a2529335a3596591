//! A telephone system says how far it has come, and what it could not apply.

use crate::actions;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::consumer_queries as rows;
use super::consumers::Done;
use super::content_queries;
use super::cursor::Cursor;
use super::model::{Consumer, FeedError};
use super::queries;
use platform::access::{Caller, Permit, feed_scope};
use platform::error::{AuthError, Error, UserError};
use platform::feed_log::digest::Sum;
use platform::feed_log::{self, Feed, FeedRef};
use platform::ids::ExtensionId;
use platform::notifications::Notification;
use platform::services::Services;
use platform::store::types::Id;
use platform::transaction::{Mode, Tx, transact};

/// The code of the error that a differing digest is shown as.
pub const DIGEST_MISMATCH: &str = "DIGEST_MISMATCH";
const MAX_CODE: usize = 64;
const MAX_MESSAGE: usize = 1000;
const MAX_ERRORS: usize = 1000;

/// How far a consumer has come.
#[derive(Clone, Debug)]
pub struct Acknowledgement {
    pub event: String,
    pub service_type: String,
    pub consumer: String,
    pub cursor: String,
    /// The consumer's own sum over its copy.
    pub digest: Option<String>,
    pub errors: Vec<ReportedError>,
    /// Extensions whose error is over though their state is the same: it was tried again.
    pub resolved: Vec<String>,
}

/// What a consumer could not apply, and why.
#[derive(Clone, Debug)]
pub struct ReportedError {
    pub extension: String,
    pub code: String,
    pub message: String,
}

/// Moves a consumer's position, forward or back, and takes its errors down.
///
/// An error stands until a later state of its extension is acknowledged without one, or the position moves back before it.
///
/// # Errors
/// Problems for another's consumer, a cursor that is not this feed's, and errors about what the feed does not know.
pub async fn acknowledge(services: &Services, caller: &Arc<Caller>, input: Acknowledgement) -> Result<Done, Error> {
    transact(services, caller, actions::ACKNOWLEDGE_PROVISIONING, Mode::Commit, |tx| Box::pin(acknowledge_in(tx, input)))
        .await
}

async fn acknowledge_in(tx: &mut Tx<'_>, input: Acknowledgement) -> Result<Done, Error> {
    let permit = tx.permit().await?;
    let Some((event, service_type)) = content_queries::ids_by_slug(tx.conn, &input.event, &input.service_type).await?
    else {
        return Err(UserError::not_found("event", "There is no such event or service type.").into());
    };
    feed_scope(permit.actor(), event, service_type)?;
    let key = permit.actor().key().ok_or(AuthError::Forbidden)?.id;
    let unknown = || UserError::not_found("consumer", "Your key has no telephone system of this name in this feed.");
    let feed = feed_log::feed_of(tx.conn, FeedRef { event, service_type }).await?.ok_or_else(unknown)?;
    let consumer = rows::own(tx.conn, feed.id, &input.consumer, key).await?.ok_or_else(unknown)?;
    let cursor = checked_cursor(tx, &feed, &input.cursor).await?;
    let reported = checked_errors(tx, &feed, &input.errors).await?;
    let now = tx.now;
    rows::acknowledge(tx.conn, &permit, consumer.id, &input.cursor, cursor.base, cursor.position, now).await?;
    let about: HashSet<Id> = reported.iter().map(|(entry, _)| Id(entry.extension_id.0)).collect();
    settle_errors(tx, &permit, &consumer, &feed, cursor, &about).await?;
    for id in input.resolved.iter().filter_map(|id| ExtensionId::from_global(id)) {
        if !about.contains(&Id(id.0)) {
            rows::clear_error(tx.conn, &permit, consumer.id, Id(id.0)).await?;
        }
    }
    for (entry, error) in reported {
        let error = FeedError {
            consumer_id: consumer.id,
            extension_id: Id(entry.extension_id.0),
            code: error.code,
            message: error.message,
            revision: entry.revision.min(cursor.position),
            at: now,
        };
        rows::save_error(tx.conn, &permit, &error).await?;
    }
    compare(tx, &permit, &consumer, &feed, cursor, input.digest.as_deref()).await?;
    tx.notify(Notification::Consumers);
    Ok(Done { id: consumer.id })
}

/// The cursor, if it is this feed's. One that is pruned cannot be proved, and does no harm: it only says how far behind a
/// restored system is.
async fn checked_cursor(tx: &mut Tx<'_>, feed: &Feed, text: &str) -> Result<Cursor, Error> {
    let cursor = Cursor::decode(text).map_err(|_| UserError::invalid("cursor", "This is not a cursor of a feed."))?;
    let foreign =
        || UserError::invalid("cursor", "This is not a cursor of this feed, or the database was restored since.");
    if cursor.feed != feed.id.0 || cursor.epoch != feed.epoch.0 || cursor.position > feed.head {
        return Err(foreign().into());
    }
    if cursor.position > feed.horizon {
        let tag = queries::tag(tx.conn, feed.id, cursor.position).await?;
        if tag.as_deref() != Some(&cursor.tag) {
            return Err(foreign().into());
        }
    }
    Ok(cursor)
}

async fn checked_errors(
    tx: &mut Tx<'_>,
    feed: &Feed,
    errors: &[ReportedError],
) -> Result<Vec<(feed_log::Entry, ReportedError)>, Error> {
    if errors.len() > MAX_ERRORS {
        return Err(UserError::invalid("errors", format!("At most {MAX_ERRORS} errors are taken at once.")).into());
    }
    let at = |place: usize, field: &str, message: &str| {
        UserError::invalid("", message).at(["errors", &place.to_string(), field])
    };
    let mut problems = Vec::new();
    let ids: Vec<Option<ExtensionId>> = errors.iter().map(|error| ExtensionId::from_global(&error.extension)).collect();
    let known: Vec<ExtensionId> = ids.iter().flatten().copied().collect();
    let entries = queries::entries_of(tx.conn, feed.id, &known).await?;
    let entries: HashMap<ExtensionId, feed_log::Entry> =
        entries.into_iter().map(|entry| (entry.extension_id, entry)).collect();
    let mut checked = Vec::new();
    for (place, (error, id)) in errors.iter().zip(ids).enumerate() {
        if error.code.is_empty() || error.code.chars().count() > MAX_CODE {
            problems.push(at(place, "code", "A code has 1 to 64 characters."));
        }
        if error.message.chars().count() > MAX_MESSAGE {
            problems.push(at(place, "message", "A message has at most 1000 characters."));
        }
        match id.and_then(|id| entries.get(&id)) {
            Some(entry) => checked.push((entry.clone(), error.clone())),
            None => problems.push(at(place, "extensionId", "This feed does not know this extension.")),
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems.into()) }
}

/// Takes away what stands no longer.
async fn settle_errors(
    tx: &mut Tx<'_>,
    permit: &Permit,
    consumer: &Consumer,
    feed: &Feed,
    cursor: Cursor,
    about: &HashSet<Id>,
) -> Result<(), Error> {
    let own = Id(consumer.id.0);
    let standing = rows::errors_of(tx.conn, consumer.id).await?;
    let standing: Vec<FeedError> = standing
        .into_iter()
        .filter(|error| error.extension_id != own && !about.contains(&error.extension_id))
        .collect();
    let ids: Vec<ExtensionId> = standing.iter().map(|error| ExtensionId(error.extension_id.0)).collect();
    let entries = queries::entries_of(tx.conn, feed.id, &ids).await?;
    let revisions: HashMap<ExtensionId, i64> =
        entries.into_iter().map(|entry| (entry.extension_id, entry.revision)).collect();
    for error in standing {
        let stands = match revisions.get(&ExtensionId(error.extension_id.0)) {
            None => false,
            Some(revision) => {
                error.revision <= cursor.position && !(*revision > error.revision && *revision <= cursor.position)
            }
        };
        if !stands {
            rows::clear_error(tx.conn, permit, consumer.id, error.extension_id).await?;
        }
    }
    Ok(())
}

/// Compares the consumer's sum with the feed's, which can be done at the head alone.
async fn compare(
    tx: &mut Tx<'_>,
    permit: &Permit,
    consumer: &Consumer,
    feed: &Feed,
    cursor: Cursor,
    digest: Option<&str>,
) -> Result<(), Error> {
    let Some(text) = digest else { return Ok(()) };
    let theirs =
        Sum::from_hex(text).ok_or_else(|| UserError::invalid("digest", "A digest has 64 hexadecimal digits."))?;
    if cursor.position != feed.head {
        return Ok(());
    }
    let own = Id(consumer.id.0);
    let agrees = theirs.as_bytes().as_slice() == feed.digest;
    rows::verify(tx.conn, permit, consumer.id, cursor.position, agrees, tx.now).await?;
    if agrees {
        return Ok(rows::clear_error(tx.conn, permit, consumer.id, own).await?);
    }
    let error = FeedError {
        consumer_id: consumer.id,
        extension_id: own,
        code: DIGEST_MISMATCH.to_owned(),
        message: "Its copy differs from the feed although it has read everything: it should take a snapshot."
            .to_owned(),
        revision: cursor.position,
        at: tx.now,
    };
    Ok(rows::save_error(tx.conn, permit, &error).await?)
}

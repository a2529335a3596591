//! Acknowledgements: the position that a consumer has applied, and the extensions that it could not apply.

use crate::actions;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::consumer_queries as rows;
use super::consumers::ConsumerOutcome;
use super::context_queries;
use super::cursor::Cursor;
use super::model::{Consumer, FeedError};
use super::queries;
use platform::access::{Caller, Permit, feed_scope};
use platform::error::{AuthError, Error, UserError};
use platform::feed_log::digest::FeedDigest;
use platform::feed_log::{self, Entity, Entry, Feed};
use platform::ids::EntityId;
use platform::notifications::Notification;
use platform::services::Services;
use platform::text::characters::storable;
use platform::transaction::{Mode, Tx, transact};

/// The code of the error that represents a digest mismatch.
pub const DIGEST_MISMATCH: &str = "DIGEST_MISMATCH";
/// The longest error code, in characters.
const MAX_CODE: usize = 64;
/// The longest error message, in characters.
const MAX_MESSAGE: usize = 1000;
/// The largest number of errors in one acknowledgement.
const MAX_ERRORS: usize = 1000;

/// The input of an acknowledgement.
#[derive(Clone, Debug)]
pub struct Acknowledgement {
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
    /// The name of the consumer.
    pub consumer: String,
    /// The text of the cursor up to which the consumer has applied the feed.
    pub cursor: String,
    /// The digest of the consumer's own copy.
    pub digest: Option<String>,
    pub errors: Vec<ReportedError>,
    /// Global ids of entities whose error is over although their content is the same, because a retry succeeded.
    pub resolved: Vec<String>,
}

/// An entity that a consumer could not apply.
#[derive(Clone, Debug)]
pub struct ReportedError {
    /// The global id of the entity.
    pub entity: String,
    pub code: String,
    pub message: String,
}

/// A reported error whose entity has an entry in the feed.
struct ValidError {
    entry: Entry,
    reported: ReportedError,
}

/// Moves a consumer's position, forward or back, and stores its errors.
///
/// An error is kept until a later revision of its entity is acknowledged without an error, or until the position
/// moves back before the error.
///
/// # Errors
/// [`Error::User`] for a consumer that is not bound to the caller's key, a cursor of another feed or epoch, a malformed
/// digest, and errors about entities without an entry in the feed.
pub async fn acknowledge(
    services: &Services,
    caller: &Arc<Caller>,
    input: Acknowledgement,
) -> Result<ConsumerOutcome, Error> {
    transact(services, caller, actions::ACKNOWLEDGE_PROVISIONING, Mode::Commit, |tx| {
        Box::pin(acknowledge_in(tx, input))
    })
    .await
}

async fn acknowledge_in(tx: &mut Tx<'_>, input: Acknowledgement) -> Result<ConsumerOutcome, Error> {
    let permit = tx.permit().await?;
    let missing = || UserError::not_found("event", "There is no such event or service type.");
    let named = context_queries::feed_by_slugs(tx.conn, &input.event, &input.service_type).await?;
    let reference = named.and_then(|feed| feed.visible_to(permit.actor())).ok_or_else(missing)?;
    feed_scope(permit.actor(), reference.event, reference.service_type)?;
    let key = permit.actor().key().ok_or(AuthError::Forbidden)?.id;
    let unknown = || UserError::not_found("consumer", "Your key has no telephone system of this name in this feed.");
    let feed = feed_log::feed_of(tx.conn, reference).await?.ok_or_else(unknown)?;
    let consumer = rows::by_name_and_key(tx.conn, feed.id, &input.consumer, key).await?.ok_or_else(unknown)?;
    let cursor = validate_cursor(tx, &feed, &input.cursor).await?;
    let reported = validate_errors(tx, &feed, &input.errors).await?;
    let now = tx.now;
    rows::acknowledge(tx.conn, &permit, consumer.id, (&cursor, &input.cursor), now).await?;
    let reported_ids: HashSet<EntityId> = reported.iter().map(|error| error.entry.entity_id).collect();
    clear_outdated_errors(tx, &permit, &consumer, &feed, cursor, &reported_ids).await?;
    for Entity { id, .. } in input.resolved.iter().filter_map(|id| Entity::from_global(id)) {
        if !reported_ids.contains(&id) {
            rows::delete_error(tx.conn, &permit, consumer.id, id).await?;
        }
    }
    for ValidError { entry, reported } in reported {
        let error = FeedError {
            consumer_id: consumer.id,
            entity_id: entry.entity_id,
            entity_kind: entry.entity_kind,
            code: reported.code,
            message: reported.message,
            revision: entry.revision.min(cursor.position),
            at: now,
        };
        rows::save_error(tx.conn, &permit, &error).await?;
    }
    verify_digest(tx, &permit, &consumer, &feed, cursor, input.digest.as_deref()).await?;
    tx.notify(Notification::Consumers);
    Ok(ConsumerOutcome { id: consumer.id })
}

/// Parses a cursor and checks that it belongs to this feed and epoch. A pruned position is accepted without its tag: it
/// only states how far behind a restored system is.
async fn validate_cursor(tx: &mut Tx<'_>, feed: &Feed, text: &str) -> Result<Cursor, Error> {
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

/// Checks lengths and entities of reported errors. Every problem is returned, not only the first.
async fn validate_errors(tx: &mut Tx<'_>, feed: &Feed, errors: &[ReportedError]) -> Result<Vec<ValidError>, Error> {
    if errors.len() > MAX_ERRORS {
        return Err(UserError::invalid("errors", format!("At most {MAX_ERRORS} errors are taken at once.")).into());
    }
    let problem_at = |index: usize, field: &str, message: &str| {
        UserError::invalid("", message).at(["errors", &index.to_string(), field])
    };
    let mut problems = Vec::new();
    let entities: Vec<Option<Entity>> = errors.iter().map(|error| Entity::from_global(&error.entity)).collect();
    let valid_ids: Vec<EntityId> = entities.iter().flatten().map(|entity| entity.id).collect();
    let entries = queries::entries_of(tx.conn, feed.id, &valid_ids).await?;
    let entries: HashMap<Entity, Entry> = entries.into_iter().map(|entry| (entry.entity(), entry)).collect();
    let mut valid = Vec::new();
    for (index, (error, entity)) in errors.iter().zip(entities).enumerate() {
        if error.code.is_empty() || error.code.chars().count() > MAX_CODE {
            problems.push(problem_at(index, "code", "A code has 1 to 64 characters."));
        }
        for (field, text) in [("code", &error.code), ("message", &error.message)] {
            if let Err(problem) = storable("", text.clone()) {
                problems.push(problem.at(["errors", &index.to_string(), field]));
            }
        }
        if error.message.chars().count() > MAX_MESSAGE {
            problems.push(problem_at(index, "message", "A message has at most 1000 characters."));
        }
        match entity.and_then(|entity| entries.get(&entity)) {
            Some(entry) => valid.push(ValidError { entry: entry.clone(), reported: error.clone() }),
            None => problems.push(problem_at(index, "extensionId", "This feed does not know this extension.")),
        }
    }
    if problems.is_empty() { Ok(valid) } else { Err(problems.into()) }
}

/// Deletes the errors that the acknowledged position ends, except those reported again.
async fn clear_outdated_errors(
    tx: &mut Tx<'_>,
    permit: &Permit,
    consumer: &Consumer,
    feed: &Feed,
    cursor: Cursor,
    reported: &HashSet<EntityId>,
) -> Result<(), Error> {
    let own = Entity::from(consumer.id).id;
    let stored: Vec<FeedError> = rows::errors_of(tx.conn, consumer.id)
        .await?
        .into_iter()
        .filter(|error| error.entity_id != own && !reported.contains(&error.entity_id))
        .collect();
    let ids: Vec<EntityId> = stored.iter().map(|error| error.entity_id).collect();
    let entries = queries::entries_of(tx.conn, feed.id, &ids).await?;
    let revisions: HashMap<EntityId, i64> =
        entries.into_iter().map(|entry| (entry.entity_id, entry.revision)).collect();
    for error in stored {
        let is_current = revisions.get(&error.entity_id).is_some_and(|revision| {
            let has_later_revision = *revision > error.revision && *revision <= cursor.position;
            error.revision <= cursor.position && !has_later_revision
        });
        if !is_current {
            rows::delete_error(tx.conn, permit, consumer.id, error.entity_id).await?;
        }
    }
    Ok(())
}

/// Compares the consumer's digest with the feed's. The feed has only the digest of its head, so an earlier position is
/// not compared.
async fn verify_digest(
    tx: &mut Tx<'_>,
    permit: &Permit,
    consumer: &Consumer,
    feed: &Feed,
    cursor: Cursor,
    digest: Option<&str>,
) -> Result<(), Error> {
    let Some(text) = digest else { return Ok(()) };
    let reported = FeedDigest::from_hex(text)
        .ok_or_else(|| UserError::invalid("digest", "A digest has 64 hexadecimal digits."))?;
    if cursor.position != feed.head {
        return Ok(());
    }
    let Entity { kind: entity_kind, id: entity_id } = consumer.id.into();
    let agrees = reported.as_bytes().as_slice() == feed.digest;
    rows::save_verification(tx.conn, permit, consumer.id, cursor.position, agrees, tx.now).await?;
    if agrees {
        return Ok(rows::delete_error(tx.conn, permit, consumer.id, entity_id).await?);
    }
    let error = FeedError {
        consumer_id: consumer.id,
        entity_id,
        entity_kind,
        code: DIGEST_MISMATCH.to_owned(),
        message: "Its copy differs from the feed although it has read everything: it should take a snapshot."
            .to_owned(),
        revision: cursor.position,
        at: tx.now,
    };
    Ok(rows::save_error(tx.conn, permit, &error).await?)
}

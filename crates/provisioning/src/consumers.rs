//! Feed consumers: telephone systems that admins create, each bound to one API key and one feed.

use crate::actions;
use platform::transact;
use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::consumer_queries as rows;
use super::context_queries;
use super::feed::FeedReader;
use super::model::{Consumer, ConsumerStatus, FeedError, Lag, ProvisioningState};
use super::queries;
use platform::access::Caller;
use platform::clock::{Rng, Timestamp};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::feed_log;
use platform::ids::{ApiKeyId, ConsumerId, EntityId, ExtensionId, FeedId};
use platform::locks;
use platform::notifications::Notification;
use platform::services::Services;
use platform::store::Conn;
use platform::text;
use platform::transaction::{Mode, Tx};

/// The shortest time between two writes of a consumer's last contact, in seconds.
pub(super) const CONTACT_INTERVAL_SECONDS: i64 = 5;

/// The input for creating a consumer.
#[derive(Clone, Debug)]
pub struct NewConsumer {
    pub name: String,
    /// The slug of the event.
    pub event: String,
    /// The slug of the service type.
    pub service_type: String,
    /// The global id of the API key.
    pub api_key: String,
}

/// The input for updating a consumer. `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct ConsumerPatch {
    /// The global id of the consumer.
    pub id: String,
    pub name: Option<String>,
    pub paused: Option<bool>,
}

/// The outcome of an operation on a consumer.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ConsumerOutcome {
    pub id: ConsumerId,
}

/// Creates a consumer, bound to an API key and a feed. It starts at the feed's head, so that it delays no number that
/// was released before.
///
/// # Errors
/// [`Error::User`] for an unknown event, service type or key, a key that does not cover the feed, an invalid name and a
/// name that another consumer of the feed has.
pub async fn create(services: &Services, caller: &Arc<Caller>, input: NewConsumer) -> Result<ConsumerOutcome, Error> {
    let rng = Arc::clone(&services.rng);
    transact!(services, caller, actions::CREATE_FEED_CONSUMER, Mode::Commit, |tx| { create_in(tx, rng, input).await })
        .await
}

async fn create_in(tx: &mut Tx<'_>, rng: Arc<dyn Rng>, input: NewConsumer) -> Result<ConsumerOutcome, Error> {
    let permit = tx.permit().await?;
    let missing = || UserError::not_found("event", "There is no such event or service type.");
    let reference = context_queries::feed_by_slugs(tx.conn, &input.event, &input.service_type)
        .await?
        .ok_or_else(missing)?
        .reference;
    locks::events(tx.conn, &[reference.event]).await?;
    let name = validate_name(&input.name)?;
    let key = ApiKeyId::from_global(&input.api_key)
        .ok_or_else(|| UserError::invalid("apiKey", "This is not the id of an API key."))?;
    let row = rows::consumer_key(tx.conn, key, reference).await?.filter(|row| row.is_valid(tx.now));
    let row = row.ok_or_else(|| UserError::not_found("apiKey", "There is no such API key, or it has ended."))?;
    if !row.covers_feed {
        return Err(UserError::invalid("apiKey", "This key is not for this event and service type.").into());
    }
    let now = tx.now;
    let feed = feed_log::ensure_feed(tx.conn, reference, &*rng, now).await?;
    let id = ConsumerId::new(&*rng, now);
    require_free_name(tx.conn, feed.id, &name, id).await?;
    let consumer = Consumer {
        id,
        name,
        feed_id: feed.id,
        api_key_id: key,
        created_revision: feed.head,
        acknowledged: None,
        acknowledged_base: None,
        acknowledged_position: None,
        acknowledged_at: None,
        last_seen_at: None,
        paused: false,
        created_at: now,
        verified_position: None,
        verified_at: None,
        verified: None,
    };
    rows::insert(tx.conn, &permit, &consumer).await?;
    tx.notify(Notification::Consumers);
    let summary = format!("created the telephone system {} of {}/{}", consumer.name, input.event, input.service_type);
    tx.audit(&permit, Some(id.global()), summary).await?;
    Ok(ConsumerOutcome { id })
}

/// Renames, pauses or resumes a consumer. Nothing waits for the acknowledgements of a paused consumer.
///
/// # Errors
/// [`Error::User`] for an unknown consumer, an invalid name and a name that another consumer of the feed has.
pub async fn update(services: &Services, caller: &Arc<Caller>, patch: ConsumerPatch) -> Result<ConsumerOutcome, Error> {
    transact!(services, caller, actions::UPDATE_FEED_CONSUMER, Mode::Commit, |tx| { update_in(tx, patch).await }).await
}

async fn update_in(tx: &mut Tx<'_>, patch: ConsumerPatch) -> Result<ConsumerOutcome, Error> {
    let permit = tx.permit().await?;
    let consumer = find(tx.conn, &patch.id).await?;
    let name = match &patch.name {
        Some(name) => validate_name(name)?,
        None => consumer.name.clone(),
    };
    require_free_name(tx.conn, consumer.feed_id, &name, consumer.id).await?;
    rows::update(tx.conn, &permit, consumer.id, &name, patch.paused.unwrap_or(consumer.paused)).await?;
    tx.notify(Notification::Consumers);
    tx.audit(&permit, Some(consumer.id.global()), format!("changed the telephone system {name}")).await?;
    Ok(ConsumerOutcome { id: consumer.id })
}

/// Pauses or resumes a consumer: the part of [`update`] that operators may use.
///
/// # Errors
/// [`Error::User`] for an unknown consumer.
pub async fn set_paused(
    services: &Services,
    caller: &Arc<Caller>,
    id: String,
    paused: bool,
) -> Result<ConsumerOutcome, Error> {
    transact!(services, caller, actions::PAUSE_FEED_CONSUMER, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let consumer = find(tx.conn, &id).await?;
        rows::update(tx.conn, &permit, consumer.id, &consumer.name, paused).await?;
        let verb = if paused { "paused" } else { "resumed" };
        let summary = format!("{verb} the telephone system {}", consumer.name);
        tx.audit(&permit, Some(consumer.id.global()), summary).await?;
        tx.notify(Notification::Feed(consumer.feed_id));
        Ok(ConsumerOutcome { id: consumer.id })
    })
    .await
}

/// Deletes a consumer. Nothing waits for its acknowledgements any more.
///
/// # Errors
/// [`Error::User`] for an unknown consumer.
pub async fn delete(services: &Services, caller: &Arc<Caller>, id: String) -> Result<ConsumerOutcome, Error> {
    transact!(services, caller, actions::DELETE_FEED_CONSUMER, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let consumer = find(tx.conn, &id).await?;
        rows::delete(tx.conn, &permit, consumer.id).await?;
        tx.notify(Notification::Consumers);
        tx.audit(&permit, Some(consumer.id.global()), format!("deleted the telephone system {}", consumer.name))
            .await?;
        Ok(ConsumerOutcome { id: consumer.id })
    })
    .await
}

/// The consumer with this global id.
///
/// # Errors
/// [`Error::User`] at `id` for a text that is no id of a consumer, and for an unknown consumer.
pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Consumer, Error> {
    let id = ConsumerId::from_global(id)
        .ok_or_else(|| UserError::invalid("id", "This is not the id of a telephone system."))?;
    let found = rows::consumer(conn, id).await?;
    Ok(found.ok_or_else(|| UserError::not_found("id", "There is no such telephone system."))?)
}

fn validate_name(name: &str) -> Result<String, UserError> {
    text::name(name)
        .map_err(|error| UserError { message: format!("This cannot be a name. {error}"), ..error.for_field("name") })
}

async fn require_free_name(conn: &mut Conn, feed: FeedId, name: &str, except: ConsumerId) -> Result<(), Error> {
    if rows::name_is_taken(conn, feed, name, except).await? {
        let message = "This feed has a telephone system of this name already.";
        return Err(UserError::new(UserErrorKind::AlreadyExists, "name", message).into());
    }
    Ok(())
}

/// A consumer by its id.
///
/// # Errors
/// A database error.
pub async fn by_id(services: &Services, id: ConsumerId) -> Result<Option<Consumer>, Error> {
    Ok(rows::consumer(&mut *services.store.read().await?, id).await?)
}

/// The feed that a consumer is bound to.
///
/// # Errors
/// A database error.
pub async fn feed_of(services: &Services, consumer: &Consumer) -> Result<feed_log::Feed, Error> {
    let feed = feed_log::feed_by_id(&mut *services.store.read().await?, consumer.feed_id).await?;
    Ok(feed.ok_or_else(|| InternalError::new("the feed of a consumer does not exist"))?)
}

/// The consumers of a feed, by name.
///
/// # Errors
/// A database error.
pub async fn of_feed(services: &Services, feed: FeedId) -> Result<Vec<Consumer>, Error> {
    Ok(rows::of_feed(&mut *services.store.read().await?, feed).await?)
}

/// Every consumer of every feed, by name.
///
/// # Errors
/// A database error.
pub async fn all(services: &Services) -> Result<Vec<Consumer>, Error> {
    Ok(rows::all(&mut *services.store.read().await?).await?)
}

/// Whether the feed's head is still the position at which the consumer's digest was last compared.
///
/// # Errors
/// A database error.
pub async fn is_verified_at_head(services: &Services, consumer: &Consumer) -> Result<bool, Error> {
    Ok(consumer.verified_position == Some(feed_of(services, consumer).await?.head))
}

/// The lag of a consumer behind the head. For a consumer without an acknowledgement every entry counts.
///
/// # Errors
/// A database error.
pub async fn lag(services: &Services, consumer: &Consumer) -> Result<Lag, Error> {
    lag_in(&mut *services.store.read().await?, consumer, services.now()).await
}

/// [`lag`] on an open connection.
pub(super) async fn lag_in(conn: &mut Conn, consumer: &Consumer, now: Timestamp) -> Result<Lag, Error> {
    let position = consumer.acknowledged_position;
    let records = queries::count_after(conn, consumer.feed_id, position.unwrap_or(-1)).await?;
    if records == 0 {
        return Ok(Lag::default());
    }
    let since = match position {
        Some(position) => queries::first_after(conn, consumer.feed_id, position).await?,
        None => Some(consumer.created_at),
    };
    Ok(Lag { records, seconds: since.map_or(0, |since| now.seconds_since(since)) })
}

/// An error of a consumer with the newest number of its entity.
#[derive(Clone, Debug)]
pub struct NumberedError {
    pub error: FeedError,
    /// `None` when the key history of the entity is pruned.
    pub number: Option<String>,
}

/// The errors of a consumer, oldest first.
///
/// # Errors
/// A database error.
pub async fn errors(services: &Services, consumer: &Consumer) -> Result<Vec<NumberedError>, Error> {
    let mut conn = services.store.read().await?;
    let errors = rows::errors_of(&mut conn, consumer.id).await?;
    let ids: Vec<EntityId> = errors.iter().map(|error| error.entity_id).collect();
    let numbers: HashMap<_, _> = rows::newest_numbers(&mut conn, &ids).await?.into_iter().collect();
    let numbered = |error: FeedError| {
        let number = numbers.get(&error.entity_id).cloned();
        NumberedError { error, number }
    };
    Ok(errors.into_iter().map(numbered).collect())
}

/// The state of an extension in each telephone system of its feed: pending until its latest revision is acknowledged.
///
/// # Errors
/// A database error.
pub async fn statuses_of(services: &Services, extension: ExtensionId) -> Result<Vec<ConsumerStatus>, Error> {
    let mut conn = services.store.read().await?;
    let entity = EntityId(extension.0);
    let Some(entry) = queries::entry_of(&mut conn, entity).await? else { return Ok(Vec::new()) };
    let errors = rows::errors_about(&mut conn, entity).await?;
    let status = |consumer: Consumer| {
        let is_acknowledged = consumer.acknowledged_position.is_some_and(|position| position >= entry.revision);
        let error = errors.iter().find(|error| error.consumer_id == consumer.id);
        let (state, at, message) = match error {
            _ if !is_acknowledged => (ProvisioningState::Pending, None, None),
            Some(error) => (ProvisioningState::Failed, Some(error.at), Some(error.message.clone())),
            None => (ProvisioningState::Applied, consumer.acknowledged_at, None),
        };
        ConsumerStatus { consumer: consumer.name, state, at, message }
    };
    Ok(rows::of_feed(&mut conn, entry.feed_id).await?.into_iter().map(status).collect())
}

/// Stores that an API key has read a feed. An error is only logged: the read itself does not depend on it.
pub(super) async fn record_contact(reader: &FeedReader, feed: FeedId) {
    let Some(key) = reader.key() else { return };
    if let Err(error) = write_contact(&reader.services, feed, key).await {
        tracing::warn!(error = ?error, "the last contact of a telephone system was not written");
    }
}

async fn write_contact(services: &Services, feed: FeedId, key: ApiKeyId) -> Result<(), Error> {
    let now = services.now();
    let contacts = rows::last_seen(&mut *services.store.read().await?, feed, key).await?;
    let is_due = |seen: &Option<Timestamp>| seen.is_none_or(|seen| seen.plus_seconds(CONTACT_INTERVAL_SECONDS) <= now);
    if !contacts.iter().any(is_due) {
        return Ok(());
    }
    services.store.write(move |conn| Box::pin(async move { Ok(rows::save_contact(conn, feed, key, now).await?) })).await
}

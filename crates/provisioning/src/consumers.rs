//! Telephone systems as admins name them: each bound to one key and one feed.

use crate::actions;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::consumer_queries as rows;
use super::content_queries;
use super::feed::Reader;
use super::model::{Consumer, FeedError, Lag, ProvisioningState, Status};
use super::queries;
use platform::access::{Caller};
use platform::clock::{Rng, Timestamp};
use platform::error::{Error, InternalError, UserError, UserErrorKind};
use platform::feed_log::{self, FeedRef};
use platform::ids::{ApiKeyId, ConsumerId, ExtensionId, FeedId};
use platform::locks;
use platform::notifications::Notification;
use platform::services::Services;
use platform::store::Conn;
use platform::text;
use platform::transaction::{Mode, Tx, transact};

/// How often a consumer's last contact is written at most, in seconds.
pub(super) const SEEN_SECONDS: i64 = 5;

/// A consumer to be named.
#[derive(Clone, Debug)]
pub struct NewConsumer {
    pub name: String,
    pub event: String,
    pub service_type: String,
    pub api_key: String,
}

/// What is to be different about a consumer.
#[derive(Clone, Debug)]
pub struct ConsumerPatch {
    pub id: String,
    pub name: Option<String>,
    pub paused: Option<bool>,
}

/// The consumer that was named, changed or deleted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Done {
    pub id: ConsumerId,
}

/// Names a telephone system and binds it to a key and a feed. It begins at the feed's head: it holds up no number freed before.
///
/// # Errors
/// Problems for an unknown event, type or key, a key that does not hold for the feed, and a name that is taken.
pub async fn create(services: &Services, caller: &Arc<Caller>, input: NewConsumer) -> Result<Done, Error> {
    let rng = Arc::clone(&services.rng);
    transact(services, caller, actions::CREATE_FEED_CONSUMER, Mode::Commit, |tx| Box::pin(create_in(tx, rng, input))).await
}

async fn create_in(tx: &mut Tx<'_>, rng: Arc<dyn Rng>, input: NewConsumer) -> Result<Done, Error> {
    let permit = tx.permit().await?;
    let Some((event, service_type)) = content_queries::ids_by_slug(tx.conn, &input.event, &input.service_type).await?
    else {
        return Err(UserError::not_found("event", "There is no such event or service type.").into());
    };
    locks::events(tx.conn, &[event]).await?;
    let name = checked_name(&input.name)?;
    let key = ApiKeyId::from_global(&input.api_key)
        .ok_or_else(|| UserError::invalid("apiKey", "This is not the id of an API key."))?;
    let row = rows::key(tx.conn, key, event, service_type).await?.filter(|row| row.is_valid(tx.now));
    let row = row.ok_or_else(|| UserError::not_found("apiKey", "There is no such API key, or it has ended."))?;
    if !row.covers {
        return Err(UserError::invalid("apiKey", "This key is not for this event and service type.").into());
    }
    let now = tx.now;
    let feed = feed_log::ensure_feed(tx.conn, FeedRef { event, service_type }, &*rng, now).await?;
    let id = ConsumerId::new(&*rng, now);
    refuse_taken(tx.conn, feed.id, &name, id).await?;
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
    let summary = format!("named the telephone system {} of {}/{}", consumer.name, input.event, input.service_type);
    tx.audit(&permit, Some(id.global()), summary).await?;
    Ok(Done { id })
}

/// Renames, pauses or wakes a consumer. While it is paused, nothing waits for it.
///
/// # Errors
/// Problems for an unknown consumer, and a name that is taken.
pub async fn update(services: &Services, caller: &Arc<Caller>, patch: ConsumerPatch) -> Result<Done, Error> {
    transact(services, caller, actions::UPDATE_FEED_CONSUMER, Mode::Commit, |tx| Box::pin(update_in(tx, patch))).await
}

async fn update_in(tx: &mut Tx<'_>, patch: ConsumerPatch) -> Result<Done, Error> {
    let permit = tx.permit().await?;
    let consumer = find(tx.conn, &patch.id).await?;
    let name = match &patch.name {
        Some(name) => checked_name(name)?,
        None => consumer.name.clone(),
    };
    refuse_taken(tx.conn, consumer.feed_id, &name, consumer.id).await?;
    rows::change(tx.conn, &permit, consumer.id, &name, patch.paused.unwrap_or(consumer.paused)).await?;
    tx.notify(Notification::Consumers);
    tx.audit(&permit, Some(consumer.id.global()), format!("changed the telephone system {name}")).await?;
    Ok(Done { id: consumer.id })
}

/// Pauses a consumer or wakes it: an operator's part of [`update`].
///
/// # Errors
/// A problem for an unknown consumer.
pub async fn pause(services: &Services, caller: &Arc<Caller>, id: String, paused: bool) -> Result<Done, Error> {
    transact(services, caller, actions::PAUSE_FEED_CONSUMER, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let consumer = find(tx.conn, &id).await?;
            rows::change(tx.conn, &permit, consumer.id, &consumer.name, paused).await?;
            let what = if paused { "paused" } else { "woke" };
            let summary = format!("{what} the telephone system {}", consumer.name);
            tx.audit(&permit, Some(consumer.id.global()), summary).await?;
            tx.notify(Notification::Feed(consumer.feed_id));
            Ok(Done { id: consumer.id })
        })
    })
    .await
}

/// Forgets a consumer: nothing waits for it any more.
///
/// # Errors
/// A problem for an unknown consumer.
pub async fn delete(services: &Services, caller: &Arc<Caller>, id: String) -> Result<Done, Error> {
    transact(services, caller, actions::DELETE_FEED_CONSUMER, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let consumer = find(tx.conn, &id).await?;
            rows::delete(tx.conn, &permit, consumer.id).await?;
            tx.notify(Notification::Consumers);
            tx.audit(&permit, Some(consumer.id.global()), format!("forgot the telephone system {}", consumer.name))
                .await?;
            Ok(Done { id: consumer.id })
        })
    })
    .await
}

pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Consumer, Error> {
    let id = ConsumerId::from_global(id)
        .ok_or_else(|| UserError::invalid("id", "This is not the id of a telephone system."))?;
    let found = rows::consumer(conn, id).await?;
    Ok(found.ok_or_else(|| UserError::not_found("id", "There is no such telephone system."))?)
}

fn checked_name(name: &str) -> Result<String, UserError> {
    text::name(name)
        .map_err(|fault| UserError { message: format!("This cannot be a name. {fault}"), ..fault.for_field("name") })
}

async fn refuse_taken(conn: &mut Conn, feed: FeedId, name: &str, except: ConsumerId) -> Result<(), Error> {
    if rows::name_is_taken(conn, feed, name, except).await? {
        let message = "This feed has a telephone system of this name already.";
        return Err(UserError::new(UserErrorKind::AlreadyExists, "name", message).into());
    }
    Ok(())
}

/// A consumer by its id.
///
/// # Errors
/// When the database refuses.
pub async fn by_id(services: &Services, id: ConsumerId) -> Result<Option<Consumer>, Error> {
    Ok(rows::consumer(&mut *services.store.read().await?, id).await?)
}

/// The feed that a consumer is bound to.
///
/// # Errors
/// When the database refuses.
pub async fn feed_of(services: &Services, consumer: &Consumer) -> Result<feed_log::Feed, Error> {
    let feed = feed_log::feed_by_id(&mut *services.store.read().await?, consumer.feed_id).await?;
    Ok(feed.ok_or_else(|| InternalError::new("a telephone system of a feed that is not there"))?)
}

/// The consumers of a feed, by name.
///
/// # Errors
/// When the database refuses.
pub async fn of_feed(services: &Services, feed: FeedId) -> Result<Vec<Consumer>, Error> {
    Ok(rows::of_feed(&mut *services.store.read().await?, feed).await?)
}

/// Every consumer of every feed, by name.
///
/// # Errors
/// When the database refuses.
pub async fn all(services: &Services) -> Result<Vec<Consumer>, Error> {
    Ok(rows::all(&mut *services.store.read().await?).await?)
}

/// Whether the feed stands where the consumer's digest was compared last.
///
/// # Errors
/// When the database refuses.
pub async fn is_verified_at_head(services: &Services, consumer: &Consumer) -> Result<bool, Error> {
    Ok(consumer.verified_position == Some(feed_of(services, consumer).await?.head))
}

/// How far a consumer is behind the head. One that never acknowledged has everything before it.
///
/// # Errors
/// When the database refuses.
pub async fn lag(services: &Services, consumer: &Consumer) -> Result<Lag, Error> {
    lag_in(&mut *services.store.read().await?, consumer, services.now()).await
}

/// The same, for whoever has a connection.
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

/// A consumer's errors with the number of each; one whose extension is forgotten has none.
///
/// # Errors
/// When the database refuses.
pub async fn errors(services: &Services, consumer: &Consumer) -> Result<Vec<(FeedError, Option<String>)>, Error> {
    let mut conn = services.store.read().await?;
    let errors = rows::errors_of(&mut conn, consumer.id).await?;
    let ids: Vec<ExtensionId> = errors.iter().map(|error| ExtensionId(error.extension_id.0)).collect();
    let numbers: std::collections::HashMap<_, _> = rows::newest_numbers(&mut conn, &ids).await?.into_iter().collect();
    Ok(errors
        .into_iter()
        .map(|error| (error.clone(), numbers.get(&ExtensionId(error.extension_id.0)).cloned()))
        .collect())
}

/// What each telephone system has made of an extension: PENDING until its latest state is acknowledged.
///
/// # Errors
/// When the database refuses.
pub async fn statuses_of(services: &Services, extension: ExtensionId) -> Result<Vec<Status>, Error> {
    let mut conn = services.store.read().await?;
    let Some(entry) = queries::entry_of(&mut conn, extension).await? else { return Ok(Vec::new()) };
    let errors = rows::errors_about(&mut conn, extension).await?;
    let status = |consumer: Consumer| {
        let reached = consumer.acknowledged_position.is_some_and(|position| position >= entry.revision);
        let error = errors.iter().find(|error| error.consumer_id == consumer.id);
        let (state, at, message) = match error {
            _ if !reached => (ProvisioningState::Pending, None, None),
            Some(error) => (ProvisioningState::Failed, Some(error.at), Some(error.message.clone())),
            None => (ProvisioningState::Applied, consumer.acknowledged_at, None),
        };
        Status { consumer: consumer.name, state, at, message }
    };
    Ok(rows::of_feed(&mut conn, entry.feed_id).await?.into_iter().map(status).collect())
}

/// Notes that a key reads a feed. It is no part of the reading: what goes wrong is logged.
pub(super) async fn seen(reader: &Reader, feed: FeedId) {
    let Some(key) = reader.key() else { return };
    if let Err(stop) = note_seen(&reader.services, feed, key).await {
        tracing::warn!(error = ?stop, "the last contact of a telephone system was not written");
    }
}

async fn note_seen(services: &Services, feed: FeedId, key: ApiKeyId) -> Result<(), Error> {
    let now = services.now();
    let seen = rows::last_seen(&mut *services.store.read().await?, feed, key).await?;
    let is_old = |seen: &Option<Timestamp>| seen.is_none_or(|seen| seen.plus_seconds(SEEN_SECONDS) <= now);
    if !seen.iter().any(is_old) {
        return Ok(());
    }
    services.store.write(move |conn| Box::pin(async move { Ok(rows::mark_seen(conn, feed, key, now).await?) })).await
}

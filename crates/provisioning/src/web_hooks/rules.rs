//! Operations of admins and operators on web hooks.

use crate::actions;
use platform::access::ROTATE_KEY;
use platform::transact;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::client::WebhookClient;
use super::destination;
use super::model::WebHook;
use super::queries;
use crate::consumers::{self, ConsumerOutcome};
use crate::model::Consumer;
use platform::access::{Caller, Role};
use platform::error::{Error, InternalError, UserError};
use platform::ids::ConsumerId;
use platform::notifications::Notification;
use platform::secrets::Secret;
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::{Mode, Tx};

/// The outcome of saving a web hook.
#[derive(Serialize, Deserialize)]
pub struct WebHookOutcome {
    pub consumer: ConsumerId,
    /// A newly generated secret. It is stored only sealed and not part of an idempotency record.
    #[serde(skip)]
    pub secret: Option<Secret>,
}

/// The web hook of a consumer.
///
/// # Errors
/// A database error.
pub async fn of_consumer(services: &Services, consumer: ConsumerId) -> Result<Option<WebHook>, Error> {
    Ok(queries::of_consumer(&mut *services.store.read().await?, consumer).await?)
}

/// [`of_consumer`] on an open connection.
///
/// # Errors
/// A database error.
pub async fn of_consumer_in(conn: &mut Conn, consumer: ConsumerId) -> Result<Option<WebHook>, Error> {
    Ok(queries::of_consumer(conn, consumer).await?)
}

/// Creates the web hook of a consumer or changes its URL. Creating it generates a secret, which a new URL keeps.
///
/// # Errors
/// [`Error::User`] for an unknown consumer, a malformed URL and one that web hooks may not call; [`Error::Auth`] when the caller has not signed in
/// recently, because feeds with secrets are sent to the URL.
pub async fn save(
    services: &Services,
    client: &WebhookClient,
    caller: &Arc<Caller>,
    consumer: String,
    url: String,
) -> Result<WebHookOutcome, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    // Before the transaction, as a name may have to be looked up.
    if let Ok(parsed) = url::Url::parse(&url)
        && destination::validate_url(&url).is_ok()
    {
        client.check(&parsed).await.map_err(|message| UserError::invalid("url", message))?;
    }
    transact!(services, caller, actions::SAVE_WEB_HOOK, Mode::Commit, |tx| { save_in(tx, consumer, url).await }).await
}

async fn save_in(tx: &mut Tx<'_>, consumer: String, url: String) -> Result<WebHookOutcome, Error> {
    let permit = tx.permit().await?;
    let consumer = find(tx, &consumer).await?;
    destination::validate_url(&url).map_err(|message| UserError::invalid("url", message))?;
    let before = queries::of_consumer(tx.conn, consumer.id).await?;
    let host = url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let (sealed, secret) = match before {
        Some(before) => (before.secret, None),
        None => generate_secret(tx, consumer.id)?,
    };
    let hook = new_hook(tx, consumer.id, url, sealed);
    queries::save(tx.conn, &permit, &hook).await?;
    // The path of the URL may contain a credential, which must not appear in the audit log.
    let summary = format!("set the web hook of the telephone system {} to {host}", consumer.name);
    tx.audit(&permit, Some(consumer.id.global()), summary).await?;
    tx.notify(Notification::Feed(consumer.feed_id));
    Ok(WebHookOutcome { consumer: consumer.id, secret })
}

/// Replaces the secret of a web hook. No later delivery is signed with the old one.
///
/// # Errors
/// [`Error::User`] for an unknown consumer and one without a web hook; [`Error::Auth`] as in [`save`].
pub async fn rotate(services: &Services, caller: &Arc<Caller>, consumer: String) -> Result<WebHookOutcome, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact!(services, caller, actions::ROTATE_WEB_HOOK_SECRET, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let (consumer, hook) = find_hook(tx, &consumer).await?;
        let (sealed, secret) = generate_secret(tx, consumer.id)?;
        queries::save(tx.conn, &permit, &WebHook { secret: sealed, ..hook }).await?;
        let summary = format!("replaced the secret of the web hook of the telephone system {}", consumer.name);
        tx.audit(&permit, Some(consumer.id.global()), summary).await?;
        Ok(WebHookOutcome { consumer: consumer.id, secret })
    })
    .await
}

/// Deletes the web hook of a consumer, which may still read the feed by itself.
///
/// # Errors
/// [`Error::User`] for an unknown consumer and one without a web hook.
pub async fn delete(services: &Services, caller: &Arc<Caller>, consumer: String) -> Result<ConsumerOutcome, Error> {
    transact!(services, caller, actions::DELETE_WEB_HOOK, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let (consumer, _) = find_hook(tx, &consumer).await?;
        queries::delete(tx.conn, &permit, consumer.id).await?;
        let summary = format!("deleted the web hook of the telephone system {}", consumer.name);
        tx.audit(&permit, Some(consumer.id.global()), summary).await?;
        Ok(ConsumerOutcome { id: consumer.id })
    })
    .await
}

/// The start of a replay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplayFrom {
    /// The acknowledged position.
    Acknowledged,
    /// A new snapshot: the next delivery is a reset.
    Snapshot,
}

/// Starts the deliveries of a web hook again at once, also after they were given up.
///
/// # Errors
/// [`Error::User`] for an unknown consumer and one without a web hook.
pub async fn replay(
    services: &Services,
    caller: &Arc<Caller>,
    consumer: String,
    from: ReplayFrom,
) -> Result<ConsumerOutcome, Error> {
    transact!(services, caller, actions::REPLAY_WEB_HOOK, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let (consumer, hook) = find_hook(tx, &consumer).await?;
        let hook = WebHook {
            created_at: hook.created_at,
            delivered_at: hook.delivered_at,
            ..new_hook(tx, consumer.id, hook.url, hook.secret)
        };
        queries::save(tx.conn, &permit, &hook).await?;
        if from == ReplayFrom::Snapshot {
            queries::clear_position(tx.conn, &permit, consumer.id).await?;
        }
        tx.audit(&permit, Some(consumer.id.global()), replay_summary(&consumer.name, from)).await?;
        tx.notify(Notification::Feed(consumer.feed_id));
        Ok(ConsumerOutcome { id: consumer.id })
    })
    .await
}

fn replay_summary(name: &str, from: ReplayFrom) -> String {
    let start = match from {
        ReplayFrom::Acknowledged => "",
        ReplayFrom::Snapshot => " from a snapshot",
    };
    format!("replayed the web hook of the telephone system {name}{start}")
}

/// Reseals every secret that is not sealed with the newest key, and returns the number of them. Part of `rotate-key`;
/// running it twice has no further effect.
///
/// # Errors
/// A secret that cannot be opened, or a database error; no secret is changed then.
pub async fn reseal(services: &Services) -> Result<usize, Error> {
    transact!(services, &Caller::system("rotate-key"), ROTATE_KEY, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let mut resealed = 0;
        for hook in queries::all(tx.conn).await? {
            let context = WebHook::secret_context(&hook.consumer_id);
            let Some(secret) = tx.sealer().reseal(&context, &hook.secret).map_err(InternalError::from)? else {
                continue;
            };
            // The hook is not locked: a secret that was replaced meanwhile stays, and the next run checks it.
            let is_resealed = queries::reseal(tx.conn, &permit, hook.consumer_id, &hook.secret, &secret).await?;
            resealed += usize::from(is_resealed);
        }
        Ok(resealed)
    })
    .await
}

async fn find(tx: &mut Tx<'_>, consumer: &str) -> Result<Consumer, Error> {
    consumers::find(tx.conn, consumer).await.map_err(|error| match error {
        Error::User(problems) => Error::User(problems.into_iter().map(|problem| problem.at(["consumer"])).collect()),
        other => other,
    })
}

async fn find_hook(tx: &mut Tx<'_>, consumer: &str) -> Result<(Consumer, WebHook), Error> {
    let consumer = find(tx, consumer).await?;
    match queries::of_consumer(tx.conn, consumer.id).await? {
        Some(hook) => Ok((consumer, hook)),
        None => Err(UserError::not_found("consumer", "This telephone system has no web hook.").into()),
    }
}

/// A random secret: sealed, and in clear text.
fn generate_secret(tx: &Tx<'_>, consumer: ConsumerId) -> Result<(Vec<u8>, Option<Secret>), Error> {
    let bytes: [u8; 32] = tx.rng().bytes();
    let secret = Secret::new(format!("whsec_{}", URL_SAFE_NO_PAD.encode(bytes)));
    let sealed = tx
        .sealer()
        .seal(&WebHook::secret_context(&consumer), secret.expose().as_bytes())
        .map_err(InternalError::from)?;
    Ok((sealed, Some(secret)))
}

/// A hook without failures that is due at once.
fn new_hook(tx: &Tx<'_>, consumer: ConsumerId, url: String, secret: Vec<u8>) -> WebHook {
    WebHook {
        consumer_id: consumer,
        url,
        secret,
        created_at: tx.now,
        attempts: 0,
        failing_since: None,
        next_at: tx.now,
        last_error: None,
        claimed_until: None,
        delivered_at: None,
        dead_at: None,
        closed: false,
    }
}

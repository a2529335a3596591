//! What admins and operators decide about web hooks.

use platform::access::ROTATE_KEY;
use crate::actions;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::destination;
use super::model::WebHook;
use super::queries;
use platform::access::{Caller, Role};
use platform::error::{Error, InternalError, UserError};
use platform::ids::ConsumerId;
use platform::notifications::Notification;
use crate::consumers::{self, Done};
use platform::secrets::Secret;
use platform::services::Services;
use platform::store::Conn;
use platform::transaction::{Mode, Tx, transact};

/// A web hook that was saved.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    /// Whose.
    pub consumer: ConsumerId,
    /// Its secret, where a new one was made; shown this once.
    #[serde(skip)]
    pub secret: Option<Secret>,
}

/// The web hook of a consumer.
///
/// # Errors
/// When the database refuses.
pub async fn of_consumer(services: &Services, consumer: ConsumerId) -> Result<Option<WebHook>, Error> {
    Ok(queries::of_consumer(&mut *services.store.read().await?, consumer).await?)
}

/// The same, on a connection that is there already.
///
/// # Errors
/// When the database refuses.
pub async fn of_consumer_in(conn: &mut Conn, consumer: ConsumerId) -> Result<Option<WebHook>, Error> {
    Ok(queries::of_consumer(conn, consumer).await?)
}

/// Has a consumer called at `url`. The first time a secret is made; a new address keeps it.
///
/// # Errors
/// Problems for an unknown consumer and an address that cannot be one; re-authentication where the last sign-in is long ago,
/// since feeds with secrets go there.
pub async fn save(services: &Services, caller: &Arc<Caller>, consumer: String, url: String) -> Result<Saved, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact(services, caller, actions::SAVE_WEB_HOOK, Mode::Commit, |tx| Box::pin(save_in(tx, consumer, url))).await
}

async fn save_in(tx: &mut Tx<'_>, consumer: String, url: String) -> Result<Saved, Error> {
    let permit = tx.permit().await?;
    let consumer = find(tx, &consumer).await?;
    destination::check(&url).map_err(|why| UserError::invalid("url", why))?;
    let before = queries::of_consumer(tx.conn, consumer.id).await?;
    let host = url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let (sealed, secret) = match before {
        Some(before) => (before.secret, None),
        None => new_secret(tx, consumer.id)?,
    };
    let hook = fresh(tx, consumer.id, url, sealed);
    queries::save(tx.conn, &permit, &hook).await?;
    // The path may hold what should not be in an audit that every operator reads.
    let summary = format!("has the telephone system {} called at {host}", consumer.name);
    tx.audit(&permit, Some(consumer.id.global()), summary).await?;
    tx.notify(Notification::Feed(consumer.feed_id));
    Ok(Saved { consumer: consumer.id, secret })
}

/// Makes a new secret for a web hook; the old one signs nothing any more.
///
/// # Errors
/// Problems for an unknown consumer and one that is not called; re-authentication as in [`save`].
pub async fn rotate(services: &Services, caller: &Arc<Caller>, consumer: String) -> Result<Saved, Error> {
    caller.actor.demand(Role::Admin)?;
    caller.actor.demand_recent_sign_in(services.now())?;
    transact(services, caller, actions::ROTATE_WEB_HOOK_SECRET, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let (consumer, hook) = find_hook(tx, &consumer).await?;
            let (sealed, secret) = new_secret(tx, consumer.id)?;
            queries::save(tx.conn, &permit, &WebHook { secret: sealed, ..hook }).await?;
            let summary = format!("made a new secret for the web hook of the telephone system {}", consumer.name);
            tx.audit(&permit, Some(consumer.id.global()), summary).await?;
            Ok(Saved { consumer: consumer.id, secret })
        })
    })
    .await
}

/// Stops calling a consumer; it may go on by reading.
///
/// # Errors
/// Problems for an unknown consumer and one that is not called.
pub async fn delete(services: &Services, caller: &Arc<Caller>, consumer: String) -> Result<Done, Error> {
    transact(services, caller, actions::DELETE_WEB_HOOK, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let (consumer, _) = find_hook(tx, &consumer).await?;
            queries::delete(tx.conn, &permit, consumer.id).await?;
            let summary = format!("took the web hook of the telephone system {} away", consumer.name);
            tx.audit(&permit, Some(consumer.id.global()), summary).await?;
            Ok(Done { id: consumer.id })
        })
    })
    .await
}

/// Calls a web hook again at once, one that was given up too; `whole` has it told to begin anew with a snapshot.
///
/// # Errors
/// Problems for an unknown consumer and one that is not called.
pub async fn replay(services: &Services, caller: &Arc<Caller>, consumer: String, whole: bool) -> Result<Done, Error> {
    transact(services, caller, actions::REPLAY_WEB_HOOK, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let (consumer, hook) = find_hook(tx, &consumer).await?;
            let again = WebHook {
                created_at: hook.created_at,
                delivered_at: hook.delivered_at,
                ..fresh(tx, consumer.id, hook.url, hook.secret)
            };
            queries::save(tx.conn, &permit, &again).await?;
            if whole {
                queries::forget_position(tx.conn, &permit, consumer.id).await?;
            }
            tx.audit(&permit, Some(consumer.id.global()), said(&consumer.name, whole)).await?;
            tx.notify(Notification::Feed(consumer.feed_id));
            Ok(Done { id: consumer.id })
        })
    })
    .await
}

fn said(name: &str, whole: bool) -> String {
    let how = if whole { ", from the beginning" } else { "" };
    format!("has the web hook of the telephone system {name} called again{how}")
}

/// Seals every secret with the newest key that is sealed with an older one; how many there were. Part of `rotate-key`; harmless
/// when run twice.
///
/// # Errors
/// When a secret does not open, or the database refuses; nothing is changed then.
pub async fn reseal(services: &Services) -> Result<usize, Error> {
    transact(services, &Caller::system("rotate-key"), ROTATE_KEY, Mode::Commit, |tx| {
        Box::pin(async move {
            let permit = tx.permit().await?;
            let mut done = 0;
            for hook in queries::all(tx.conn).await? {
                let place = WebHook::place(&hook.consumer_id);
                let Some(anew) = tx.sealer().reseal(&place, &hook.secret).map_err(InternalError::from)? else {
                    continue;
                };
                // Nobody is kept from changing it meanwhile: what they wrote stays, and the next pass looks at it.
                done += usize::from(queries::reseal(tx.conn, &permit, hook.consumer_id, &hook.secret, &anew).await?);
            }
            Ok(done)
        })
    })
    .await
}

async fn find(tx: &mut Tx<'_>, consumer: &str) -> Result<crate::model::Consumer, Error> {
    consumers::find(tx.conn, consumer).await.map_err(|stop| match stop {
        Error::User(problems) => Error::User(problems.into_iter().map(|problem| problem.at(["consumer"])).collect()),
        other => other,
    })
}

async fn find_hook(tx: &mut Tx<'_>, consumer: &str) -> Result<(crate::model::Consumer, WebHook), Error> {
    let consumer = find(tx, consumer).await?;
    match queries::of_consumer(tx.conn, consumer.id).await? {
        Some(hook) => Ok((consumer, hook)),
        None => Err(UserError::not_found("consumer", "This telephone system has no web hook.").into()),
    }
}

fn new_secret(tx: &Tx<'_>, consumer: ConsumerId) -> Result<(Vec<u8>, Option<Secret>), Error> {
    let bytes: [u8; 32] = tx.rng().bytes();
    let secret = Secret::new(format!("whsec_{}", URL_SAFE_NO_PAD.encode(bytes)));
    let sealed =
        tx.sealer().seal(&WebHook::place(&consumer), secret.expose().as_bytes()).map_err(InternalError::from)?;
    Ok((sealed, Some(secret)))
}

/// A hook that nothing stands against; it may be called at once.
fn fresh(tx: &Tx<'_>, consumer: ConsumerId, url: String, secret: Vec<u8>) -> WebHook {
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

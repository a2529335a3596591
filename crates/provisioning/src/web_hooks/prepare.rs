//! Preparing a delivery: the hook's consumer, its permission to read, and the next payload.

use std::sync::Arc;

use url::Url;

use super::model::WebHook;
use super::payload::{Endpoint, Payload};
use crate::consumer_queries;
use crate::context_queries;
use crate::cursor::Cursor;
use crate::feed::{self, FeedReader};
use crate::model::{ChangesResponse, Consumer, ResetReason};
use platform::access::{Actor, Caller};
use platform::error::{Error, InternalError};
use platform::feed_log::{self, FeedRef};
use platform::secrets::Secret;
use platform::services::Services;

/// The number of changes that a delivery has at least, if there are as many.
const PAGE_SIZE: usize = 500;

/// A hook with everything that a delivery needs.
pub(super) struct Delivery {
    pub consumer: Consumer,
    pub endpoint: Endpoint,
    pub reader: FeedReader,
    pub caller: Arc<Caller>,
    pub url: Url,
    pub secret: Secret,
}

/// The outcome of preparing a delivery.
pub(super) enum Preparation {
    Ready(Box<Delivery>),
    /// The consumer does not exist any more, or is paused.
    Skip,
    /// The delivery is not possible, with a sentence for operators.
    Impossible(String),
}

/// Loads what a delivery needs.
///
/// # Errors
/// A database error, or a secret that cannot be opened.
pub(super) async fn prepare(services: &Services, hook: &WebHook) -> Result<Preparation, Error> {
    let impossible = |reason: &str| Ok(Preparation::Impossible(reason.to_owned()));
    let now = services.now();
    let mut conn = services.store.read().await?;
    let consumer = consumer_queries::consumer(&mut conn, hook.consumer_id).await?.filter(|consumer| !consumer.paused);
    let Some(consumer) = consumer else { return Ok(Preparation::Skip) };
    let Some(feed) = feed_log::feed_by_id(&mut conn, consumer.feed_id).await? else { return Ok(Preparation::Skip) };
    let Some(key) = api_keys::active_key_by_id(&mut conn, consumer.api_key_id, now).await? else {
        return impossible("its key was revoked or has expired");
    };
    let reference = FeedRef { event: feed.event_id, service_type: feed.service_type_id };
    let context = context_queries::feed_context(&mut conn, reference).await?;
    drop(conn);
    let actor = Actor::Key(Arc::new(key));
    let reader = match feed::reader(services, actor.clone(), reference) {
        Err(Error::Auth(_)) => return impossible("its key is not for this feed any more"),
        reader => reader?,
    };
    let Ok(url) = Url::parse(&hook.url) else { return impossible("its address cannot be read") };
    let secret =
        services.sealer.open(&WebHook::secret_context(&hook.consumer_id), &hook.secret).map_err(InternalError::from)?;
    let secret = Secret::new(String::from_utf8_lossy(&secret).into_owned());
    let endpoint = Endpoint {
        consumer: consumer.id,
        name: consumer.name.clone(),
        event: context.event_slug,
        service_type: context.service_type_slug,
    };
    let caller = Arc::new(Caller { actor, ..(*Caller::system("web hook")).clone() });
    Ok(Preparation::Ready(Box::new(Delivery { consumer, endpoint, reader, caller, url, secret })))
}

impl Delivery {
    /// The next payload; `None` when the consumer has acknowledged everything. `knows_closed` is whether the consumer
    /// has already received that its event is archived.
    ///
    /// # Errors
    /// A database error.
    pub async fn next_payload(&self, knows_closed: bool) -> Result<Option<Payload>, Error> {
        let since = self.consumer.acknowledged.as_deref().map(Cursor::decode).and_then(Result::ok);
        let response = match since {
            Some(since) => self.reader.changes(since, PAGE_SIZE).await?,
            None => ChangesResponse::Reset(ResetReason::Expired),
        };
        match response {
            ChangesResponse::Page(page) if page.changes.is_empty() && Some(page.cursor) == since => Ok(None),
            ChangesResponse::Page(page) => Ok(Some(Payload::Page(page))),
            ChangesResponse::Reset(reason) => match self.reader.head().await? {
                ChangesResponse::Page(head) => Ok(Some(Payload::Reset { reason, cursor: head.cursor })),
                ChangesResponse::Reset(_) => Ok((!knows_closed).then_some(Payload::Closed)),
            },
        }
    }
}

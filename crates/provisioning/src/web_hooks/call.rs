//! Calling: which hooks are due, what they are told, what their answers mean.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::delivery::{Addressee, Answer, News, body};
use super::destination::{Destinations, NOT_ALLOWED};
use super::model::WebHook;
use super::queries;
use super::signature::{HEADER, sign};
use platform::access::{Actor, Caller};
use platform::error::{Error, InternalError};
use platform::feed_log::{self, FeedRef};
use platform::ids::ConsumerId;
use platform::outgoing;
use crate::acknowledge::{self, Acknowledgement};
use crate::consumer_queries;
use crate::content_queries;
use crate::cursor::Cursor;
use crate::feed::{self, Reader};
use crate::model::{Consumer, FeedAnswer, ResetReason};
use platform::secrets::Secret;
use platform::services::Services;

/// How many hooks one instance calls at a time.
const AT_ONCE: usize = 32;
/// How long one call may take; shorter than the claim on the hook.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many changes a delivery holds at least, if there are so many.
const PAGE: usize = 500;
/// How many deliveries are made under one claim.
const MOST_IN_A_ROW: usize = 2;
/// How much of an answer is read, in bytes.
const MOST_ANSWER: usize = 256 * 1024;

/// The calls of one instance.
pub struct Calls {
    places: Arc<Semaphore>,
    /// Encrypted: to public addresses and to the named networks.
    encrypted: Line,
    /// Plain: to the named networks alone.
    plain: Line,
}

struct Line {
    client: reqwest::Client,
    destinations: Destinations,
}

impl Line {
    fn new(destinations: Destinations) -> Result<Self, InternalError> {
        let client = outgoing::client_builder(None)
            .map_err(InternalError::new)?
            .dns_resolver(Arc::new(destinations.clone()))
            // A proxy would resolve the name by itself, and call what it likes.
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| InternalError::new(outgoing::describe(&error)))?;
        Ok(Self { client, destinations })
    }
}

impl Calls {
    /// With the networks that may be called though they are not public.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(named: &[IpNet]) -> Result<Self, InternalError> {
        Ok(Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            encrypted: Line::new(Destinations::public_and(named))?,
            plain: Line::new(Destinations::only(named))?,
        })
    }

    fn line(&self, url: &Url) -> &Line {
        if url.scheme() == "https" { &self.encrypted } else { &self.plain }
    }
}

/// Begins to call every hook that is due; the calls go on beside the caller.
///
/// # Errors
/// When the database refuses.
pub async fn call_due(services: &Services, calls: &Arc<Calls>) -> Result<(), Error> {
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let due = queries::due(&mut *services.store.read().await?, services.now(), limit).await?;
    for consumer in due {
        let Ok(place) = Arc::clone(&calls.places).try_acquire_owned() else { return Ok(()) };
        // A task of its own: were this dropped between the claim and the call, nobody would call before the claim runs out.
        let beginning = tokio::spawn(begin(services.clone(), Arc::clone(calls), consumer, place));
        beginning.await.map_err(InternalError::new)??;
    }
    Ok(())
}

/// Claims a hook and begins to call it, unless somebody else has it.
async fn begin(
    services: Services,
    calls: Arc<Calls>,
    consumer: ConsumerId,
    place: OwnedSemaphorePermit,
) -> Result<(), Error> {
    let now = services.now();
    let claimed = services
        .store
        .write(move |conn| Box::pin(async move { Ok(queries::claim(conn, consumer, now).await?) }))
        .await?;
    if claimed {
        tokio::spawn(call(services, calls, consumer, place));
    }
    Ok(())
}

/// Calls one claimed hook and gives it back.
async fn call(services: Services, calls: Arc<Calls>, consumer: ConsumerId, place: OwnedSemaphorePermit) {
    match tell(&services, &calls, consumer).await {
        Ok(Some(outcome)) => {
            if let Err(stop) = give_back(&services, outcome).await {
                tracing::warn!(error = ?stop, "the outcome of a web hook was not written; it is called again");
            }
        }
        Ok(None) => {}
        // The claim runs out, and the same is told again.
        Err(stop) => tracing::warn!(error = ?stop, "a feed could not be read for a web hook; it is tried again"),
    }
    drop(place);
}

/// How calling a hook went.
struct Outcome {
    hook: WebHook,
    /// Whether anything was delivered.
    delivered: bool,
    /// Whether it knows now that its event is archived.
    closed: bool,
    /// What an operator should know though the call went well.
    note: Option<String>,
    /// Why it failed.
    failure: Option<String>,
}

async fn give_back(services: &Services, outcome: Outcome) -> Result<(), Error> {
    let now = services.now();
    let [spread] = services.rng.bytes();
    services
        .store
        .write(move |conn| {
            Box::pin(async move {
                let Outcome { hook, delivered, closed, note, failure } = outcome;
                match failure {
                    None => {
                        let at = delivered.then_some(now);
                        queries::release(conn, hook.consumer_id, at, closed, note.as_deref()).await?;
                    }
                    Some(why) => {
                        let hook = if delivered { WebHook { attempts: 0, failing_since: None, ..hook } } else { hook };
                        let failed = hook.failed(&why, now, spread);
                        if failed.dead_at.is_some() {
                            tracing::warn!(consumer.id = %failed.consumer_id.global(), "a web hook was given up");
                        }
                        queries::fail(conn, &failed).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

/// A hook with all that calling it takes.
struct Prepared {
    consumer: Consumer,
    addressee: Addressee,
    reader: Reader,
    caller: Arc<Caller>,
    url: Url,
    secret: Secret,
}

async fn tell(services: &Services, calls: &Calls, id: ConsumerId) -> Result<Option<Outcome>, Error> {
    let Some(hook) = queries::of_consumer(&mut *services.store.read().await?, id).await? else { return Ok(None) };
    let closed = hook.closed;
    let mut outcome = Outcome { hook, delivered: false, closed, note: None, failure: None };
    for _ in 0..MOST_IN_A_ROW {
        let prepared = match prepare(services, &outcome.hook).await? {
            Ok(Some(prepared)) => prepared,
            Ok(None) => break,
            Err(why) => {
                outcome.failure = Some(why);
                break;
            }
        };
        let Some(news) = news(&prepared, outcome.closed).await? else { break };
        outcome.closed = matches!(news, News::Closed);
        match post(services, calls.line(&prepared.url), &prepared, &news).await? {
            Ok(answer) => {
                outcome.delivered = true;
                outcome.note = acknowledge(services, &prepared, &news, answer).await?;
            }
            Err(why) => {
                outcome.closed = closed;
                outcome.failure = Some(why);
                break;
            }
        }
        if !matches!(&news, News::Page(page) if page.has_more) {
            break;
        }
    }
    Ok(Some(outcome))
}

/// Loads what a call takes; `None` for a consumer that is gone or paused, a sentence for one that cannot be told anything.
async fn prepare(services: &Services, hook: &WebHook) -> Result<Result<Option<Prepared>, String>, Error> {
    let now = services.now();
    let mut conn = services.store.read().await?;
    let consumer = consumer_queries::consumer(&mut conn, hook.consumer_id).await?.filter(|consumer| !consumer.paused);
    let Some(consumer) = consumer else { return Ok(Ok(None)) };
    let Some(feed) = feed_log::feed_by_id(&mut conn, consumer.feed_id).await? else { return Ok(Ok(None)) };
    let Some(key) = api_keys::acting(&mut conn, consumer.api_key_id, now).await? else {
        return Ok(Err("its key was revoked or has expired".to_owned()));
    };
    let place = content_queries::place(&mut conn, feed.event_id, feed.service_type_id).await?;
    drop(conn);
    let actor = Actor::Key(Arc::new(key));
    let reference = FeedRef { event: feed.event_id, service_type: feed.service_type_id };
    let reader = match feed::reader(services, actor.clone(), reference) {
        Err(Error::Auth(_)) => return Ok(Err("its key is not for this feed any more".to_owned())),
        reader => reader?,
    };
    let Ok(url) = Url::parse(&hook.url) else { return Ok(Err("its address cannot be read".to_owned())) };
    let secret = services.sealer.open(&WebHook::place(&hook.consumer_id), &hook.secret).map_err(InternalError::from)?;
    let secret = Secret::new(String::from_utf8_lossy(&secret).into_owned());
    let addressee = Addressee {
        consumer: consumer.id,
        name: consumer.name.clone(),
        event: place.event_slug,
        service_type: place.service_type_slug,
    };
    let caller = Arc::new(Caller { actor, ..(*Caller::system("web hook")).clone() });
    Ok(Ok(Some(Prepared { consumer, addressee, reader, caller, url, secret })))
}

/// What there is to tell; `None` when the consumer has everything.
async fn news(prepared: &Prepared, knows_it_is_closed: bool) -> Result<Option<News>, Error> {
    let since = prepared.consumer.acknowledged.as_deref().map(Cursor::decode).and_then(Result::ok);
    let answer = match since {
        Some(since) => prepared.reader.changes(since, PAGE).await?,
        None => FeedAnswer::Reset(ResetReason::Expired),
    };
    match answer {
        FeedAnswer::Page(page) if page.changes.is_empty() && Some(page.cursor) == since => Ok(None),
        FeedAnswer::Page(page) => Ok(Some(News::Page(page))),
        FeedAnswer::Reset(reason) => match prepared.reader.head().await? {
            FeedAnswer::Page(head) => Ok(Some(News::Begin(reason, head.cursor))),
            FeedAnswer::Reset(_) => Ok((!knows_it_is_closed).then_some(News::Closed)),
        },
    }
}

/// Posts the news; the answer of a system that took it, or why it did not.
async fn post(
    services: &Services,
    line: &Line,
    prepared: &Prepared,
    news: &News,
) -> Result<Result<Answer, String>, Error> {
    if !line.destinations.allow_literal(&prepared.url) {
        return Ok(Err(NOT_ALLOWED.to_owned()));
    }
    let body = body(&prepared.addressee, prepared.consumer.acknowledged.as_deref(), news)?;
    let signature = sign(&prepared.secret, services.now(), &body);
    let request = line
        .client
        .post(prepared.url.clone())
        .header("Content-Type", "application/json")
        .header(HEADER, signature)
        .body(body);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(outgoing::describe(&error))),
    };
    let status = answer.status();
    if !status.is_success() {
        return Ok(Err(format!("it answers {status}")));
    }
    Ok(read(answer).await.map(|text| Answer::read(&text)).map_err(|error| outgoing::describe(&error)))
}

async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await? {
        text.extend_from_slice(&part);
        if text.len() > MOST_ANSWER {
            break;
        }
    }
    Ok(text)
}

/// Moves the consumer's position to where the news ends; a note for the operator when what it reports cannot be taken.
async fn acknowledge(
    services: &Services,
    prepared: &Prepared,
    news: &News,
    answer: Answer,
) -> Result<Option<String>, Error> {
    let Some(cursor) = news.cursor() else { return Ok(None) };
    let (digest, errors, resolved) = answer.into_parts();
    let plain = Acknowledgement {
        event: prepared.addressee.event.clone(),
        service_type: prepared.addressee.service_type.clone(),
        consumer: prepared.addressee.name.clone(),
        cursor: cursor.encode(),
        digest: None,
        errors: Vec::new(),
        resolved: Vec::new(),
    };
    let full = Acknowledgement { digest, errors, resolved, ..plain.clone() };
    match acknowledge::acknowledge(services, &prepared.caller, full).await {
        Err(Error::User(problems)) => {
            acknowledge::acknowledge(services, &prepared.caller, plain).await?;
            let why = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" ");
            Ok(Some(format!("what its answer reports was refused: {why}")))
        }
        done => done.map(|_| None),
    }
}

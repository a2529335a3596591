//! The server's side: one feed over HTTP.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::config;
use super::copy::Standing;
use super::entry::{Answer, Entry};
use super::trouble::Trouble;
use platform::outgoing;

/// The code under which a consumer reports a digest that differs from its feed's.
const DIGEST_MISMATCH: &str = "DIGEST_MISMATCH";

/// How long an answer may take to begin, beside the time that it was asked to wait.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer than asked a page may take.
const GRACE: Duration = Duration::from_secs(20);
/// How many changes a page holds at least, if there are so many.
const PAGE: usize = 1000;
/// How many errors one acknowledgement takes.
const MOST_ERRORS: usize = 1000;

const ACKNOWLEDGE: &str = "mutation($input: AcknowledgeProvisioningInput!) { acknowledgeProvisioning(input: $input) \
                           { consumer { errors { code } } errors { code message path } } }";

/// The feed, as one consumer reads it.
pub struct Source {
    client: reqwest::Client,
    feed: Arc<config::Feed>,
}

/// All that is there, as of one instant.
pub enum Snapshot {
    /// The entries, and the cursor after which changes are told.
    Whole { entries: Vec<Entry>, cursor: String },
    /// The event is archived.
    Closed,
}

/// What the server made of an acknowledgement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Acknowledged {
    /// It is written down. The copy differs from the feed, or does not as far as can be told.
    Done { differs: bool },
    /// The cursor is not this feed's any more: the next reading will say so too.
    ForeignCursor,
    /// The error at this place is about an extension that the feed has forgotten.
    UnknownExtension(usize),
}

#[derive(Deserialize)]
struct Head {
    head: String,
    count: usize,
}

impl Source {
    /// Makes a client for the feed.
    ///
    /// # Errors
    /// [`Trouble::Lasting`] when the certificate authority cannot be read.
    pub fn new(feed: Arc<config::Feed>) -> Result<Self, Trouble> {
        let builder = outgoing::client(feed.authority.as_deref()).map_err(Trouble::lasting)?;
        let client = builder.build().map_err(|error| Trouble::lasting(outgoing::words(&error)))?;
        Ok(Self { client, feed })
    }

    /// Which consumer of which feed this is, as one name.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.feed.event, self.feed.service_type, self.feed.consumer)
    }

    /// Which feed it is.
    pub fn feed(&self) -> &config::Feed {
        &self.feed
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.feed.url)).bearer_auth(self.feed.key.expose())
    }

    fn feed_path(&self) -> String {
        format!("/feed/{}/{}", self.feed.event, self.feed.service_type)
    }

    /// Everything that is there.
    ///
    /// # Errors
    /// [`Trouble`] of either kind; a body that was cut off is [`Trouble::Passing`].
    pub async fn snapshot(&self) -> Result<Snapshot, Trouble> {
        let mut answer = match sent(self.get(&self.feed_path()), PATIENCE).await? {
            Answered::Body(answer) => answer,
            Answered::Closed => return Ok(Snapshot::Closed),
        };
        let mut reading = Reading::default();
        loop {
            match tokio::time::timeout(PATIENCE, answer.chunk()).await {
                Err(_) => return Err(Trouble::passing("the snapshot does not go on")),
                Ok(Err(error)) => return Err(unreachable(&error)),
                Ok(Ok(Some(part))) => reading.take(&part)?,
                Ok(Ok(None)) => return reading.finish(),
            }
        }
    }

    /// What has changed since the cursor; waits for up to `wait` for something to tell.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn changes(&self, since: &str, wait: Duration) -> Result<Answer, Trouble> {
        let path = format!("{}/changes?since={since}&wait={}&first={PAGE}", self.feed_path(), wait.as_secs());
        match sent(self.get(&path).timeout(wait + GRACE), wait + GRACE).await? {
            Answered::Closed => Ok(Answer::Closed),
            Answered::Body(answer) => Answer::read(&body(answer).await?),
        }
    }

    /// A document that the server renders.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn render(&self, template: &str) -> Result<Vec<u8>, Trouble> {
        let name = percent_encoding::utf8_percent_encode(template, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/render/{}/{}/{name}", self.feed.event, self.feed.service_type);
        match sent(self.get(&path), PATIENCE).await? {
            Answered::Closed => Err(Trouble::passing("the event is archived")),
            Answered::Body(answer) => body(answer).await,
        }
    }

    /// Says how far the copy has come, and what stands against it.
    ///
    /// # Errors
    /// [`Trouble`] of either kind.
    pub async fn acknowledge(
        &self,
        cursor: &str,
        digest: Option<&str>,
        standing: &Standing,
    ) -> Result<Acknowledged, Trouble> {
        let errors: Vec<Value> = standing
            .failing
            .iter()
            .take(MOST_ERRORS)
            .map(|(id, refusal)| json!({ "extensionId": id, "code": refusal.code, "message": refusal.message }))
            .collect();
        let input = json!({
            "event": self.feed.event,
            "serviceType": self.feed.service_type,
            "consumer": self.feed.consumer,
            "cursor": cursor,
            "digest": digest,
            "errors": errors,
            "resolved": standing.resolved.iter().take(MOST_ERRORS).collect::<Vec<_>>(),
        });
        let request = self
            .client
            .post(format!("{}/graphql", self.feed.url))
            .bearer_auth(self.feed.key.expose())
            .json(&json!({ "query": ACKNOWLEDGE, "variables": { "input": input } }));
        let Answered::Body(answer) = sent(request.timeout(PATIENCE), PATIENCE).await? else {
            return Err(Trouble::passing("the server is gone"));
        };
        let text = body(answer).await?;
        let value: Value = serde_json::from_slice(&text).map_err(|_| unreadable("an acknowledgement"))?;
        acknowledged(&value)
    }
}

fn acknowledged(value: &Value) -> Result<Acknowledged, Trouble> {
    let payload = &value["data"]["acknowledgeProvisioning"];
    if let Some(error) = payload["errors"].get(0) {
        let path: Vec<&str> = error["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let path = path.strip_prefix(&["input"]).unwrap_or(&path);
        return match path {
            ["cursor"] => Ok(Acknowledged::ForeignCursor),
            ["errors", place, "extensionId"] => place
                .parse()
                .map(Acknowledged::UnknownExtension)
                .map_err(|_| unreadable("the answer to an acknowledgement")),
            _ => Err(Trouble::lasting(format!(
                "the server refuses the acknowledgement: {}",
                error["message"].as_str().unwrap_or_default()
            ))),
        };
    }
    if payload["consumer"].is_null() {
        let error = &value["errors"][0];
        let message = error["message"].as_str().unwrap_or("it gives no reason");
        let what = format!("the server refuses the acknowledgement: {message}");
        return Err(match error["extensions"]["code"].as_str() {
            Some("FORBIDDEN" | "UNAUTHENTICATED" | "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED") => {
                Trouble::lasting(what)
            }
            _ => Trouble::passing(what),
        });
    }
    let errors = payload["consumer"]["errors"].as_array().into_iter().flatten();
    let differs = errors.into_iter().any(|error| error["code"] == DIGEST_MISMATCH);
    Ok(Acknowledged::Done { differs })
}

enum Answered {
    Body(Response),
    /// 410: the event is archived.
    Closed,
}

/// Sends a request; what the answer's status means.
async fn sent(request: RequestBuilder, patience: Duration) -> Result<Answered, Trouble> {
    let answer = tokio::time::timeout(patience, request.send())
        .await
        .map_err(|_| Trouble::passing("the server does not answer"))?
        .map_err(|error| unreachable(&error))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(Answered::Body(answer));
    }
    if status == StatusCode::GONE {
        return Ok(Answered::Closed);
    }
    let text = body(answer).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let message = [&value["error"]["message"], &value["errors"][0]["message"]].into_iter().find_map(Value::as_str);
    let what = format!("the server answers {status}: {}", message.unwrap_or("no reason is given"));
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
            Trouble::Lasting(what)
        }
        _ => Trouble::Passing(what),
    })
}

async fn body(answer: Response) -> Result<Vec<u8>, Trouble> {
    tokio::time::timeout(PATIENCE + PATIENCE, answer.bytes())
        .await
        .map_err(|_| Trouble::passing("the server's answer does not end"))?
        .map(|body| body.to_vec())
        .map_err(|error| unreachable(&error))
}

fn unreachable(error: &reqwest::Error) -> Trouble {
    Trouble::passing(format!("the server cannot be reached: {}", outgoing::words(error)))
}

fn unreadable(what: &str) -> Trouble {
    Trouble::passing(format!("{what} cannot be read"))
}

/// A snapshot, line by line.
#[derive(Default)]
struct Reading {
    line: Vec<u8>,
    head: Option<Head>,
    entries: Vec<Entry>,
    end: Option<String>,
}

impl Reading {
    fn take(&mut self, part: &[u8]) -> Result<(), Trouble> {
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.read(&line)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Trouble> {
        let broken = |_| unreadable("a line of the snapshot");
        if self.head.is_none() {
            self.head = Some(serde_json::from_slice(line).map_err(broken)?);
            return Ok(());
        }
        let Value::Object(mut fields) = serde_json::from_slice(line).map_err(broken)? else {
            return Err(unreadable("a line of the snapshot"));
        };
        match fields.remove("end") {
            Some(Value::String(end)) if fields.is_empty() => self.end = Some(end),
            _ => self.entries.push(Entry::read(fields)?),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Snapshot, Trouble> {
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.read(&line)?;
        }
        match (self.head, self.end) {
            (Some(head), Some(end)) if head.head == end && head.count == self.entries.len() => {
                Ok(Snapshot::Whole { entries: self.entries, cursor: end })
            }
            _ => Err(Trouble::passing("the snapshot was cut off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, step: usize) -> Result<Snapshot, Trouble> {
        let mut reading = Reading::default();
        for part in text.as_bytes().chunks(step) {
            reading.take(part)?;
        }
        reading.finish()
    }

    #[test]
    fn a_snapshot_that_was_cut_off_is_none() {
        let text = "{\"head\":\"c\",\"count\":1}\n{\"id\":\"Extension:1\",\"version\":\"v\",\"number\":\"2\"}\n{\"end\":\"c\"}\n";
        for step in [1, 7, 1000] {
            let whole = read(text, step).unwrap();
            assert!(matches!(whole, Snapshot::Whole { entries, cursor } if entries.len() == 1 && cursor == "c"));
        }
        for end in 0..text.len() - 1 {
            assert!(matches!(read(&text[..end], 9), Err(Trouble::Passing(_))), "{end}");
        }
        assert!(read(&text.replace("\"count\":1", "\"count\":2"), 9).is_err());
        assert!(read(&text.replace("{\"end\":\"c\"}", "{\"end\":\"d\"}"), 9).is_err());
    }

    #[test]
    fn answers_to_an_acknowledgement_are_told_apart() {
        let payload = |payload: Value| acknowledged(&json!({ "data": { "acknowledgeProvisioning": payload } }));
        let fine = json!({ "consumer": { "errors": [{ "code": "UNIQUE" }] }, "errors": [] });
        assert_eq!(payload(fine), Ok(Acknowledged::Done { differs: false }));
        let differs = json!({ "consumer": { "errors": [{ "code": "DIGEST_MISMATCH" }] }, "errors": [] });
        assert_eq!(payload(differs), Ok(Acknowledged::Done { differs: true }));
        let refused = |path: Value| json!({ "consumer": null, "errors": [{ "message": "no", "path": path }] });
        assert_eq!(payload(refused(json!(["input", "cursor"]))), Ok(Acknowledged::ForeignCursor));
        assert_eq!(payload(refused(json!(["cursor"]))), Ok(Acknowledged::ForeignCursor));
        let unknown = json!(["input", "errors", "3", "extensionId"]);
        assert_eq!(payload(refused(unknown)), Ok(Acknowledged::UnknownExtension(3)));
        assert!(matches!(payload(refused(json!(["input", "consumer"]))), Err(Trouble::Lasting(_))));
        let denied = json!({ "errors": [{ "message": "no", "extensions": { "code": "FORBIDDEN" } }] });
        assert!(matches!(acknowledged(&denied), Err(Trouble::Lasting(_))));
        let busy = json!({ "errors": [{ "message": "no", "extensions": { "code": "UNAVAILABLE" } }] });
        assert!(matches!(acknowledged(&busy), Err(Trouble::Passing(_))));
    }
}

//! HTTP client for one feed of the server.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::config::FeedConfig;
use super::entry::Changes;
use super::error::AgentError;
use super::replica::ReplicaStatus;
use super::snapshot::{Snapshot, SnapshotParser};
use platform::outgoing;

/// Time limit for the begin of a response, and for each chunk of a snapshot.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time limit for a response body.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// Time that a page of changes may take beyond the requested long-poll time.
const LONG_POLL_GRACE: Duration = Duration::from_secs(20);
/// Requested number of changes in a page.
const PAGE_SIZE: usize = 1000;
/// Maximum number of errors in one acknowledgement.
const MAX_ERRORS: usize = 1000;
/// `FeedError.code` by which the server reports that the acknowledged digest differs from the feed's.
const DIGEST_MISMATCH: &str = "DIGEST_MISMATCH";

const ACKNOWLEDGE: &str = "mutation($input: AcknowledgeProvisioningInput!) { acknowledgeProvisioning(input: $input) \
                           { consumer { errors { code } } errors { code message path } } }";

/// A feed as one of its consumers reads it.
pub struct FeedClient {
    client: reqwest::Client,
    feed: Arc<FeedConfig>,
}

/// The server's answer to an acknowledgement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Acknowledgement {
    /// The server stored it. `digest_differs`: the replica's digest is not the feed's.
    Accepted { digest_differs: bool },
    /// The cursor is not one of this feed: the next read of changes returns a reset.
    ForeignCursor,
    /// The feed has no extension for the error at this index.
    UnknownExtension(usize),
}

impl FeedClient {
    /// Creates a client for the feed.
    ///
    /// # Errors
    /// [`AgentError::Permanent`] when the certificate authority's certificate is invalid.
    pub fn new(feed: Arc<FeedConfig>) -> Result<Self, AgentError> {
        let builder = outgoing::client_builder(feed.authority.as_deref()).map_err(AgentError::permanent)?;
        let client = builder.build().map_err(|error| AgentError::permanent(outgoing::describe(&error)))?;
        Ok(Self { client, feed })
    }

    /// Returns the consumer's name, unique across feeds: `event/service_type/consumer`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.feed.event, self.feed.service_type, self.feed.consumer)
    }

    /// Returns the feed's settings.
    pub fn feed(&self) -> &FeedConfig {
        &self.feed
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.feed.url)).bearer_auth(self.feed.key.expose())
    }

    fn feed_path(&self) -> String {
        format!("/feed/{}/{}", self.feed.event, self.feed.service_type)
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// [`AgentError`]; a truncated body is [`AgentError::Transient`].
    pub async fn snapshot(&self) -> Result<Snapshot, AgentError> {
        let mut response = match send(self.get(&self.feed_path()), RESPONSE_TIMEOUT).await? {
            FeedResponse::Success(response) => response,
            FeedResponse::Closed => return Ok(Snapshot::Closed),
        };
        let mut parser = SnapshotParser::default();
        loop {
            match tokio::time::timeout(RESPONSE_TIMEOUT, response.chunk()).await {
                Err(_) => return Err(AgentError::transient("timeout while reading the snapshot")),
                Ok(Err(error)) => return Err(unreachable(&error)),
                Ok(Ok(Some(chunk))) => parser.push(&chunk)?,
                Ok(Ok(None)) => return parser.finish(),
            }
        }
    }

    /// Reads the changes since a cursor; the server waits up to `wait` for the first change.
    ///
    /// # Errors
    /// [`AgentError`] when the server is unavailable or refuses the request.
    pub async fn changes(&self, since: &str, wait: Duration) -> Result<Changes, AgentError> {
        let path = format!("{}/changes?since={since}&wait={}&first={PAGE_SIZE}", self.feed_path(), wait.as_secs());
        let timeout = wait + LONG_POLL_GRACE;
        match send(self.get(&path).timeout(timeout), timeout).await? {
            FeedResponse::Closed => Ok(Changes::Closed),
            FeedResponse::Success(response) => Changes::parse(&read_body(response).await?),
        }
    }

    /// Reads a document that the server renders from a template of the service type.
    ///
    /// # Errors
    /// [`AgentError`] when the server is unavailable or refuses the request.
    pub async fn render(&self, template: &str) -> Result<Vec<u8>, AgentError> {
        let name = percent_encoding::utf8_percent_encode(template, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/render/{}/{}/{name}", self.feed.event, self.feed.service_type);
        match send(self.get(&path), RESPONSE_TIMEOUT).await? {
            FeedResponse::Closed => Err(AgentError::transient("the event is archived")),
            FeedResponse::Success(response) => read_body(response).await,
        }
    }

    /// Checks that the server has a consumer of this name for the key, by an acknowledgement whose cursor is none: the
    /// server looks at the consumer first and then refuses the cursor.
    ///
    /// # Errors
    /// [`AgentError::Permanent`] when there is no such consumer; otherwise as [`Self::acknowledge`].
    pub async fn check_consumer(&self) -> Result<(), AgentError> {
        self.acknowledge("", None, &ReplicaStatus::default()).await.map(drop)
    }

    /// Acknowledges the changes up to `cursor` and reports errors. `digest` is the replica's, if it is to be compared.
    ///
    /// # Errors
    /// [`AgentError`] when the server is unavailable or refuses the acknowledgement.
    pub async fn acknowledge(
        &self,
        cursor: &str,
        digest: Option<&str>,
        status: &ReplicaStatus,
    ) -> Result<Acknowledgement, AgentError> {
        let errors: Vec<Value> = status
            .failing
            .iter()
            .take(MAX_ERRORS)
            .map(|failed| {
                json!({ "extensionId": failed.id, "code": failed.error.code, "message": failed.error.message })
            })
            .collect();
        let input = json!({
            "event": self.feed.event,
            "serviceType": self.feed.service_type,
            "consumer": self.feed.consumer,
            "cursor": cursor,
            "digest": digest,
            "errors": errors,
            "resolved": status.resolved.iter().take(MAX_ERRORS).collect::<Vec<_>>(),
        });
        let request = self
            .client
            .post(format!("{}/graphql", self.feed.url))
            .bearer_auth(self.feed.key.expose())
            .json(&json!({ "query": ACKNOWLEDGE, "variables": { "input": input } }));
        let response = send(request.timeout(RESPONSE_TIMEOUT), RESPONSE_TIMEOUT).await?;
        let FeedResponse::Success(response) = response else {
            return Err(AgentError::transient("the server has no GraphQL endpoint"));
        };
        let text = read_body(response).await?;
        let value: Value = serde_json::from_slice(&text).map_err(|_| invalid_acknowledgement())?;
        parse_acknowledgement(&value)
    }
}

fn parse_acknowledgement(response: &Value) -> Result<Acknowledgement, AgentError> {
    let payload = &response["data"]["acknowledgeProvisioning"];
    if let Some(error) = payload["errors"].get(0) {
        return parse_user_error(error);
    }
    if payload["consumer"].is_null() {
        let error = &response["errors"][0];
        let message = error["message"].as_str().unwrap_or("no reason given");
        let message = format!("the server refused the acknowledgement: {message}");
        return Err(match error["extensions"]["code"].as_str() {
            Some("FORBIDDEN" | "UNAUTHENTICATED" | "BAD_USER_INPUT" | "GRAPHQL_VALIDATION_FAILED") => {
                AgentError::Permanent(message)
            }
            _ => AgentError::Transient(message),
        });
    }
    let mut errors = payload["consumer"]["errors"].as_array().into_iter().flatten();
    Ok(Acknowledgement::Accepted { digest_differs: errors.any(|error| error["code"] == DIGEST_MISMATCH) })
}

fn parse_user_error(error: &Value) -> Result<Acknowledgement, AgentError> {
    let path: Vec<&str> = error["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match path.strip_prefix(&["input"]).unwrap_or(&path) {
        ["cursor"] => Ok(Acknowledgement::ForeignCursor),
        ["errors", index, "extensionId"] => {
            index.parse().map(Acknowledgement::UnknownExtension).map_err(|_| invalid_acknowledgement())
        }
        _ => {
            let message = error["message"].as_str().unwrap_or_default();
            Err(AgentError::permanent(format!("the server refused the acknowledgement: {message}")))
        }
    }
}

fn invalid_acknowledgement() -> AgentError {
    AgentError::transient("the server's response to an acknowledgement is invalid")
}

enum FeedResponse {
    /// 2xx.
    Success(Response),
    /// 410: the event is archived.
    Closed,
}

/// Sends a request and interprets the status of the response.
async fn send(request: RequestBuilder, timeout: Duration) -> Result<FeedResponse, AgentError> {
    let response = tokio::time::timeout(timeout, request.send())
        .await
        .map_err(|_| AgentError::transient("the server does not respond"))?
        .map_err(|error| unreachable(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(FeedResponse::Success(response));
    }
    if status == StatusCode::GONE {
        return Ok(FeedResponse::Closed);
    }
    let text = read_body(response).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let message = [&value["error"]["message"], &value["errors"][0]["message"]].into_iter().find_map(Value::as_str);
    let message = format!("the server responded {status}: {}", message.unwrap_or("no reason given"));
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
            AgentError::Permanent(message)
        }
        _ => AgentError::Transient(message),
    })
}

async fn read_body(response: Response) -> Result<Vec<u8>, AgentError> {
    tokio::time::timeout(BODY_TIMEOUT, response.bytes())
        .await
        .map_err(|_| AgentError::transient("timeout while reading the server's response"))?
        .map(|body| body.to_vec())
        .map_err(|error| unreachable(&error))
}

fn unreachable(error: &reqwest::Error) -> AgentError {
    AgentError::transient(format!("the server is unreachable: {}", outgoing::describe(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_the_responses_to_an_acknowledgement() {
        let parse = |payload: Value| parse_acknowledgement(&json!({ "data": { "acknowledgeProvisioning": payload } }));
        let equal = json!({ "consumer": { "errors": [{ "code": "UNIQUE" }] }, "errors": [] });
        assert_eq!(parse(equal), Ok(Acknowledgement::Accepted { digest_differs: false }));
        let differs = json!({ "consumer": { "errors": [{ "code": "DIGEST_MISMATCH" }] }, "errors": [] });
        assert_eq!(parse(differs), Ok(Acknowledgement::Accepted { digest_differs: true }));
        let refused = |path: Value| json!({ "consumer": null, "errors": [{ "message": "no", "path": path }] });
        assert_eq!(parse(refused(json!(["input", "cursor"]))), Ok(Acknowledgement::ForeignCursor));
        assert_eq!(parse(refused(json!(["cursor"]))), Ok(Acknowledgement::ForeignCursor));
        let unknown = json!(["input", "errors", "3", "extensionId"]);
        assert_eq!(parse(refused(unknown)), Ok(Acknowledgement::UnknownExtension(3)));
        assert!(matches!(parse(refused(json!(["input", "consumer"]))), Err(AgentError::Permanent(_))));
        let denied = json!({ "errors": [{ "message": "no", "extensions": { "code": "FORBIDDEN" } }] });
        assert!(matches!(parse_acknowledgement(&denied), Err(AgentError::Permanent(_))));
        let unavailable = json!({ "errors": [{ "message": "no", "extensions": { "code": "UNAVAILABLE" } }] });
        assert!(matches!(parse_acknowledgement(&unavailable), Err(AgentError::Transient(_))));
    }
}

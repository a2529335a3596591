//! The `http` driver: a PUT or DELETE request for each extension. Also sends the release hooks.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::config::{HttpConfig, RequestTemplate};
use crate::entry::Batch;
use crate::error::{AgentError, ApplyError, RecordError, RecordErrors, collect};

/// Maximum number of attempts before a 5xx response counts as the record's error.
const MAX_ATTEMPTS: usize = 3;
/// Delay between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// Maximum length of a response body; the rest is not read.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Interpretation of the statuses 404 and 410.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotFound {
    /// The resource to delete does not exist, which is the intended state.
    IsSuccess,
    IsError,
}

struct HttpResponse {
    status: StatusCode,
    text: String,
}

/// Applies a batch: all deletions, then all upserts.
///
/// # Errors
/// [`AgentError`] when the system is unavailable. Applying the batch again is harmless.
pub async fn apply(client: &reqwest::Client, http: &HttpConfig, batch: &Batch) -> Result<RecordErrors, AgentError> {
    let mut errors = RecordErrors::new();
    for deletion in batch.deletions() {
        for values in deletion.values() {
            let result = send(client, &http.delete, &values, NotFound::IsSuccess).await;
            collect(&mut errors, &deletion.id, result)?;
        }
    }
    for entry in &batch.upserts {
        let result = send(client, &http.put, &entry.values, NotFound::IsError).await;
        collect(&mut errors, &entry.id, result)?;
    }
    Ok(errors)
}

/// Sends one request, repeatedly while the response is 5xx.
///
/// # Errors
/// [`ApplyError::Record`] for a response that concerns the record; [`ApplyError::System`] without a response and for
/// the statuses 401, 407, 408, 429 and 503.
pub async fn send(
    client: &reqwest::Client,
    request: &RequestTemplate,
    values: &Value,
    not_found: NotFound,
) -> Result<(), ApplyError> {
    let url = request.url.render(values)?;
    let body = request.body.as_ref().map(|body| body.render(values)).transpose()?;
    let mut attempt = 1;
    loop {
        let HttpResponse { status, text } = exchange(client, request, &url, body.as_deref()).await?;
        let is_expected = request.expect.as_ref().is_none_or(|expect| expect.is_match(&text));
        match status {
            status if status.is_success() && is_expected => return Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE if not_found == NotFound::IsSuccess => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => {
                return Err(AgentError::transient(format!("the system responded {status}")).into());
            }
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let message = format!("the system refused the agent's credentials: {status}");
                return Err(AgentError::transient(message).into());
            }
            status if status.is_server_error() && attempt < MAX_ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(RETRY_DELAY).await;
            }
            status => {
                let line = text.lines().next().unwrap_or_default();
                let code = format!("HTTP_{}", status.as_u16());
                return Err(RecordError::new(&code, format!("{status}: {line}")).into());
            }
        }
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: &RequestTemplate,
    url: &str,
    body: Option<&str>,
) -> Result<HttpResponse, AgentError> {
    let mut builder = client.request(request.method.clone(), url).timeout(request.timeout);
    if let Some(authorization) = &request.authorization {
        builder = builder.header("Authorization", authorization.expose());
    }
    if let Some(body) = body {
        builder = builder.header("Content-Type", &request.content_type).body(body.to_owned());
    }
    let unreachable = |error: reqwest::Error| {
        AgentError::transient(format!("the system is unreachable: {}", platform::outgoing::describe(&error)))
    };
    let mut response = builder.send().await.map_err(unreachable)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok(HttpResponse { status: response.status(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

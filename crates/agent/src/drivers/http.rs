//! PUT and DELETE for each extension, against somebody's API; also the calls for numbers that are gone.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::config::{self, Request};
use crate::entry::Batch;
use crate::trouble::{Fails, Refusal, Trouble};

/// How often an answer of 5xx is asked for before it counts as the record's own fault.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);
/// How much of an answer is read.
const MOST_BYTES: usize = 64 * 1024;

/// Applies a batch: all deletions, then all upserts. What is deleted already (404, 410) is fine.
///
/// # Errors
/// [`Trouble`] when the system is not there: the batch is applied again later, which harms nothing.
pub async fn apply(
    client: &reqwest::Client,
    http: &config::Http,
    batch: &Batch,
) -> Result<HashMap<String, Refusal>, Trouble> {
    let mut failed = HashMap::new();
    for deletion in batch.deletions() {
        for values in deletion.values() {
            note(&mut failed, &deletion.id, send(client, &http.delete, &values, true).await)?;
        }
    }
    for entry in &batch.upserts {
        note(&mut failed, &entry.id, send(client, &http.put, &entry.values, false).await)?;
    }
    Ok(failed)
}

/// Notes what one record refuses; what the whole system refuses goes on to the caller.
pub fn note(failed: &mut HashMap<String, Refusal>, id: &str, result: Result<(), Fails>) -> Result<(), Trouble> {
    match result {
        Ok(()) => Ok(()),
        Err(Fails::System(trouble)) => Err(trouble),
        Err(Fails::Record(refusal)) => {
            failed.insert(id.to_owned(), refusal);
            Ok(())
        }
    }
}

/// Sends one request.
///
/// # Errors
/// [`Fails::Record`] for an answer that is about the record, [`Fails::System`] when there is none, or 429 or 503.
pub async fn send(
    client: &reqwest::Client,
    request: &Request,
    values: &Value,
    gone_is_fine: bool,
) -> Result<(), Fails> {
    let url = request.url.render(values)?;
    let body = request.body.as_ref().map(|body| body.render(values)).transpose()?;
    let mut attempt = 1;
    loop {
        let (status, text) = exchange(client, request, &url, body.as_deref()).await?;
        let is_done = status.is_success() && request.expect.as_ref().is_none_or(|expect| expect.is_match(&text));
        match status {
            _ if is_done => return Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE if gone_is_fine => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => {
                return Err(Trouble::passing(format!("the system answers {status}")).into());
            }
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                return Err(Trouble::passing(format!("the system does not know us: {status}")).into());
            }
            status if status.is_server_error() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
            status => {
                let line = text.lines().next().unwrap_or_default();
                return Err(Refusal::new(&format!("HTTP_{}", status.as_u16()), format!("{status}: {line}")).into());
            }
        }
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: &Request,
    url: &str,
    body: Option<&str>,
) -> Result<(StatusCode, String), Trouble> {
    let mut call = client.request(request.method.clone(), url).timeout(request.timeout);
    for (name, value) in &request.headers {
        call = call.header(name, value.expose());
    }
    if let Some(body) = body {
        call = call.header("Content-Type", &request.content_type).body(body.to_owned());
    }
    let absent = |error: reqwest::Error| {
        Trouble::passing(format!("the system cannot be reached: {}", platform::outgoing::words(&error)))
    };
    let mut answer = call.send().await.map_err(absent)?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(absent)? {
        text.extend_from_slice(&part);
        if text.len() > MOST_BYTES {
            break;
        }
    }
    Ok((answer.status(), String::from_utf8_lossy(&text).into_owned()))
}

//! What a request says: read from a JSON body, a query string or a WebSocket message.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Value, Variables};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::error::EdgeError;
use super::gateway::Settings;
use crate::graphql::error_code::ErrorCode;

/// One request in the sense of GraphQL over HTTP.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: IndexMap<Name, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    extensions: Option<IndexMap<Name, Value>>,
}

impl From<Parameters> for Payload {
    fn from(parameters: Parameters) -> Self {
        Self {
            query: parameters.query,
            operation_name: parameters.operation_name,
            variables: parameters.variables,
            extensions: parameters.extensions.unwrap_or_default(),
        }
    }
}

fn bad(message: impl Into<String>) -> EdgeError {
    EdgeError::malformed(StatusCode::BAD_REQUEST, message)
}

impl Payload {
    /// Reads a JSON object with `query` and, optionally, `operationName`, `variables` and `extensions`.
    ///
    /// # Errors
    /// 400 for anything else, a batch included.
    pub fn from_json(body: &[u8]) -> Result<Self, EdgeError> {
        // A struct may also be read from an array of its fields: an array is a batch here.
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => {}
            Some(b'[') => return Err(bad("Batches are not accepted: send one request at a time.")),
            _ => return Err(bad("The body must be a JSON object with `query`.")),
        }
        let parameters: Parameters =
            serde_json::from_slice(body).map_err(|error| bad(format!("The body cannot be read: {error}.")))?;
        Ok(parameters.into())
    }

    /// Reads the parameters of a GET request; `variables` and `extensions` are JSON.
    ///
    /// # Errors
    /// 400 for a missing `query`, a parameter given twice, or JSON that is none.
    pub fn from_query_string(uri: &axum::http::Uri) -> Result<Self, EdgeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Text {
            query: String,
            operation_name: Option<String>,
            variables: Option<String>,
            extensions: Option<String>,
        }
        let axum::extract::Query(text) = axum::extract::Query::<Text>::try_from_uri(uri)
            .map_err(|_| bad("The query string must hold `query` once, and `operationName`, `variables` and `extensions` at most once."))?;
        let variables = match text.variables.as_deref().filter(|json| !json.is_empty()) {
            Some(json) => {
                serde_json::from_str(json).map_err(|error| bad(format!("`variables` cannot be read: {error}.")))?
            }
            None => Variables::default(),
        };
        let extensions = match text.extensions.as_deref().filter(|json| !json.is_empty()) {
            Some(json) => serde_json::from_str::<Option<IndexMap<Name, Value>>>(json)
                .map_err(|error| bad(format!("`extensions` cannot be read: {error}.")))?
                .unwrap_or_default(),
            None => IndexMap::new(),
        };
        let operation_name = text.operation_name.filter(|name| !name.is_empty());
        Ok(Self { query: text.query, operation_name, variables, extensions })
    }
}

/// How much of a refused body is still read, so that the client gets to see the answer.
const DRAINED_BYTES: usize = 4 << 20;

/// Reads a whole body.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE` above the limit, 408 when it takes too long, 400 when the client breaks off.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, settings: &Settings) -> Result<Vec<u8>, EdgeError> {
    let announced: Option<usize> =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    let reading = async {
        let mut read = Vec::with_capacity(announced.unwrap_or(0).min(settings.body_bytes));
        let mut total = 0_usize;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| bad("The body broke off."))?;
            total = total.saturating_add(chunk.len());
            if total <= settings.body_bytes {
                read.extend_from_slice(&chunk);
            } else if total > DRAINED_BYTES {
                break;
            }
        }
        if total > settings.body_bytes {
            let message = format!("The body is larger than {} bytes.", settings.body_bytes);
            return Err(EdgeError::new(ErrorCode::PayloadTooLarge, message));
        }
        Ok(read)
    };
    match tokio::time::timeout(settings.body_timeout, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(EdgeError::malformed(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive.")),
    }
}

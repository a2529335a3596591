//! Reads [`Request`]s from a JSON body, a query string or a WebSocket message.
//!
//! `async_graphql_axum::GraphQLRequest` is not used: it ignores `operationName` in a query string, accepts an array of
//! fields as a request, does not distinguish a missing `query` from an empty one, and reads multipart bodies.

use async_graphql::{Extensions, Request, Variables};
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::endpoint::Settings;
use super::error::RequestError;
use crate::graphql::error_code::ErrorCode;

/// How much of a body that is too large is read and dropped, in bytes, so that the client reads the response.
const DRAINED_BYTES: usize = 4 << 20;

/// The parameters of a POST request. [`Request`] can be deserialized itself, but takes a missing `query` for an empty
/// one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonBody {
    query: Option<String>,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    extensions: Option<Extensions>,
}

/// The parameters of a GET request (GraphQL over HTTP, section "GET"). `variables` and `extensions` are JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

fn bad_request(message: impl Into<String>) -> RequestError {
    RequestError::malformed(StatusCode::BAD_REQUEST, message)
}

/// Reads a JSON object with `query` and, optionally, `operationName`, `variables` and `extensions`.
///
/// # Errors
/// 400 for everything else, including a batch of requests; `PERSISTED_QUERY_NOT_SUPPORTED` for the hash of a query.
pub(super) fn from_json(body: &[u8]) -> Result<Request, RequestError> {
    // Some programs begin every text with a byte order mark.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // serde also reads a struct from an array of its fields.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(b'[') => return Err(bad_request("Batches are not accepted: send one request at a time.")),
        _ => return Err(bad_request("The body must be a JSON object with `query`.")),
    }
    let JsonBody { query, operation_name, variables, extensions } =
        serde_json::from_slice(body).map_err(|error| bad_request(format!("The body cannot be read: {error}.")))?;
    request(query, operation_name, variables, extensions.unwrap_or_default())
}

/// Reads the parameters of a GET request.
///
/// # Errors
/// 400 for a missing `query`, a parameter that is given twice, and invalid JSON; `PERSISTED_QUERY_NOT_SUPPORTED` for the
/// hash of a query.
pub(super) fn from_query_string(uri: &Uri) -> Result<Request, RequestError> {
    let axum::extract::Query(parameters) = axum::extract::Query::<QueryString>::try_from_uri(uri).map_err(|_| {
        bad_request(
            "The query string must hold `query` once, and `operationName`, `variables` and `extensions` at most once.",
        )
    })?;
    let QueryString { query, operation_name, variables, extensions } = parameters;
    request(query, operation_name, json("variables", variables)?, json("extensions", extensions)?)
}

/// A request of its parameters. An empty `operationName` names no operation, as clients send it for an unnamed one.
fn request(
    query: Option<String>,
    operation_name: Option<String>,
    variables: Variables,
    extensions: Extensions,
) -> Result<Request, RequestError> {
    let query = query.ok_or_else(|| {
        if extensions.contains_key("persistedQuery") {
            RequestError::persisted_query_not_supported()
        } else {
            bad_request("`query` is missing.")
        }
    })?;
    let mut request = Request::new(query).variables(variables);
    request.operation_name = operation_name.filter(|name| !name.is_empty());
    request.extensions = extensions;
    Ok(request)
}

/// Parses a parameter; the default where it is absent, empty or null.
fn json<T: DeserializeOwned + Default>(name: &str, text: Option<String>) -> Result<T, RequestError> {
    let text = text.filter(|text| !text.is_empty());
    let parsed = text.map(|text| serde_json::from_str::<Option<T>>(&text)).transpose();
    parsed
        .map(|value| value.flatten().unwrap_or_default())
        .map_err(|error| bad_request(format!("`{name}` cannot be read: {error}.")))
}

/// Reads a whole body.
///
/// # Errors
/// `PAYLOAD_TOO_LARGE` above the limit, 408 after the timeout, 400 when the client breaks off.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, settings: &Settings) -> Result<Vec<u8>, RequestError> {
    let announced: Option<usize> =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    let reading = async {
        let mut read = Vec::with_capacity(announced.unwrap_or(0).min(settings.body_bytes));
        let mut total = 0_usize;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| bad_request("The body broke off."))?;
            total = total.saturating_add(chunk.len());
            if total <= settings.body_bytes {
                read.extend_from_slice(&chunk);
            } else if total > DRAINED_BYTES {
                break;
            }
        }
        if total > settings.body_bytes {
            let message = format!("The body is larger than {} bytes.", settings.body_bytes);
            return Err(RequestError::new(ErrorCode::PayloadTooLarge, message));
        }
        Ok(read)
    };
    match tokio::time::timeout(settings.body_timeout, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(RequestError::malformed(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_string_names_the_operation() {
        let uri = "/graphql?query=query+A%7Ba%7D+query+B%7Bb%7D&operationName=B&variables=%7B%22n%22%3A1%7D";
        let request = from_query_string(&uri.parse().unwrap()).unwrap();
        assert_eq!(request.operation_name.as_deref(), Some("B"));
        assert_eq!(serde_json::to_value(&request.variables).unwrap(), serde_json::json!({"n": 1}));
    }

    #[test]
    fn a_body_is_an_object_with_a_query() {
        for query in ["{a}", ""] {
            let body = format!(r#"{{"query":"{query}","variables":null,"extensions":null,"operationName":null}}"#);
            assert_eq!(from_json(body.as_bytes()).unwrap().query, query);
        }
        let named = from_json("\u{feff}{\"query\":\"{a}\",\"operationName\":\"\"}".as_bytes()).unwrap();
        assert_eq!(named.operation_name, None);
        for wrong in ["[\"{a}\"]", "[]", "{}", "7", "", "{\"query\":1}", "{\"query\":\"{a}\",\"variables\":[]}"] {
            assert!(from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_hash_of_a_query_is_refused_in_the_words_of_its_protocol() {
        let hash = r#"{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}"#;
        let encoded: String = hash.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let refused = [
            from_json(format!(r#"{{"operationName":"A","variables":{{}},"extensions":{hash}}}"#).as_bytes()),
            from_query_string(&format!("/graphql?operationName=A&extensions={encoded}").parse().unwrap()),
        ];
        for outcome in refused {
            let error = outcome.unwrap_err();
            assert_eq!(
                (error.code, error.message.as_str()),
                (ErrorCode::PersistedQueryNotSupported, "PersistedQueryNotSupported")
            );
            assert_eq!(error.status(false), StatusCode::OK);
        }
        let with_document = format!(r#"{{"query":"{{a}}","extensions":{hash}}}"#);
        assert_eq!(from_json(with_document.as_bytes()).unwrap().query, "{a}");
    }
}

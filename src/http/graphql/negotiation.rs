//! Media types of requests and responses (RFC 9110, section 12.5.1; GraphQL over HTTP).

use axum::http::{HeaderMap, StatusCode, header};

use super::error::RequestError;

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`, the default: the status of a well-formed request is 200.
    Json,
    /// `application/graphql-response+json`: the status follows from the outcome.
    GraphqlResponse,
    /// `text/event-stream`: graphql-sse in distinct connections mode.
    EventStream,
}

impl Media {
    /// The response's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::EventStream => "text/event-stream",
        }
    }
}

/// Chooses the media type of the response: by quality, then by the order in the header. A wildcard means
/// `application/json`.
///
/// # Errors
/// 406 when the client accepts none.
pub(super) fn accepted(headers: &HeaderMap) -> Result<Media, RequestError> {
    let mut best: Option<(Media, u16)> = None;
    let mut names_any = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            names_any |= !name.is_empty();
            let media = match name.to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" => Media::Json,
                "application/graphql-response+json" => Media::GraphqlResponse,
                "text/event-stream" => Media::EventStream,
                _ => continue,
            };
            let quality = quality(parts);
            if quality > best.map_or(0, |(_, best)| best) {
                best = Some((media, quality));
            }
        }
    }
    match best {
        Some((media, _)) => Ok(media),
        None if !names_any => Ok(Media::Json),
        None => Err(RequestError::malformed(
            StatusCode::NOT_ACCEPTABLE,
            "Responses are `application/graphql-response+json`, `application/json` or `text/event-stream`.",
        )),
    }
}

/// The quality in thousandths; 0 for a type that the client excludes and for a character set other than UTF-8.
fn quality<'a>(parameters: impl Iterator<Item = &'a str>) -> u16 {
    let mut quality = 1000;
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("q") {
            let parsed = value.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,000")]
            let thousandths = (parsed * 1000.0) as u16;
            quality = quality.min(thousandths);
        } else if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return 0;
        }
    }
    quality
}

/// Requires `application/json` in UTF-8: an HTML form of another site cannot send it.
///
/// # Errors
/// 415 for every other type, or none.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), RequestError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    if json && quality(parts.filter(|parameter| !parameter.to_ascii_lowercase().starts_with("q="))) > 0 {
        return Ok(());
    }
    Err(RequestError::malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be `application/json` in UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &'static str) -> Result<Media, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, text.parse().unwrap());
        accepted(&headers).map_err(|error| error.status(true).as_u16())
    }

    #[test]
    fn the_best_that_fits_is_chosen() {
        assert_eq!(accepted(&HeaderMap::new()).unwrap(), Media::Json);
        assert_eq!(accept("*/*"), Ok(Media::Json));
        assert_eq!(accept("application/graphql-response+json, application/json;q=0.9"), Ok(Media::GraphqlResponse));
        assert_eq!(accept("application/graphql-response+json;q=0.5, application/json"), Ok(Media::Json));
        assert_eq!(accept("text/event-stream"), Ok(Media::EventStream));
        assert_eq!(accept("text/html, */*;q=0.1"), Ok(Media::Json));
        assert_eq!(accept("application/json; charset=UTF-8"), Ok(Media::Json));
        for nothing in ["text/html", "application/json;q=0", "application/json; charset=latin1"] {
            assert_eq!(accept(nothing), Err(406), "{nothing}");
        }
    }

    #[test]
    fn only_json_is_read() {
        let check = |text: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            text.map(|text| headers.insert(header::CONTENT_TYPE, text.parse().unwrap()));
            require_json(&headers).is_ok()
        };
        assert!(check(Some("application/json")));
        assert!(check(Some("Application/JSON; Charset=\"utf-8\"")));
        for other in [None, Some("text/plain"), Some("multipart/form-data"), Some("application/json; charset=latin1")] {
            assert!(!check(other), "{other:?}");
        }
    }
}

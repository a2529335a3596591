//! Who sends a plain HTTP request: the same callers as GraphQL's, and devices that know nothing but user and password.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::gateway::{Known, Switchboard};
use super::graphql::{Credentials, Gateway as _};
use super::refusal::Refusal;
use crate::graphql::error_code::ErrorCode;
use crate::graphql::limits::Charge;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Finds out who asks, and takes one request out of their bucket.
///
/// # Errors
/// 401 for a token or key that is not good, 429 over the rate, 503 when it cannot be told now.
pub async fn admitted(switchboard: &Switchboard, parts: &Parts) -> Result<Known, Refusal> {
    let known = switchboard.authenticate(&credentials(parts)?).await?;
    switchboard.admit(&known, Charge::default()).await?;
    Ok(known)
}

/// Takes one request of somebody unknown out of the bucket of their address.
///
/// # Errors
/// 429 over the rate.
pub async fn admitted_as_guest(switchboard: &Switchboard, parts: &Parts) -> Result<(), Refusal> {
    Ok(switchboard.admit(&switchboard.guest(&about(parts)), Charge::default()).await?)
}

/// Gives a browser a cookie with its first page, see [`super::browsers`].
pub async fn greet(State(switchboard): State<Switchboard>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let cookie = joined(&parts.headers, &header::COOKIE, "; ");
    let greeting = switchboard.greeting(&switchboard.guest(&Credentials { cookie, ..about(&parts) }));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // A cache that others share would give them the same cookie, also one that it is told with a 304.
    response.headers_mut().insert(header::CACHE_CONTROL, const { HeaderValue::from_static("private, no-cache") });
    if let Some(cookie) = greeting.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn credentials(parts: &Parts) -> Result<Credentials, Refusal> {
    let headers = &parts.headers;
    let bearer = match headers.get(header::AUTHORIZATION) {
        Some(value) => Some(token(value.to_str().unwrap_or_default()).ok_or_else(|| {
            Refusal::new(
                ErrorCode::Unauthenticated,
                "The authorization must be `Bearer` and a key, or `Basic` with the key as the password.",
            )
        })?),
        None => None,
    };
    let cookie = if bearer.is_some() { None } else { joined(headers, &header::COOKIE, "; ") };
    Ok(Credentials { bearer, cookie, ..about(parts) })
}

/// What a request tells beside who sends it.
fn about(parts: &Parts) -> Credentials {
    let headers = &parts.headers;
    Credentials {
        bearer: None,
        cookie: None,
        peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        forwarded_for: joined(headers, &X_FORWARDED_FOR, ", "),
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        same_origin: false,
    }
}

/// The token of `Bearer` (RFC 6750, section 2.1), or the password of `Basic` (RFC 7617); where the password is empty, the user.
fn token(authorization: &str) -> Option<String> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    let rest = rest.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        if password.is_empty() { user.to_owned() } else { password.to_owned() }
    } else {
        return None;
    };
    (!token.is_empty()).then_some(token)
}

fn joined(headers: &HeaderMap, name: &HeaderName, by: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(by))
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_key_comes_as_a_bearer_token_or_as_a_password() {
        assert_eq!(token("Bearer swb_1").as_deref(), Some("swb_1"));
        assert_eq!(token("basic cGJ4OnN3Yl8x").as_deref(), Some("swb_1"));
        assert_eq!(token("Basic c3diXzE6").as_deref(), Some("swb_1"));
        for bad in ["", "Bearer", "Bearer ", "Digest x", "Basic %%%", "Basic c3diXzE=", "Basic Og=="] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}

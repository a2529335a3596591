//! Authentication of plain HTTP requests: the callers of GraphQL, and devices that can send only a user and a password.

use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::app_state::{AppState, RequestContext};
use super::credentials::Credentials;
use super::http_error::HttpError;
use crate::graphql::limits::Charge;

/// Authenticates a request and takes it from the caller's bucket. A request whose credentials fail is taken from the
/// bucket of its address.
///
/// # Errors
/// 401 for a token or key that is unknown, expired or revoked, 429 over the rate, 503 when the database cannot be read.
pub async fn authenticate(state: &AppState, parts: &Parts) -> Result<RequestContext, HttpError> {
    let credentials = Credentials::of_request(parts, |authorization| token(authorization).ok_or(MALFORMED));
    let context = state.authenticate(&credentials).await?;
    state.charge(&context, Charge::default())?;
    Ok(context)
}

/// Takes a request from the bucket of its address, whatever credentials it has.
///
/// # Errors
/// 429 over the rate.
pub fn charge_address(state: &AppState, parts: &Parts) -> Result<(), HttpError> {
    Ok(state.charge(&state.guest(&Credentials::of_connection(parts)), Charge::default())?)
}

/// The sentence about an `Authorization` header that cannot be read.
const MALFORMED: &str = "The authorization must be `Bearer` and a key, or `Basic` with the key as the password.";

/// The token of `Bearer` (RFC 6750, section 2.1), or the password of `Basic` (RFC 7617); the user where the password is
/// empty.
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

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_key_is_a_bearer_token_or_a_password() {
        assert_eq!(token("Bearer swb_1").as_deref(), Some("swb_1"));
        assert_eq!(token("basic cGJ4OnN3Yl8x").as_deref(), Some("swb_1"));
        assert_eq!(token("Basic c3diXzE6").as_deref(), Some("swb_1"));
        for bad in ["", "Bearer", "Bearer ", "Digest x", "Basic %%%", "Basic c3diXzE=", "Basic Og=="] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}

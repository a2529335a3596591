//! The cookie by which guests behind one address are told apart: a camp sits behind one router, and nobody's page may stand still
//! because others read much.
//!
//! It holds a random number, sealed so that nobody makes one up, and nothing about whoever has it. It is given with a page, where
//! rates hold at all, and goes when the browser is closed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::graphql::accounts::cookie;
use platform::error::InternalError;
use platform::secrets::SealContext;
use platform::services::Services;

const SEAL_CONTEXT: SealContext<'static> = SealContext::new("cookies", b"", "browser");
const ID_BYTES: usize = 16;
/// No cookie of ours is longer, in characters.
const LONGEST: usize = 128;

/// A guest's browser.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Browser([u8; ID_BYTES]);

impl Browser {
    /// The browser that sent this `Cookie` header, if it was given a cookie here.
    pub fn from_cookie(services: &Services, header: &str, plain_http: bool) -> Option<Self> {
        let value = cookie::value_of(header, name(plain_http)).filter(|value| value.len() <= LONGEST)?;
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        // After a rotation a browser gets another with its next page: looking for a key that is not there would read its file.
        if services.sealer.needs_resealing(&sealed) {
            return None;
        }
        let id = services.sealer.open(&SEAL_CONTEXT, &sealed).ok()?;
        id.as_slice().try_into().map(Self).ok()
    }

    /// The `Set-Cookie` header that makes a browser known from now on.
    ///
    /// # Errors
    /// When there is no key to seal it with.
    pub fn new_cookie(services: &Services, plain_http: bool) -> Result<String, InternalError> {
        let id: [u8; ID_BYTES] = services.rng.bytes();
        let sealed = services.sealer.seal(&SEAL_CONTEXT, &id)?;
        Ok(cookie::set(name(plain_http), &URL_SAFE_NO_PAD.encode(sealed), None, plain_http))
    }

    /// A browser that a test knows.
    #[cfg(test)]
    pub const fn known(id: [u8; ID_BYTES]) -> Self {
        Self(id)
    }
}

const fn name(plain_http: bool) -> &'static str {
    if plain_http { "switchboard-lan-browser" } else { "__Host-switchboard-browser" }
}

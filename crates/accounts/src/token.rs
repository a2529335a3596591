//! Tokens of sessions and mails, and API keys: 256 random bits that are shown once and stored as a hash.
//!
//! A fast hash is right here: nobody can guess 256 bits, so there is nothing that a slow one would slow down.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use platform::clock::Rng;
use platform::secrets::Secret;

/// A token: the bearer of it is taken for its owner. Shown as 43 characters of base64url.
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// Draws a new token.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Reads a token as it was shown. None when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        // base64url of 32 bytes is 43 characters; the decoder must not be fed a megabyte first.
        if text.len() != 43 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        bytes.as_slice().try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The text for its owner, the only time that it is shown.
    pub fn reveal(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.as_ref()))
    }

    /// What is stored. Looking a token up by its hash needs no comparison in constant time: what an attacker could
    /// learn from the index are bits of a hash that he cannot steer.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_ref()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

/// The SHA-256 of a token, as it is stored. Equality takes constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The 32 bytes for the database.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads what the database has. None when it is not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token hash]")
    }
}

/// The public part of an API key, by which its row is found: 16 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyId(String);

impl ApiKeyId {
    /// The digits, which lists and logs may show.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An API key, shown as `swb_<id>_<secret>`. The prefix lets scanners of published code recognise a leaked key.
#[derive(Debug)]
pub struct ApiKey {
    id: ApiKeyId,
    token: Token,
}

impl ApiKey {
    const PREFIX: &str = "swb_";

    /// Draws a new key.
    pub fn generate(rng: &dyn Rng) -> Self {
        Self { id: ApiKeyId(hex::encode(rng.bytes::<8>())), token: Token::generate(rng) }
    }

    /// Whether a bearer's text means to be an API key and not a session's token.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    /// Reads a key as it was shown. None when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(Self::PREFIX)?.split_once('_')?;
        let is_id = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return None;
        }
        Some(Self { id: ApiKeyId(id.to_owned()), token: Token::parse(secret)? })
    }

    /// The public part.
    pub const fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// The text for its owner, the only time that it is shown.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{}{}_{}", Self::PREFIX, self.id, self.token.reveal().expose()))
    }

    /// What is stored beside the id.
    pub fn hash(&self) -> TokenHash {
        self.token.hash()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use platform::clock::SeededRng;

    #[test]
    fn a_token_is_shown_and_read_back() {
        let token = Token::generate(&SeededRng::new(1));
        let shown = token.reveal();
        assert_eq!(shown.expose().len(), 43);
        assert_eq!(Token::parse(shown.expose()).unwrap().hash(), token.hash());
        assert_eq!(TokenHash::from_bytes(token.hash().as_bytes()), Some(token.hash()));
        assert_ne!(Token::generate(&SeededRng::new(2)).hash(), token.hash());
        assert_eq!(format!("{token:?} {:?}", token.hash()), "[token] [token hash]");
    }

    #[test]
    fn a_key_is_shown_and_read_back() {
        // Many seeds, since the secret may hold the separator.
        for seed in 0..200 {
            let key = ApiKey::generate(&SeededRng::new(seed));
            let shown = key.reveal();
            assert!(ApiKey::is_meant_by(shown.expose()));
            let back = ApiKey::parse(shown.expose()).unwrap();
            assert_eq!((back.id(), back.hash()), (key.id(), key.hash()));
            assert!(!format!("{key:?}").contains(key.token.reveal().expose()));
        }
    }

    #[test]
    fn near_misses_are_not_keys() {
        let shown = ApiKey::generate(&SeededRng::new(1)).reveal();
        let shown = shown.expose();
        for text in [
            &shown[..shown.len() - 1],
            &shown[1..],
            &shown.to_uppercase(),
            &format!("{shown}="),
            &format!(" {shown}"),
            "swb__",
            "swb_",
            "",
        ] {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parsers(text in "\\PC*", tail in "[A-Za-z0-9_-]{0,64}") {
            for text in [text.as_str(), tail.as_str(), &format!("swb_{tail}"), &format!("swb_0123456789abcdef_{tail}")] {
                if let Some(token) = Token::parse(text) {
                    prop_assert!(token.reveal().expose() == text);
                }
                if let Some(key) = ApiKey::parse(text) {
                    prop_assert!(key.reveal().expose() == text);
                }
            }
        }
    }
}

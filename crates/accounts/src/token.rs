//! Session tokens, mail tokens and API keys: 256 random bits that are shown once and stored as a hash.
//!
//! A fast hash is sufficient: 256 random bits cannot be guessed, so a slow hash would add no protection.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::clock::Rng;
use platform::secrets::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A bearer token of 256 random bits. Its text form is 43 characters of base64url (RFC 4648, section 5).
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// Generates a new token.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Parses the text form; `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        // Checks the length first, so that the decoder never runs on an input of arbitrary size.
        if text.len() != 43 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        bytes.as_slice().try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The text form for the owner, which is shown only once.
    pub fn reveal(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.as_ref()))
    }

    /// The hash that is stored. A lookup by hash needs no comparison in constant time: the timing of the index reveals
    /// at most bits of a hash that an attacker cannot choose.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_ref()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

/// The SHA-256 of a token. Equality is compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The 32 bytes for the database.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a stored hash; `None` if it is not 32 bytes.
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

/// The public part of an API key, under which its row is stored: 16 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyPrefix(String);

impl ApiKeyPrefix {
    /// The digits. They are public: lists and logs may show them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An API key with its secret. Its text form is `swb_<prefix>_<token>`: the marker lets secret scanners recognise a
/// leaked key.
#[derive(Debug)]
pub struct ApiKeyToken {
    prefix: ApiKeyPrefix,
    token: Token,
}

impl ApiKeyToken {
    const MARKER: &str = "swb_";

    /// Generates a new key.
    pub fn generate(rng: &dyn Rng) -> Self {
        Self { prefix: ApiKeyPrefix(hex::encode(rng.bytes::<8>())), token: Token::generate(rng) }
    }

    /// Whether a bearer token starts with the marker of API keys; otherwise it is a session token.
    pub fn has_marker(text: &str) -> bool {
        text.starts_with(Self::MARKER)
    }

    /// Parses the text form; `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, token) = text.strip_prefix(Self::MARKER)?.split_once('_')?;
        let is_prefix = prefix.len() == 16 && prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_prefix {
            return None;
        }
        Some(Self { prefix: ApiKeyPrefix(prefix.to_owned()), token: Token::parse(token)? })
    }

    /// The public part.
    pub const fn prefix(&self) -> &ApiKeyPrefix {
        &self.prefix
    }

    /// The text form for the owner, which is shown only once.
    pub fn reveal(&self) -> Secret {
        Secret::new(format!("{}{}_{}", Self::MARKER, self.prefix, self.token.reveal().expose()))
    }

    /// The hash of the token, which is stored beside the prefix.
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
    fn a_token_round_trips() {
        let token = Token::generate(&SeededRng::new(1));
        let shown = token.reveal();
        assert_eq!(shown.expose().len(), 43);
        assert_eq!(Token::parse(shown.expose()).unwrap().hash(), token.hash());
        assert_eq!(TokenHash::from_bytes(token.hash().as_bytes()), Some(token.hash()));
        assert_ne!(Token::generate(&SeededRng::new(2)).hash(), token.hash());
        assert_eq!(format!("{token:?} {:?}", token.hash()), "[token] [token hash]");
    }

    #[test]
    fn an_api_key_round_trips() {
        // Many seeds, because the token may contain the separator.
        for seed in 0..200 {
            let key = ApiKeyToken::generate(&SeededRng::new(seed));
            let shown = key.reveal();
            assert!(ApiKeyToken::has_marker(shown.expose()));
            let back = ApiKeyToken::parse(shown.expose()).unwrap();
            assert_eq!((back.prefix(), back.hash()), (key.prefix(), key.hash()));
            assert!(!format!("{key:?}").contains(key.token.reveal().expose()));
        }
    }

    #[test]
    fn invalid_api_keys_are_rejected() {
        let shown = ApiKeyToken::generate(&SeededRng::new(1)).reveal();
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
            assert!(ApiKeyToken::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_accepts_only_what_reveal_returns(text in "\\PC*", tail in "[A-Za-z0-9_-]{0,64}") {
            for text in [text.as_str(), tail.as_str(), &format!("swb_{tail}"), &format!("swb_0123456789abcdef_{tail}")] {
                if let Some(token) = Token::parse(text) {
                    prop_assert!(token.reveal().expose() == text);
                }
                if let Some(key) = ApiKeyToken::parse(text) {
                    prop_assert!(key.reveal().expose() == text);
                }
            }
        }
    }
}

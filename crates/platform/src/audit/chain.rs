//! The hash chain over audit rows, and the MAC of each row.
//!
//! A row gets its MAC in the transaction that appends it, so a row that another program inserted has none. Each link
//! covers its row and the previous link, so a modified, moved or removed row invalidates every later link. Both are
//! HMAC-SHA-256 (RFC 2104) under the audit key, which a copy of the database does not reveal.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::clock::{Rng, Timestamp};
use crate::error::InternalError;

/// A link of the chain: the hash over the previous link and a row.
pub type Link = [u8; 32];

/// Predecessor of the first link.
pub const GENESIS: Link = [0; 32];

/// Length of the random value in front of a row's MAC, which makes the MACs of equal rows different.
const NONCE_BYTES: usize = 16;

/// The hashed fields of an audit row. Texts are hashed as the database returns them, so their column types must
/// preserve them byte by byte (no `jsonb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'r> {
    /// Time of the action.
    pub at: Timestamp,
    /// The actor, such as a username.
    pub actor: &'r str,
    /// The interface, such as `graphql`.
    pub via: &'r str,
    /// The action's name.
    pub action: &'r str,
    /// Global id of the entity.
    pub entity: Option<&'r str>,
    /// Description of the change, without secrets.
    pub summary: &'r str,
    /// Id of the HTTP request.
    pub request_id: Option<&'r str>,
}

impl Row<'_> {
    /// Passes the fields to a hash: the time (big-endian) and each text with a presence byte and its length (8 bytes,
    /// big-endian), so that different rows have different input.
    fn update(&self, mut hash: impl FnMut(&[u8])) {
        hash(&self.at.0.to_be_bytes());
        let texts =
            [Some(self.actor), Some(self.via), Some(self.action), self.entity, Some(self.summary), self.request_id];
        for text in texts {
            match text {
                None => hash(&[0]),
                Some(text) => {
                    hash(&[1]);
                    hash(&(text.len() as u64).to_be_bytes());
                    hash(text.as_bytes());
                }
            }
        }
    }
}

/// Returns the link of a row of an earlier version, which had no key: SHA-256 over a label, `previous`, the sequence
/// number and the fields.
pub fn unkeyed_link(previous: &Link, seq: i64, row: &Row<'_>) -> Link {
    let mut hash = Sha256::new();
    hash.update(b"switchboard audit 1\0");
    hash.update(previous);
    hash.update(seq.to_be_bytes());
    row.update(|bytes| hash.update(bytes));
    hash.finalize().into()
}

/// The key of the audit.
pub struct ChainKey(Zeroizing<[u8; 32]>);

impl ChainKey {
    /// Generates a key.
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(Zeroizing::new(rng.bytes()))
    }

    /// Creates the key from its 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Returns the bytes, which are stored sealed only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the link of a row after `previous`.
    ///
    /// # Errors
    /// When the key cannot be used, which does not happen for 32 bytes.
    pub fn link(&self, previous: &Link, seq: i64, row: &Row<'_>, mac: &[u8]) -> Result<Link, InternalError> {
        self.hash(b"switchboard audit 2\0", |hash| {
            hash.update(previous);
            hash.update(&seq.to_be_bytes());
            row.update(|bytes| hash.update(bytes));
            hash.update(&(mac.len() as u64).to_be_bytes());
            hash.update(mac);
        })
    }

    /// Returns the MAC of a new row: a random value and the HMAC over it and the fields. The sequence number is not
    /// known yet; the link covers it.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub fn sign(&self, rng: &dyn Rng, row: &Row<'_>) -> Result<Vec<u8>, InternalError> {
        let nonce: [u8; NONCE_BYTES] = rng.bytes();
        let mut mac = nonce.to_vec();
        mac.extend_from_slice(&self.row_mac(&nonce, row)?);
        Ok(mac)
    }

    /// Returns whether this program has written the row.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub fn is_signed(&self, row: &Row<'_>, mac: &[u8]) -> Result<bool, InternalError> {
        let Some((nonce, mac)) = mac.split_at_checked(NONCE_BYTES) else { return Ok(false) };
        Ok(self.row_mac(nonce, row)?.ct_eq(mac).into())
    }

    fn row_mac(&self, nonce: &[u8], row: &Row<'_>) -> Result<Link, InternalError> {
        self.hash(b"switchboard audit row\0", |hash| {
            hash.update(nonce);
            row.update(|bytes| hash.update(bytes));
        })
    }

    fn hash(&self, label: &[u8], update: impl FnOnce(&mut Hmac<Sha256>)) -> Result<Link, InternalError> {
        let mut hash = Hmac::<Sha256>::new_from_slice(self.0.as_ref()).map_err(InternalError::new)?;
        hash.update(label);
        update(&mut hash);
        Ok(hash.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;

    const ROW: Row<'static> = Row {
        at: Timestamp(1_000_001),
        actor: "arthur",
        via: "graphql",
        action: "registerExtension",
        entity: Some("Extension:1"),
        summary: "2342 on sip",
        request_id: None,
    };

    fn variants() -> Vec<Row<'static>> {
        vec![
            Row { at: Timestamp(1_000_002), ..ROW },
            Row { via: "graphqlr", action: "egisterExtension", ..ROW },
            Row { entity: None, ..ROW },
            Row { request_id: Some(""), ..ROW },
        ]
    }

    #[test]
    fn a_link_depends_on_every_field_the_key_and_the_previous_link() {
        let key = ChainKey::generate(&SeededRng::new(1));
        let link = |row: &Row<'_>| key.link(&GENESIS, 1, row, b"mac").unwrap();
        let plain = link(&ROW);
        assert_eq!(plain, link(&ROW));
        for row in variants() {
            assert_ne!(plain, link(&row), "{row:?}");
            assert_ne!(unkeyed_link(&GENESIS, 1, &ROW), unkeyed_link(&GENESIS, 1, &row), "{row:?}");
        }
        assert_ne!(plain, key.link(&plain, 1, &ROW, b"mac").unwrap());
        assert_ne!(plain, key.link(&GENESIS, 2, &ROW, b"mac").unwrap());
        assert_ne!(plain, key.link(&GENESIS, 1, &ROW, b"").unwrap());
        assert_ne!(plain, ChainKey::generate(&SeededRng::new(2)).link(&GENESIS, 1, &ROW, b"mac").unwrap());
    }

    #[test]
    fn only_the_key_signs_a_row() {
        let rng = SeededRng::new(1);
        let (key, other) = (ChainKey::generate(&rng), ChainKey::generate(&rng));
        let mac = key.sign(&rng, &ROW).unwrap();
        assert!(key.is_signed(&ROW, &mac).unwrap());
        assert_ne!(mac, key.sign(&rng, &ROW).unwrap(), "equal rows have equal MACs");
        assert!(!other.is_signed(&ROW, &mac).unwrap());
        for row in variants() {
            assert!(!key.is_signed(&row, &mac).unwrap(), "{row:?}");
        }
        for at in 0..mac.len() {
            let mut changed = mac.clone();
            changed[at] ^= 1;
            assert!(!key.is_signed(&ROW, &changed).unwrap() && !key.is_signed(&ROW, &mac[..at]).unwrap(), "byte {at}");
        }
    }
}

//! Keyed digests for the comparison of sealed secrets.
//!
//! Some secrets must be unique, and sealed values cannot be compared, as every sealing draws a new nonce. Therefore a
//! digest is stored beside the sealed value: HMAC-SHA-256 (RFC 2104) under a random key. A plain hash of a six-digit
//! code can be inverted by brute force; the key is sealed, so a copy of the database does not reveal it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Sealer;
use super::stored::{COMPARISON_KEY, open_stored_key, store_key};
use crate::clock::Rng;
use crate::error::{Error, InternalError};
use crate::store::Conn;

/// Length of the key in bytes, equal to the hash's (RFC 2104, section 3).
const KEY_BYTES: usize = 32;

/// The installation's key for digests of secret values.
pub struct ComparisonKey(Zeroizing<Vec<u8>>);

impl ComparisonKey {
    /// Loads the installation's key. The first call generates, seals and stores it.
    ///
    /// # Errors
    /// When the database fails or the stored key cannot be opened.
    pub async fn load_or_create(conn: &mut Conn, sealer: &Sealer, rng: &dyn Rng) -> Result<Self, Error> {
        if let Some(key) = open_stored_key(conn, sealer, COMPARISON_KEY).await? {
            return Ok(Self(key));
        }
        let generated = Zeroizing::new(rng.bytes::<KEY_BYTES>());
        store_key(conn, sealer, COMPARISON_KEY, &*generated).await?;
        // Of two concurrent first calls only one inserts its key.
        let stored = open_stored_key(conn, sealer, COMPARISON_KEY).await?;
        let key = stored.ok_or_else(|| InternalError::new("the comparison key is missing after its insertion"))?;
        Ok(Self(key))
    }

    /// Creates a key from known bytes, for tests.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Returns the digest of a value as 64 hexadecimal digits. It depends on `context`, so equal values of different
    /// fields have different digests.
    ///
    /// # Errors
    /// When the key has an invalid length.
    pub fn digest(&self, context: &[&[u8]], value: &str) -> Result<String, InternalError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(InternalError::new)?;
        for part in context {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(value.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::reseal_stored_keys;
    use super::*;
    use crate::clock::SeededRng;
    use crate::store::DatabaseUrl;
    use crate::store::Store;

    #[tokio::test]
    async fn instances_share_one_key_and_resealing_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("switchboard.db"))).await.unwrap();
        let sealer = Arc::new(Sealer::load_or_create(folder.path(), None, Arc::new(SeededRng::new(1))).unwrap());
        let digest = async |seed: u64| {
            let sealer = Arc::clone(&sealer);
            let made = store.write(move |conn| {
                Box::pin(async move { ComparisonKey::load_or_create(conn, &sealer, &SeededRng::new(seed)).await })
            });
            made.await.unwrap().digest(&[b"camp", b"pin"], "000000").unwrap()
        };
        let first = digest(2).await;
        assert_eq!(digest(3).await, first);
        sealer.add_key().unwrap();
        let resealed = async || {
            let sealer = Arc::clone(&sealer);
            store.write(move |conn| Box::pin(async move { reseal_stored_keys(conn, &sealer).await })).await.unwrap()
        };
        assert_eq!((resealed().await, resealed().await), (1, 0));
        assert_eq!(digest(4).await, first);
    }

    #[test]
    fn the_digest_is_that_of_the_standard_and_hangs_on_the_seal_context() {
        // RFC 4231, test case 1, whose key is shorter than a block.
        let key = ComparisonKey::from_bytes(&[0x0b; 20]);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(key.digest(&[], "Hi There").unwrap(), expected);
        let expected = key.digest(&[b"camp", b"pin"], "1").unwrap();
        for other in [[&b"fair"[..], b"pin"], [b"camp", b"puk"], [b"campp", b"in"]] {
            assert_ne!(key.digest(&other, "1").unwrap(), expected);
        }
    }
}

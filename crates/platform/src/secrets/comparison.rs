//! Comparing secret values without keeping them.
//!
//! Two extensions may not have one unique secret, and sealed values cannot be compared: the same value never looks the same
//! twice. So a digest stands beside it: HMAC-SHA-256 (RFC 2104) under a random key. A plain hash would give away a code of six
//! digits to whoever tries a million of them; the key is sealed, so a copy of the database alone does not hold it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Place, Sealer, queries};
use crate::clock::Rng;
use crate::error::{Error, InternalError};
use crate::store::Conn;

/// The row that holds the key.
const NAME: &str = "comparison";
/// The key's length in bytes: that of the hash (RFC 2104 §3).
const KEY_BYTES: usize = 32;

/// The installation's key for digests of secret values.
pub struct ComparisonKey(Zeroizing<Vec<u8>>);

impl ComparisonKey {
    /// The installation's key; drawn, sealed and stored by whoever asks first.
    ///
    /// # Errors
    /// When the database refuses, or the stored key does not open.
    pub async fn load_or_create(conn: &mut Conn, sealer: &Sealer, rng: &dyn Rng) -> Result<Self, Error> {
        if let Some(sealed) = queries::sealed_key(conn, NAME).await? {
            return Self::open(sealer, &sealed);
        }
        let drawn = Zeroizing::new(rng.bytes::<KEY_BYTES>());
        let sealed = sealer.seal(&place(), &*drawn).map_err(InternalError::from)?;
        queries::insert_key(conn, NAME, &sealed).await?;
        // Two may have asked first: the one whose row it became decides.
        let kept = queries::sealed_key(conn, NAME)
            .await?
            .ok_or_else(|| InternalError::new("the comparison key vanished while it was made"))?;
        Self::open(sealer, &kept)
    }

    /// A key that a test knows.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    fn open(sealer: &Sealer, sealed: &[u8]) -> Result<Self, Error> {
        Ok(Self(sealer.open(&place(), sealed).map_err(InternalError::from)?))
    }

    /// The digest of a value in its place, 64 hexadecimal digits: the same value in another place looks different.
    ///
    /// # Errors
    /// When the key is none, which storing it excludes.
    pub fn digest(&self, place: &[&[u8]], value: &str) -> Result<String, InternalError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(InternalError::new)?;
        for part in place {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(value.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

/// Seals the key with the newest sealing key, if another one has sealed it; whether it had to.
///
/// # Errors
/// When the database refuses, or the stored key does not open.
pub async fn reseal_comparison_key(conn: &mut Conn, sealer: &Sealer) -> Result<bool, Error> {
    let Some(sealed) = queries::sealed_key(conn, NAME).await?.filter(|sealed| sealer.needs_resealing(sealed)) else {
        return Ok(false);
    };
    let plain = sealer.open(&place(), &sealed).map_err(InternalError::from)?;
    let anew = sealer.seal(&place(), &plain).map_err(InternalError::from)?;
    queries::save_key(conn, NAME, &anew).await?;
    Ok(true)
}

const fn place() -> Place<'static> {
    Place::new("sealed_keys", NAME.as_bytes(), "sealed")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SeededRng;
    use crate::store::DatabaseUrl;
    use crate::store::Store;

    #[tokio::test]
    async fn every_instance_has_one_key_and_it_outlives_a_new_sealing_key() {
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
            store.write(move |conn| Box::pin(async move { reseal_comparison_key(conn, &sealer).await })).await.unwrap()
        };
        assert!(resealed().await && !resealed().await);
        assert_eq!(digest(4).await, first);
    }

    #[test]
    fn the_digest_is_that_of_the_standard_and_hangs_on_the_place() {
        // RFC 4231, test case 1, whose key is shorter than a block.
        let key = ComparisonKey::from_bytes(&[0x0b; 20]);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(key.digest(&[], "Hi There").unwrap(), expected);
        let here = key.digest(&[b"camp", b"pin"], "1").unwrap();
        for other in [[&b"fair"[..], b"pin"], [b"camp", b"puk"], [b"campp", b"in"]] {
            assert_ne!(key.digest(&other, "1").unwrap(), here);
        }
    }
}

//! The digest by which a consumer's copy is compared with its feed.
//!
//! It is the sum modulo 2^256 of SHA-256(id ':' version) over all entries. So adding, changing and removing one entry
//! takes constant time, and the order of the entries does not matter.

use sha2::{Digest as _, Sha256};

/// The digest of a set of entries: 32 bytes, big-endian.
///
/// It detects copies that differ by accident. It is no signature: an attacker that chooses versions can construct a
/// collision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FeedDigest([u8; 32]);

impl FeedDigest {
    /// Reads a stored digest; `None` unless it has 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The digest as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest as a client sees it: 64 hexadecimal digits in lower case.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 hexadecimal digits of either case; `None` for any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Adds the entry `id` at `version`.
    pub fn add(&mut self, id: &str, version: &str) {
        let mut carry = 0u16;
        for (byte, addend) in self.0.iter_mut().zip(entry_hash(id, version)).rev() {
            let [high, low] = (u16::from(*byte) + u16::from(addend) + carry).to_be_bytes();
            *byte = low;
            carry = u16::from(high);
        }
    }

    /// Subtracts the entry `id` at `version`.
    pub fn subtract(&mut self, id: &str, version: &str) {
        let mut borrow = false;
        for (byte, subtrahend) in self.0.iter_mut().zip(entry_hash(id, version)).rev() {
            let (first, under) = byte.overflowing_sub(subtrahend);
            let (second, under_again) = first.overflowing_sub(u8::from(borrow));
            *byte = second;
            borrow = under || under_again;
        }
    }
}

fn entry_hash(id: &str, version: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(id.as_bytes());
    hasher.update(b":");
    hasher.update(version.as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn adding_and_subtracting_the_same_entries_gives_the_empty_digest() {
        let mut digest = FeedDigest::default();
        for n in 0..500 {
            digest.add(&format!("id{n}"), "1");
        }
        for n in (0..500).rev() {
            digest.subtract(&format!("id{n}"), "1");
        }
        assert_eq!(digest, FeedDigest::default());
    }

    #[test]
    fn the_digest_of_one_entry_is_its_hash() {
        let mut digest = FeedDigest::default();
        digest.add("a", "1");
        // printf 'a:1' | sha256sum
        assert_eq!(digest.to_hex(), "2b2c40a6706d9e5f320d553628313833e3668d8b0c8f5b0a25a2ca7d926df6d4");
        assert_eq!(FeedDigest::from_hex(&digest.to_hex().to_uppercase()), Some(digest));
        assert_eq!((FeedDigest::from_hex("00"), FeedDigest::from_hex(&"g".repeat(64))), (None, None));
    }

    proptest! {
        #[test]
        fn the_order_of_entries_does_not_matter(a: [u8; 32], texts: [String; 2]) {
            let [x, y] = &texts;
            let (mut one, mut other) = (FeedDigest(a), FeedDigest(a));
            one.add(x, "1");
            one.add(y, "2");
            other.add(y, "2");
            other.add(x, "1");
            prop_assert_eq!(one, other);
            one.subtract(x, "1");
            one.subtract(y, "2");
            prop_assert_eq!(one, FeedDigest(a));
        }
    }
}

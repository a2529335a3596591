//! The digest of a feed: a sum that a consumer can compare with its own copy.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// A 256-bit sum modulo 2^256 of SHA-256 over the entries of a feed. The order of entries does not matter, and one entry
/// is exchanged by taking the old one away and adding the new one: it costs the same at ten rows and at a million.
///
/// It tells copies apart that differ by accident. It is no signature: whoever chooses versions could make two feeds agree.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct FeedDigest([u8; 32]);

impl FeedDigest {
    /// The digest of a feed without entries.
    pub const EMPTY: Self = Self([0; 32]);

    /// The share of one entry: SHA-256 of `id`, a colon and `version`, both as clients see them.
    pub fn of_entry(id: &str, version: &str) -> Self {
        Self(Sha256::new().chain_update(id).chain_update(":").chain_update(version).finalize().into())
    }

    /// The digest with another share: big-endian addition modulo 2^256.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut sum = [0; 32];
        let mut carry = 0;
        for place in (0..32).rev() {
            let [high, low] = (u16::from(self.0[place]) + u16::from(other.0[place]) + carry).to_be_bytes();
            sum[place] = low;
            carry = u16::from(high);
        }
        Self(sum)
    }

    /// The digest without a share that it has: subtraction modulo 2^256.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let mut complement = other.0.map(|byte| !byte);
        for byte in complement.iter_mut().rev() {
            let (next, carried) = byte.overflowing_add(1);
            *byte = next;
            if !carried {
                break;
            }
        }
        self.plus(Self(complement))
    }

    /// The digest as the database holds it, big-endian.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The digest from the database's bytes, big-endian.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest that a consumer sent: 64 hex digits, of either case; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// 64 hex digits in lower case.
impl fmt::Display for FeedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(FeedDigest::EMPTY.to_string(), "0".repeat(64));
        // printf 'a:1' | sha256sum
        assert_eq!(FeedDigest::of_entry("a", "1").to_string(), "2b2c40a6706d9e5f320d553628313833e3668d8b0c8f5b0a25a2ca7d926df6d4");
        let one = FeedDigest::from_hex(&format!("{:0>64}", 1)).unwrap();
        assert_eq!(FeedDigest::EMPTY.minus(one).to_string(), "f".repeat(64));
        assert_eq!(FeedDigest::EMPTY.minus(one).plus(one), FeedDigest::EMPTY);
        assert_eq!(one.minus(FeedDigest::EMPTY), one);
        assert_eq!(FeedDigest::from_hex("00"), None);
        assert_eq!(FeedDigest::from_hex(&"g".repeat(64)), None);
    }

    proptest! {
        #[test]
        fn a_group_under_addition(a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
            let (a, b, c) = (FeedDigest(a), FeedDigest(b), FeedDigest(c));
            prop_assert_eq!(a.plus(b), b.plus(a));
            prop_assert_eq!(a.plus(b).plus(c), a.plus(b.plus(c)));
            prop_assert_eq!(a.plus(b).minus(b), a);
            prop_assert_eq!(a.minus(a), FeedDigest::EMPTY);
            prop_assert_eq!(FeedDigest::from_hex(&a.to_string()), Some(a));
            prop_assert_eq!(FeedDigest::from_bytes(a.to_bytes()), a);
        }

        #[test]
        fn the_low_half_adds_like_a_number(a: u64, b: u64) {
            let wide = |value: u128| {
                let mut bytes = [0; 32];
                bytes[16..].copy_from_slice(&value.to_be_bytes());
                FeedDigest(bytes)
            };
            prop_assert_eq!(wide(a.into()).plus(wide(b.into())), wide(u128::from(a) + u128::from(b)));
        }
    }
}

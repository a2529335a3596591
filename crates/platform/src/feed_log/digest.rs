//! The sum by which a consumer's copy is compared with the feed.
//!
//! It is the sum modulo 2^256 of SHA-256(id ':' version) over all entries, so that adding, changing and removing one entry
//! costs the same however many there are, and the order does not matter.

use sha2::{Digest as _, Sha256};

/// A sum, as 32 bytes, big-endian.
///
/// It tells copies apart that differ by accident. It is no signature: whoever chooses versions could make two feeds agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sum([u8; 32]);

impl Sum {
    /// Reads a sum as it is stored.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The sum as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The sum as a client sees it: 64 hex digits in lower case.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// The sum that a consumer sent: 64 hex digits, of either case; nothing for any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Adds the entry `id` at `version`.
    pub fn add(&mut self, id: &str, version: &str) {
        let mut carry = 0u16;
        for (byte, addend) in self.0.iter_mut().zip(hash(id, version)).rev() {
            let [high, low] = (u16::from(*byte) + u16::from(addend) + carry).to_be_bytes();
            *byte = low;
            carry = u16::from(high);
        }
    }

    /// Takes the entry `id` at `version` out again.
    pub fn subtract(&mut self, id: &str, version: &str) {
        let mut borrow = false;
        for (byte, subtrahend) in self.0.iter_mut().zip(hash(id, version)).rev() {
            let (first, under) = byte.overflowing_sub(subtrahend);
            let (second, under_again) = first.overflowing_sub(u8::from(borrow));
            *byte = second;
            borrow = under || under_again;
        }
    }
}

fn hash(id: &str, version: &str) -> [u8; 32] {
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
    fn what_is_added_and_taken_out_leaves_nothing() {
        let mut sum = Sum::default();
        for n in 0..500 {
            sum.add(&format!("id{n}"), "1");
        }
        for n in (0..500).rev() {
            sum.subtract(&format!("id{n}"), "1");
        }
        assert_eq!(sum, Sum::default());
    }

    #[test]
    fn one_entry_is_its_hash() {
        let mut sum = Sum::default();
        sum.add("a", "1");
        // printf 'a:1' | sha256sum
        assert_eq!(sum.to_hex(), "2b2c40a6706d9e5f320d553628313833e3668d8b0c8f5b0a25a2ca7d926df6d4");
        assert_eq!(Sum::from_hex(&sum.to_hex().to_uppercase()), Some(sum));
        assert_eq!((Sum::from_hex("00"), Sum::from_hex(&"g".repeat(64))), (None, None));
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(a: [u8; 32], texts: [String; 2]) {
            let [x, y] = &texts;
            let (mut one, mut other) = (Sum(a), Sum(a));
            one.add(x, "1");
            one.add(y, "2");
            other.add(y, "2");
            other.add(x, "1");
            prop_assert_eq!(one, other);
            one.subtract(x, "1");
            one.subtract(y, "2");
            prop_assert_eq!(one, Sum(a));
        }
    }
}

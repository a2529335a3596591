//! The sum by which a consumer's copy is compared with the feed.
//!
//! It is the sum modulo 2^256 of SHA-256(id ':' version) over all entries, so that adding, changing and removing one entry
//! costs the same however many there are, and the order does not matter.

use sha2::{Digest as _, Sha256};

/// A sum, as 32 bytes, big-endian.
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
        assert_eq!(sum.to_hex(), hex::encode(Sha256::digest(b"a:1")));
    }
}

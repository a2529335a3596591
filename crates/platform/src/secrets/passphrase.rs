//! Sealing a file with a passphrase, for `export --with-secrets`.
//!
//! The file is `magic line ‖ m ‖ t ‖ p (u32 each, big-endian) ‖ salt (16) ‖ nonce (24) ‖ ciphertext ‖ tag`. The key
//! is Argon2id (RFC 9106) of the passphrase, the cipher XChaCha20-Poly1305, the associated data all that is before
//! the ciphertext. The cost is in the file, so that it can rise later.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{SealingError, Secret};
use crate::clock::Rng;

const MAGIC: &[u8] = b"switchboard sealed file 1\n";
const HEAD: usize = MAGIC.len() + 12 + 16 + 24;

/// 64 MiB and three passes, the second recommendation of RFC 9106, section 4, with one lane.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// Whether opening costs no more than a machine has to spare: a file from elsewhere must not take all memory.
    const fn is_bearable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 16 && self.lanes <= 16
    }

    fn key(self, passphrase: &Secret, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealingError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| SealingError::WrongPassphrase)?;
        let mut key = Zeroizing::new([0; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2
            .hash_password_into(passphrase.expose().as_bytes(), salt, key.as_mut())
            .map_err(|_| SealingError::Failed)?;
        Ok(key)
    }
}

/// Seals a file's bytes. Takes about a tenth of a second and 64 MiB.
///
/// # Errors
/// When the cipher or the hash fails, which needs a file of more than 256 GiB.
pub fn seal_with_passphrase(rng: &dyn Rng, passphrase: &Secret, plain: &[u8]) -> Result<Vec<u8>, SealingError> {
    let salt: [u8; 16] = rng.bytes();
    let nonce: [u8; 24] = rng.bytes();
    let mut sealed = Vec::with_capacity(HEAD + plain.len() + 16);
    sealed.extend_from_slice(MAGIC);
    for number in [COST.memory_kib, COST.passes, COST.lanes] {
        sealed.extend_from_slice(&number.to_be_bytes());
    }
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(&nonce);
    let cipher = XChaCha20Poly1305::new((&*COST.key(passphrase, &salt)?).into());
    let text =
        cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &sealed }).map_err(|_| SealingError::Failed)?;
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

/// Whether these bytes begin as a file sealed with a passphrase.
pub fn is_sealed_with_passphrase(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Opens a file's bytes.
///
/// # Errors
/// [`SealingError::Damaged`] when it is no sealed file or asks for more than 1 GiB of memory;
/// [`SealingError::WrongPassphrase`] when it does not open.
pub fn open_with_passphrase(passphrase: &Secret, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
    let (head, text) = sealed.split_at_checked(HEAD).ok_or(SealingError::Damaged)?;
    let rest = head.strip_prefix(MAGIC).ok_or(SealingError::Damaged)?;
    let (memory, rest) = rest.split_first_chunk::<4>().ok_or(SealingError::Damaged)?;
    let (passes, rest) = rest.split_first_chunk::<4>().ok_or(SealingError::Damaged)?;
    let (lanes, rest) = rest.split_first_chunk::<4>().ok_or(SealingError::Damaged)?;
    let (salt, nonce) = rest.split_first_chunk::<16>().ok_or(SealingError::Damaged)?;
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| SealingError::Damaged)?;
    let cost = Cost {
        memory_kib: u32::from_be_bytes(*memory),
        passes: u32::from_be_bytes(*passes),
        lanes: u32::from_be_bytes(*lanes),
    };
    if !cost.is_bearable() {
        return Err(SealingError::Damaged);
    }
    let cipher = XChaCha20Poly1305::new((&*cost.key(passphrase, salt)?).into());
    let plain = cipher.decrypt(&XNonce::from(nonce), Payload { msg: text, aad: head });
    plain.map(Zeroizing::new).map_err(|_| SealingError::WrongPassphrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn a_file_opens_with_its_passphrase_only() {
        let rng = SeededRng::new(1);
        let sealed = seal_with_passphrase(&rng, &Secret::new("correct horse"), b"number,password\n").unwrap();
        assert!(is_sealed_with_passphrase(&sealed));
        assert_eq!(*open_with_passphrase(&Secret::new("correct horse"), &sealed).unwrap(), b"number,password\n");
        assert!(matches!(
            open_with_passphrase(&Secret::new("correct house"), &sealed),
            Err(SealingError::WrongPassphrase)
        ));
        let mut changed = sealed.clone();
        changed[HEAD - 1] ^= 1;
        assert!(open_with_passphrase(&Secret::new("correct horse"), &changed).is_err());
    }

    #[test]
    fn a_file_that_asks_for_all_memory_is_refused_unread() {
        let mut greedy = MAGIC.to_vec();
        greedy.extend_from_slice(&[0xff; 12]);
        greedy.extend_from_slice(&[0; 16 + 24 + 16]);
        assert!(matches!(open_with_passphrase(&Secret::new("x"), &greedy), Err(SealingError::Damaged)));
        assert!(matches!(open_with_passphrase(&Secret::new("x"), b"number,label\n"), Err(SealingError::Damaged)));
    }
}

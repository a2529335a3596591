//! Encryption of a file with a passphrase, for `export --with-secrets`.
//!
//! The file is `magic line ‖ m ‖ t ‖ p (u32 each, big-endian) ‖ salt (16) ‖ nonce (24) ‖ ciphertext ‖ tag`. The key
//! is Argon2id (RFC 9106) of the passphrase, the cipher XChaCha20-Poly1305, the associated data everything before the
//! ciphertext. The file contains the cost parameters, so that later versions can increase them.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{SealingError, Secret};
use crate::clock::Rng;

const MAGIC: &[u8] = b"switchboard sealed file 1\n";
const HEADER_BYTES: usize = MAGIC.len() + 12 + 16 + 24;

/// The second recommendation of RFC 9106, section 4 (64 MiB, three passes), with one lane.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 1 };

#[derive(Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// Returns whether the cost is within limits: a malicious file must not exhaust memory or time.
    const fn is_acceptable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 16 && self.lanes <= 16
    }

    fn derive_key(self, passphrase: &Secret, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealingError> {
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

/// Encrypts the content of a file. Takes about 0.1 s and 64 MiB of memory.
///
/// # Errors
/// When the content exceeds the cipher's limit of 256 GiB.
pub fn seal_with_passphrase(rng: &dyn Rng, passphrase: &Secret, plain: &[u8]) -> Result<Vec<u8>, SealingError> {
    let salt: [u8; 16] = rng.bytes();
    let nonce: [u8; 24] = rng.bytes();
    let mut sealed = Vec::with_capacity(HEADER_BYTES + plain.len() + 16);
    sealed.extend_from_slice(MAGIC);
    for number in [COST.memory_kib, COST.passes, COST.lanes] {
        sealed.extend_from_slice(&number.to_be_bytes());
    }
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(&nonce);
    let cipher = XChaCha20Poly1305::new((&*COST.derive_key(passphrase, &salt)?).into());
    let text =
        cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &sealed }).map_err(|_| SealingError::Failed)?;
    sealed.extend_from_slice(&text);
    Ok(sealed)
}

/// Returns whether the bytes begin like a file that is encrypted with a passphrase.
pub fn is_sealed_with_passphrase(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Decrypts the content of a file.
///
/// # Errors
/// [`SealingError::Damaged`] for a file of another format or one whose key derivation needs more than 1 GiB of memory;
/// [`SealingError::WrongPassphrase`] when the decryption fails.
pub fn open_with_passphrase(passphrase: &Secret, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
    let (header, text) = sealed.split_at_checked(HEADER_BYTES).ok_or(SealingError::Damaged)?;
    let rest = header.strip_prefix(MAGIC).ok_or(SealingError::Damaged)?;
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
    if !cost.is_acceptable() {
        return Err(SealingError::Damaged);
    }
    let cipher = XChaCha20Poly1305::new((&*cost.derive_key(passphrase, salt)?).into());
    let plain = cipher.decrypt(&XNonce::from(nonce), Payload { msg: text, aad: header });
    plain.map(Zeroizing::new).map_err(|_| SealingError::WrongPassphrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn a_file_opens_only_with_its_passphrase() {
        let rng = SeededRng::new(1);
        let sealed = seal_with_passphrase(&rng, &Secret::new("correct horse"), b"number,password\n").unwrap();
        assert!(is_sealed_with_passphrase(&sealed));
        assert_eq!(*open_with_passphrase(&Secret::new("correct horse"), &sealed).unwrap(), b"number,password\n");
        assert!(matches!(
            open_with_passphrase(&Secret::new("correct house"), &sealed),
            Err(SealingError::WrongPassphrase)
        ));
        let mut changed = sealed.clone();
        changed[HEADER_BYTES - 1] ^= 1;
        assert!(open_with_passphrase(&Secret::new("correct horse"), &changed).is_err());
    }

    #[test]
    fn rejects_excessive_cost_before_deriving_the_key() {
        let mut excessive = MAGIC.to_vec();
        excessive.extend_from_slice(&[0xff; 12]);
        excessive.extend_from_slice(&[0; 16 + 24 + 16]);
        assert!(matches!(open_with_passphrase(&Secret::new("x"), &excessive), Err(SealingError::Damaged)));
        assert!(matches!(open_with_passphrase(&Secret::new("x"), b"number,label\n"), Err(SealingError::Damaged)));
    }
}

//! Authenticated encryption of single fields.
//!
//! A sealed value is `1 ‖ key id (4) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`: XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03), whose nonce is long enough to be drawn at random for every value. The associated data
//! are the first five bytes and the context, each part preceded by its length, so a value that is copied to another row
//! or column cannot be opened there.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::key_file::{self, FileVersion, Key, KeyFile, KeyId};
use super::{SealingError, Secret};
use crate::clock::Rng;

const FORMAT: u8 = 1;
/// Format version and key id.
const HEADER_BYTES: usize = 5;
const NONCE_BYTES: usize = 24;

/// Associated data that binds a sealed value to its table, row and field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext<'a> {
    table: &'a str,
    row: &'a [u8],
    field: &'a str,
}

impl<'a> SealContext<'a> {
    /// Creates the context of `field` in the row with the key `row`.
    pub const fn new(table: &'a str, row: &'a [u8], field: &'a str) -> Self {
        Self { table, row, field }
    }

    /// Creates the context of `field` in the row with this id.
    pub const fn of(table: &'a str, id: &'a Uuid, field: &'a str) -> Self {
        Self { table, row: id.as_bytes(), field }
    }

    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        let mut data = header.to_vec();
        for part in [self.table.as_bytes(), self.row, self.field.as_bytes()] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

/// The loaded keys, newest first.
struct KeySet {
    keys: Vec<Key>,
    /// Version of the key file; `None` when the keys come from a variable.
    version: Option<FileVersion>,
}

/// Seals values with the newest master key and opens those of any master key.
pub struct Sealer {
    keys: RwLock<KeySet>,
    /// `None` when the keys come from a variable.
    file: Option<KeyFile>,
    rng: Arc<dyn Rng>,
}

impl Sealer {
    /// Loads the keys as [`Self::load_or_create`] does, without creating a file.
    ///
    /// # Errors
    /// [`SealingError::Missing`] when the file is missing; otherwise as [`Self::load_or_create`].
    pub fn load(data_dir: &Path, variable: Option<&Secret>, rng: Arc<dyn Rng>) -> Result<Self, SealingError> {
        let file = KeyFile::in_folder(data_dir);
        if variable.is_none_or(Secret::is_empty) && file.version().is_none() {
            return Err(SealingError::Missing(file.display_path()));
        }
        Self::load_or_create(data_dir, variable, rng)
    }

    /// Checks that the key of a sealed value is known.
    ///
    /// # Errors
    /// [`SealingError::Foreign`] when it is not, with the ids of the known keys.
    pub fn check_key(&self, sealed: &[u8]) -> Result<(), SealingError> {
        let id = key_id(sealed).ok_or(SealingError::Damaged)?;
        if self.find(id).is_some() {
            return Ok(());
        }
        let known = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .iter()
            .map(|key| hex::encode(key.id))
            .collect::<Vec<_>>();
        let source_name = match &self.file {
            Some(file) => file.display_path(),
            None => "SWITCHBOARD_SEALING_KEY".to_owned(),
        };
        Err(SealingError::Foreign { key: hex::encode(id), known: known.join(", "), source_name })
    }

    /// Loads the keys from `variable` (the value of `SWITCHBOARD_SEALING_KEY`) if it is set, otherwise from
    /// `sealing.key` in `data_dir`, which is created if it is missing.
    ///
    /// # Errors
    /// When the file cannot be read or written, is readable by other users, or does not contain keys.
    pub fn load_or_create(data_dir: &Path, variable: Option<&Secret>, rng: Arc<dyn Rng>) -> Result<Self, SealingError> {
        if let Some(text) = variable.filter(|text| !text.is_empty()) {
            let keys = key_file::parse(text.expose())
                .ok_or_else(|| SealingError::NotKeys("SWITCHBOARD_SEALING_KEY".to_owned()))?;
            return Ok(Self { keys: RwLock::new(KeySet { keys, version: None }), file: None, rng });
        }
        let file = KeyFile::in_folder(data_dir);
        let keys = file.read_or_create(rng.as_ref())?;
        let version = file.version();
        Ok(Self { keys: RwLock::new(KeySet { keys, version }), file: Some(file), rng })
    }

    /// Seals `plain` for `context` with the newest key and a random nonce. Uses a key that another process has just
    /// added to the file.
    ///
    /// # Errors
    /// When the value exceeds the cipher's limit of 256 GiB.
    pub fn seal(&self, context: &SealContext<'_>, plain: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.reload_if_changed();
        let key = self.newest().ok_or(SealingError::Failed)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + NONCE_BYTES + plain.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&key.id);
        let aad = context.associated_data(&sealed);
        let nonce: [u8; NONCE_BYTES] = self.rng.bytes();
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: plain, aad: &aad };
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        let text = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealingError::Failed)?;
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens a value that was sealed for `context`. Reads the file again for an unknown key, which another process may
    /// have added.
    ///
    /// # Errors
    /// When the key is unknown, or the bytes are damaged or were sealed for another context.
    pub fn open(&self, context: &SealContext<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        let id = key_id(sealed).ok_or(SealingError::Damaged)?;
        let key = match self.find(id) {
            Some(key) => key,
            None => {
                self.reload()?;
                self.find(id).ok_or_else(|| SealingError::UnknownKey(hex::encode(id)))?
            }
        };
        let (header, rest) = sealed.split_at_checked(HEADER_BYTES).ok_or(SealingError::Damaged)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealingError::Damaged)?;
        let aad = context.associated_data(header);
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| SealingError::Damaged)
    }

    /// Seals the same value with the newest key; returns `None` if it already is.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reseal(&self, context: &SealContext<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
        if !self.needs_resealing(sealed) {
            return Ok(None);
        }
        let plain = self.open(context, sealed)?;
        self.seal(context, &plain).map(Some)
    }

    /// Returns whether `sealed` was sealed with another key than the newest.
    pub fn needs_resealing(&self, sealed: &[u8]) -> bool {
        key_id(sealed) != self.newest().map(|key| key.id)
    }

    /// Generates a new key and adds it to the file as the newest. Values of older keys can still be opened; the caller
    /// reseals them.
    ///
    /// # Errors
    /// When the keys come from a variable or the file cannot be written.
    pub fn add_key(&self) -> Result<(), SealingError> {
        let file = self.file.as_ref().ok_or(SealingError::KeysInVariable)?;
        file.add(self.rng.as_ref())?;
        self.reload()
    }

    /// Returns whether the keys are in a file, as opposed to a variable.
    pub const fn uses_key_file(&self) -> bool {
        self.file.is_some()
    }

    /// Returns whether there are keys beside the newest.
    pub fn has_old_keys(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.len() > 1
    }

    /// Removes every key but the newest from the file. Values of the removed keys cannot be opened any more.
    ///
    /// # Errors
    /// When the keys come from a variable or the file cannot be written.
    pub fn remove_old_keys(&self) -> Result<(), SealingError> {
        let file = self.file.as_ref().ok_or(SealingError::KeysInVariable)?;
        file.keep_newest(self.rng.as_ref())?;
        self.reload()
    }

    /// Reads the file again if it has changed. An unreadable file is logged and read again by the next call: the loaded
    /// keys stay valid until another process has resealed every value.
    pub fn reload_if_changed(&self) {
        let Some(file) = &self.file else { return };
        let version = file.version();
        if version.is_none() || version == self.keys.read().unwrap_or_else(PoisonError::into_inner).version {
            return;
        }
        if let Err(error) = self.reload() {
            tracing::warn!(error = %error, "the sealing key file has changed and cannot be read");
        }
    }

    /// Reads the file again. Has no effect for keys from a variable.
    ///
    /// # Errors
    /// When the file cannot be read; the loaded keys stay.
    pub fn reload(&self) -> Result<(), SealingError> {
        let Some(file) = &self.file else { return Ok(()) };
        // The version is read first: if the file is replaced in between, the next call reads it again.
        let version = file.version();
        if let Some(keys) = file.read()? {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = KeySet { keys, version };
        }
        Ok(())
    }

    fn newest(&self) -> Option<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.first().cloned()
    }

    fn find(&self, id: KeyId) -> Option<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.iter().find(|key| key.id == id).cloned()
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

fn key_id(sealed: &[u8]) -> Option<KeyId> {
    let (header, _) = sealed.split_first_chunk::<HEADER_BYTES>()?;
    let [FORMAT, id @ ..] = *header else { return None };
    Some(id)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;

    use super::*;
    use crate::clock::SeededRng;

    const CONTEXT: SealContext<'static> = SealContext::new("extensions", b"row", "password");

    fn sealer(folder: &Path, seed: u64) -> Sealer {
        Sealer::load_or_create(folder, None, Arc::new(SeededRng::new(seed))).unwrap()
    }

    #[test]
    fn a_value_opens_only_in_its_context() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(folder.path(), 1);
        let sealed = sealer.seal(&CONTEXT, b"hunter22").unwrap();
        assert_eq!(*sealer.open(&CONTEXT, &sealed).unwrap(), b"hunter22");
        assert!(!sealed.windows(4).any(|window| window == b"hunt"));
        assert_ne!(sealed, sealer.seal(&CONTEXT, b"hunter22").unwrap());
        for other in [
            SealContext::new("accounts", b"row", "password"),
            SealContext::new("extensions", b"wor", "password"),
            SealContext::new("extensions", b"row", "pin"),
            SealContext::new("extensionsr", b"ow", "password"),
        ] {
            assert!(matches!(sealer.open(&other, &sealed), Err(SealingError::Damaged)), "{other:?}");
        }
    }

    #[test]
    fn detects_every_modified_byte() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(folder.path(), 1);
        let sealed = sealer.seal(&CONTEXT, b"").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(&CONTEXT, &changed).is_err(), "byte {at}");
            assert!(sealer.open(&CONTEXT, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn creates_a_private_key_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let sealed = sealer(&data, 1).seal(&CONTEXT, b"x").unwrap();
        let path = data.join("sealing.key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*sealer(&data, 2).open(&CONTEXT, &sealed).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Sealer::load_or_create(&data, None, Arc::new(SeededRng::new(3))).unwrap_err().to_string();
        assert!(refused.contains("can be read by others (mode 0640)") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn seals_with_the_new_key_and_opens_with_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (sealer(folder.path(), 1), sealer(folder.path(), 2));
        let old = first.seal(&CONTEXT, b"old").unwrap();
        assert!(!first.needs_resealing(&old));
        first.add_key().unwrap();
        assert!(first.needs_resealing(&old));
        assert_eq!(*first.open(&CONTEXT, &old).unwrap(), b"old");
        let new = first.seal(&CONTEXT, b"new").unwrap();
        assert!(!first.needs_resealing(&new));
        // Another instance loads an unknown key from the file.
        assert_eq!(*second.open(&CONTEXT, &new).unwrap(), b"new");
        assert!(second.needs_resealing(&old));
    }

    #[test]
    fn every_instance_drops_a_removed_key() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (sealer(folder.path(), 1), sealer(folder.path(), 2));
        let old = first.seal(&CONTEXT, b"old").unwrap();
        first.add_key().unwrap();
        // The other instance seals with the new key at once, although it has not loaded it before.
        assert!(!first.needs_resealing(&second.seal(&CONTEXT, b"x").unwrap()));
        let new = first.reseal(&CONTEXT, &old).unwrap().unwrap();
        assert_eq!(first.reseal(&CONTEXT, &new).unwrap(), None);
        assert!(first.has_old_keys() && second.has_old_keys());
        first.remove_old_keys().unwrap();
        second.reload_if_changed();
        assert!(!first.has_old_keys() && !second.has_old_keys());
        assert_eq!(*second.open(&CONTEXT, &new).unwrap(), b"old");
        assert!(matches!(second.open(&CONTEXT, &old), Err(SealingError::UnknownKey(_))));
    }

    #[test]
    fn does_not_write_keys_from_a_variable() {
        let folder = tempfile::tempdir().unwrap();
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(1));
        let key = |byte: u8| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte; 32]);
        let one = Secret::new(key(1));
        let two = Secret::new(format!("{},{}", key(2), key(1)));
        let before = Sealer::load_or_create(folder.path(), Some(&one), Arc::clone(&rng)).unwrap();
        let sealed = before.seal(&CONTEXT, b"x").unwrap();
        assert!(matches!(before.add_key(), Err(SealingError::KeysInVariable)));
        let after = Sealer::load_or_create(folder.path(), Some(&two), Arc::clone(&rng)).unwrap();
        assert!(after.needs_resealing(&sealed));
        assert_eq!(*after.open(&CONTEXT, &sealed).unwrap(), b"x");
        assert!(matches!(
            before.open(&CONTEXT, &after.seal(&CONTEXT, b"y").unwrap()),
            Err(SealingError::UnknownKey(_))
        ));
        assert!(Sealer::load_or_create(folder.path(), Some(&Secret::new("short")), rng).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

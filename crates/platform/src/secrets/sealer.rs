//! Sealing fields of rows.
//!
//! A sealed value is `1 ‖ key id (4) ‖ nonce (24) ‖ ciphertext ‖ tag (16)`: XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03), whose nonce is long enough to be drawn at random for every value. The associated
//! data are the first five bytes and the place, each part with its length before it, so that a value that
//! somebody copies into another row or column does not open there.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::key_file::{self, Key, KeyFile, KeyId, Stamp};
use super::{SealingError, Secret};
use crate::clock::Rng;

const FORMAT: u8 = 1;
const HEAD: usize = 5;
const NONCE: usize = 24;

/// Where a sealed value belongs: table, row and field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    table: &'a str,
    row: &'a [u8],
    field: &'a str,
}

impl<'a> Place<'a> {
    /// The field `field` of the row whose key is `row`.
    pub const fn new(table: &'a str, row: &'a [u8], field: &'a str) -> Self {
        Self { table, row, field }
    }

    /// The field `field` of the row with this id.
    pub const fn of(table: &'a str, id: &'a Uuid, field: &'a str) -> Self {
        Self { table, row: id.as_bytes(), field }
    }

    fn associated_data(&self, head: &[u8]) -> Vec<u8> {
        let mut data = head.to_vec();
        for part in [self.table.as_bytes(), self.row, self.field.as_bytes()] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

/// The keys, newest first, and of which file.
struct Known {
    keys: Vec<Key>,
    stamp: Option<Stamp>,
}

/// Seals and opens values under the master keys; the newest key seals, any of them opens.
pub struct Sealer {
    keys: RwLock<Known>,
    /// None when the keys come from a variable.
    file: Option<KeyFile>,
    rng: Arc<dyn Rng>,
}

impl Sealer {
    /// Takes the keys from `variable` (the content of `SWITCHBOARD_SEALING_KEY`) if it is given, else from
    /// `sealing.key` in `data_dir`, which is made if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, can be read by others, or does not hold keys.
    pub fn load_or_create(data_dir: &Path, variable: Option<&Secret>, rng: Arc<dyn Rng>) -> Result<Self, SealingError> {
        if let Some(text) = variable.filter(|text| !text.is_empty()) {
            let keys = key_file::parse(text.expose())
                .ok_or_else(|| SealingError::NotKeys("SWITCHBOARD_SEALING_KEY".to_owned()))?;
            return Ok(Self { keys: RwLock::new(Known { keys, stamp: None }), file: None, rng });
        }
        let file = KeyFile::in_folder(data_dir);
        let keys = file.read_or_create(rng.as_ref())?;
        let stamp = file.stamp();
        Ok(Self { keys: RwLock::new(Known { keys, stamp }), file: Some(file), rng })
    }

    /// Seals `plain` for `place` with the newest key and a new nonce: the same value never looks the same twice. The newest
    /// is the file's, also when another program has added it since.
    ///
    /// # Errors
    /// When the value is longer than the cipher takes (256 GiB).
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.follow();
        let key = self.newest().ok_or(SealingError::Failed)?;
        let mut sealed = Vec::with_capacity(HEAD + NONCE + plain.len() + 16);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&key.id);
        let aad = place.associated_data(&sealed);
        let nonce: [u8; NONCE] = self.rng.bytes();
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: plain, aad: &aad };
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        let text = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealingError::Failed)?;
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed for `place`. A key that is not known is looked for in the file once more: another
    /// program may have added it since.
    ///
    /// # Errors
    /// When the key is not there, or the bytes are damaged or were sealed for another place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        let id = key_id(sealed).ok_or(SealingError::Damaged)?;
        let key = match self.find(id) {
            Some(key) => key,
            None => {
                self.reload()?;
                self.find(id).ok_or_else(|| SealingError::UnknownKey(hex::encode(id)))?
            }
        };
        let (head, rest) = sealed.split_at_checked(HEAD).ok_or(SealingError::Damaged)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealingError::Damaged)?;
        let aad = place.associated_data(head);
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| SealingError::Damaged)
    }

    /// The same value sealed with the newest key; nothing where it is already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reseal(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
        if !self.needs_resealing(sealed) {
            return Ok(None);
        }
        let plain = self.open(place, sealed)?;
        self.seal(place, &plain).map(Some)
    }

    /// Whether `sealed` was sealed with another key than the newest.
    pub fn needs_resealing(&self, sealed: &[u8]) -> bool {
        key_id(sealed) != self.newest().map(|key| key.id)
    }

    /// Makes a new key the newest, in the file first. What older keys sealed still opens; the caller reseals it.
    ///
    /// # Errors
    /// When the keys come from a variable, or the file cannot be written.
    pub fn add_key(&self) -> Result<(), SealingError> {
        let file = self.file.as_ref().ok_or(SealingError::KeysInVariable)?;
        file.add(self.rng.as_ref())?;
        self.reload()
    }

    /// Whether the keys are in a file, where they can be changed.
    pub const fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Whether there are other keys beside the newest.
    pub fn has_old_keys(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys.len() > 1
    }

    /// Takes every key but the newest out of the file: what they sealed cannot be opened any more.
    ///
    /// # Errors
    /// When the keys come from a variable, or the file cannot be written.
    pub fn forget_old_keys(&self) -> Result<(), SealingError> {
        let file = self.file.as_ref().ok_or(SealingError::KeysInVariable)?;
        file.keep_newest(self.rng.as_ref())?;
        self.reload()
    }

    /// Reads the file again if it is another one than was read. One that cannot be read is looked at again next time: the keys
    /// at hand are good until another program has found that nothing uses them.
    pub fn follow(&self) {
        let Some(file) = &self.file else { return };
        let stamp = file.stamp();
        if stamp.is_none() || stamp == self.keys.read().unwrap_or_else(PoisonError::into_inner).stamp {
            return;
        }
        if let Err(error) = self.reload() {
            tracing::warn!(error = %error, "the sealing key's file has changed and cannot be read");
        }
    }

    /// Reads the file again, after another program has added a key to it. Does nothing with keys from a variable.
    ///
    /// # Errors
    /// When the file cannot be read; the keys known so far stay.
    pub fn reload(&self) -> Result<(), SealingError> {
        let Some(file) = &self.file else { return Ok(()) };
        // The stamp first: should the file be replaced in between, it is read once more.
        let stamp = file.stamp();
        if let Some(keys) = file.read()? {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Known { keys, stamp };
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
    let (head, _) = sealed.split_first_chunk::<HEAD>()?;
    let [FORMAT, id @ ..] = *head else { return None };
    Some(id)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;

    use super::*;
    use crate::clock::SeededRng;

    const PLACE: Place<'static> = Place::new("extensions", b"row", "password");

    fn sealer(folder: &Path, seed: u64) -> Sealer {
        Sealer::load_or_create(folder, None, Arc::new(SeededRng::new(seed))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_only_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(folder.path(), 1);
        let sealed = sealer.seal(&PLACE, b"hunter22").unwrap();
        assert_eq!(*sealer.open(&PLACE, &sealed).unwrap(), b"hunter22");
        assert!(!sealed.windows(4).any(|window| window == b"hunt"));
        assert_ne!(sealed, sealer.seal(&PLACE, b"hunter22").unwrap());
        for other in [
            Place::new("accounts", b"row", "password"),
            Place::new("extensions", b"wor", "password"),
            Place::new("extensions", b"row", "pin"),
            Place::new("extensionsr", b"ow", "password"),
        ] {
            assert!(matches!(sealer.open(&other, &sealed), Err(SealingError::Damaged)), "{other:?}");
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = sealer(folder.path(), 1);
        let sealed = sealer.seal(&PLACE, b"").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(&PLACE, &changed).is_err(), "byte {at}");
            assert!(sealer.open(&PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let sealed = sealer(&data, 1).seal(&PLACE, b"x").unwrap();
        let path = data.join("sealing.key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*sealer(&data, 2).open(&PLACE, &sealed).unwrap(), b"x");
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Sealer::load_or_create(&data, None, Arc::new(SeededRng::new(3))).unwrap_err().to_string();
        assert!(refused.contains("can be read by others (mode 0640)") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (sealer(folder.path(), 1), sealer(folder.path(), 2));
        let old = here.seal(&PLACE, b"old").unwrap();
        assert!(!here.needs_resealing(&old));
        here.add_key().unwrap();
        assert!(here.needs_resealing(&old));
        assert_eq!(*here.open(&PLACE, &old).unwrap(), b"old");
        let new = here.seal(&PLACE, b"new").unwrap();
        assert!(!here.needs_resealing(&new));
        // Another instance finds the key when it meets it.
        assert_eq!(*there.open(&PLACE, &new).unwrap(), b"new");
        assert!(there.needs_resealing(&old));
    }

    #[test]
    fn an_old_key_is_forgotten_everywhere() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there) = (sealer(folder.path(), 1), sealer(folder.path(), 2));
        let old = here.seal(&PLACE, b"old").unwrap();
        here.add_key().unwrap();
        // The other instance seals with the new key at once, though it has not met it yet.
        assert!(!here.needs_resealing(&there.seal(&PLACE, b"x").unwrap()));
        let new = here.reseal(&PLACE, &old).unwrap().unwrap();
        assert_eq!(here.reseal(&PLACE, &new).unwrap(), None);
        assert!(here.has_old_keys() && there.has_old_keys());
        here.forget_old_keys().unwrap();
        there.follow();
        assert!(!here.has_old_keys() && !there.has_old_keys());
        assert_eq!(*there.open(&PLACE, &new).unwrap(), b"old");
        assert!(matches!(there.open(&PLACE, &old), Err(SealingError::UnknownKey(_))));
    }

    #[test]
    fn keys_from_a_variable_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(1));
        let key = |byte: u8| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([byte; 32]);
        let one = Secret::new(key(1));
        let two = Secret::new(format!("{},{}", key(2), key(1)));
        let before = Sealer::load_or_create(folder.path(), Some(&one), Arc::clone(&rng)).unwrap();
        let sealed = before.seal(&PLACE, b"x").unwrap();
        assert!(matches!(before.add_key(), Err(SealingError::KeysInVariable)));
        let after = Sealer::load_or_create(folder.path(), Some(&two), Arc::clone(&rng)).unwrap();
        assert!(after.needs_resealing(&sealed));
        assert_eq!(*after.open(&PLACE, &sealed).unwrap(), b"x");
        assert!(matches!(before.open(&PLACE, &after.seal(&PLACE, b"y").unwrap()), Err(SealingError::UnknownKey(_))));
        assert!(Sealer::load_or_create(folder.path(), Some(&Secret::new("short")), rng).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

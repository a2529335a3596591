//! The master keys: parser, key file and its permissions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::SealingError;
use crate::clock::Rng;

/// Identifies the key of a sealed value: the first bytes of a hash of the key.
pub(super) type KeyId = [u8; 4];

/// One master key, 256 bits.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: KeyId,
    pub(super) bytes: Zeroizing<[u8; 32]>,
}

impl Key {
    /// Generates a new key.
    pub(super) fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut());
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        let digest =
            Sha256::new().chain_update(b"switchboard sealing key id\0").chain_update(bytes.as_ref()).finalize();
        let mut id = KeyId::default();
        id.copy_from_slice(&digest[..4]);
        Self { id, bytes }
    }
}

/// Parses keys, one per line or separated by commas, newest first; `#` begins a comment line.
/// Returns `None` for a text without keys or with anything else.
pub(super) fn parse(text: &str) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        for word in line.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(word.trim_end_matches('=')).ok()?);
            let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
            keys.push(Key::from_bytes(Zeroizing::new(bytes)));
        }
    }
    if keys.is_empty() { None } else { Some(keys) }
}

fn print(keys: &[Key]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(128 + keys.len() * 48));
    text.push_str("# Sealing keys of Switchboard, newest first. Keep a copy apart from the backups.\n");
    for key in keys {
        let line = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.bytes.as_ref()));
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Identifies one version of a key file, which is replaced by each write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileVersion {
    inode: u64,
    /// Change time in seconds and nanoseconds.
    changed: (i64, i64),
}

/// The key file `sealing.key` of a data folder.
pub(super) struct KeyFile {
    folder: PathBuf,
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), path: folder.join("sealing.key") }
    }

    /// Reads the keys; returns `None` when the file is missing.
    pub(super) fn read(&self) -> Result<Option<Vec<Key>>, SealingError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.file_error(error)),
        };
        // The mode of the opened file, not of the path, which may be replaced in between.
        let mode = file.metadata().map_err(|error| self.file_error(error))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SealingError::ReadableByOthers { path: self.display_path(), mode });
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(|error| self.file_error(error))?;
        parse(&text).map(Some).ok_or_else(|| SealingError::NotKeys(self.display_path()))
    }

    /// Reads the keys or generates the first one. Two processes that start concurrently get the same key.
    pub(super) fn read_or_create(&self, rng: &dyn Rng) -> Result<Vec<Key>, SealingError> {
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        let _lock = self.lock()?;
        if let Some(keys) = self.read()? {
            return Ok(keys);
        }
        let keys = vec![Key::generate(rng)];
        self.write(&keys, rng).map_err(|error| self.file_error(error))?;
        Ok(keys)
    }

    /// Writes the file with these keys.
    pub(super) fn install(&self, keys: &[Key], rng: &dyn Rng) -> Result<(), SealingError> {
        let _lock = self.lock()?;
        self.write(keys, rng).map_err(|error| self.file_error(error))
    }

    /// Generates a key, puts it in front of the others, and returns all.
    pub(super) fn add(&self, rng: &dyn Rng) -> Result<Vec<Key>, SealingError> {
        let _lock = self.lock()?;
        let mut keys = self.read()?.unwrap_or_default();
        keys.insert(0, Key::generate(rng));
        self.write(&keys, rng).map_err(|error| self.file_error(error))?;
        Ok(keys)
    }

    /// Removes every key but the newest and returns it.
    pub(super) fn keep_newest(&self, rng: &dyn Rng) -> Result<Vec<Key>, SealingError> {
        let _lock = self.lock()?;
        let mut keys = self.read()?.unwrap_or_default();
        keys.truncate(1);
        self.write(&keys, rng).map_err(|error| self.file_error(error))?;
        Ok(keys)
    }

    /// Returns the version of the file; `None` when it is missing.
    pub(super) fn version(&self) -> Option<FileVersion> {
        let metadata = fs::metadata(&self.path).ok()?;
        Some(FileVersion { inode: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) })
    }

    /// Locks the folder against other processes until the returned handle is dropped.
    fn lock(&self) -> Result<File, SealingError> {
        let lock = || -> io::Result<File> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let folder = File::open(&self.folder)?;
            folder.lock()?;
            Ok(folder)
        };
        lock().map_err(|error| self.file_error(error))
    }

    /// Replaces the file atomically: after a power failure the file has either the old or the new content.
    fn write(&self, keys: &[Key], rng: &dyn Rng) -> io::Result<()> {
        let temporary = self.folder.join(format!(".sealing.key.{}", hex::encode(rng.bytes::<8>())));
        let result = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(print(keys).as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            File::open(&self.folder)?.sync_all()
        })();
        if result.is_err() {
            // The first error is returned; that of the clean-up is ignored.
            drop(fs::remove_file(&temporary));
        }
        result
    }

    pub(super) fn display_path(&self) -> String {
        self.path.display().to_string()
    }

    fn file_error(&self, cause: io::Error) -> SealingError {
        SealingError::File { path: self.display_path(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRng;

    #[test]
    fn parses_printed_keys() {
        let rng = SeededRng::new(1);
        let keys = [Key::generate(&rng), Key::generate(&rng)];
        let parsed = parse(&print(&keys)).unwrap();
        assert_eq!(
            parsed.iter().map(|key| key.id).collect::<Vec<_>>(),
            keys.iter().map(|key| key.id).collect::<Vec<_>>()
        );
        assert_eq!(parsed[1].bytes, keys[1].bytes);
    }

    #[test]
    fn rejects_a_text_with_anything_but_keys() {
        let key = print(&[Key::generate(&SeededRng::new(1))]);
        for text in ["", "# nothing\n", "abc", &format!("{}x", key.trim_end()), &format!("{}\nhello", key.as_str())] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}

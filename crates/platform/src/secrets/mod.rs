//! Secrets: redacted and zeroized in memory, encrypted (sealed) at rest.
//!
//! * [`Secret`]: a string that is not printed and is zeroized when dropped.
//! * [`Sealer`]: encrypts fields of rows with the master key, bound to their [`SealContext`].
//! * [`ComparisonKey`]: compares secrets that are not stored in clear text.
//! * [`seal_with_passphrase`]: encrypts a file with a passphrase instead of the master key.
//!
//! The master keys are in a file of the data folder or in an environment variable, never in the database or a backup.

mod comparison;
mod key_file;
mod passphrase;
mod queries;
mod sealer;
mod secret;
mod stored;

pub use comparison::ComparisonKey;
pub use passphrase::{is_sealed_with_passphrase, open_with_passphrase, seal_with_passphrase};
pub use sealer::{SealContext, Sealer};
pub use secret::Secret;
pub use stored::{AUDIT_KEY, check_sealing_key, has_sealed_values, open_stored_key, reseal_stored_keys, store_key};
pub use zeroize::Zeroizing;

use std::path::Path;

use crate::clock::Rng;
use crate::error::InternalError;

/// Writes the sealing key file of a data folder with the keys in `text`, as for a restored database.
///
/// # Errors
/// When the text does not contain keys or the file cannot be written.
pub fn install_key_file(data_dir: &Path, text: &Secret, rng: &dyn Rng) -> Result<(), SealingError> {
    let keys = key_file::parse(text.expose()).ok_or_else(|| SealingError::NotKeys("the entered text".to_owned()))?;
    key_file::KeyFile::in_folder(data_dir).install(&keys, rng)
}

/// Error of sealing or opening. The messages are for the operator and contain no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The key file or its folder cannot be read or written.
    #[error("the sealing key {path}: {cause}")]
    File {
        /// Path of the key file.
        path: String,
        /// The operating system's error.
        cause: std::io::Error,
    },
    /// The key file is readable by other users.
    #[error("the sealing key {path} can be read by others (mode {mode:04o}); make it private with: chmod 600 {path}")]
    ReadableByOthers {
        /// Path of the key file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file or variable does not contain a list of keys.
    #[error("{0} does not contain sealing keys: 32 bytes each as base64url, newest first")]
    NotKeys(String),
    /// The keys come from a variable, which the program cannot change.
    #[error(
        "the sealing keys come from SWITCHBOARD_SEALING_KEY; put a new one in front of them there, separated by a comma"
    )]
    KeysInVariable,
    /// The file has no keys, and a new one may not be generated.
    #[error(
        "the sealing key {0} is missing, but the database has values that are sealed with it: put the file that belongs \
         to this database there, or set SWITCHBOARD_SEALING_KEY"
    )]
    Missing(String),
    /// The database was sealed with another key.
    #[error(
        "the sealing key does not belong to this database, whose values are sealed with the key {key}: {source_name} \
         has only {known}. Put the right one there"
    )]
    Foreign {
        /// Id of the database's key.
        key: String,
        /// Ids of the known keys.
        known: String,
        /// The path of the key file or the name of the variable.
        source_name: String,
    },
    /// The key of the sealed bytes is not among the keys.
    #[error("sealed with the key {0}, which is not among the sealing keys")]
    UnknownKey(String),
    /// The bytes are malformed, were modified, or were sealed with another context.
    #[error("the sealed bytes are damaged or were sealed for another field")]
    Damaged,
    /// The passphrase is wrong or the file was modified.
    #[error("the passphrase is wrong, or the file is damaged")]
    WrongPassphrase,
    /// The cipher reported an error without a cause.
    #[error("sealing failed")]
    Failed,
}

impl From<SealingError> for InternalError {
    fn from(error: SealingError) -> Self {
        Self::new(error)
    }
}

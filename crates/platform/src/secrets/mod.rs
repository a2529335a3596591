//! Secrets: wrapped in memory, sealed at rest.
//!
//! * [`Secret`]: a text that no log prints and that is wiped when dropped.
//! * [`Sealer`]: seals fields of rows under the master key. What is sealed for one place cannot be opened at another.
//! * [`ComparisonKey`]: tells whether two secrets are equal that are not kept in clear.
//! * [`seal_with_passphrase`]: seals a whole file for somebody who has no master key.
//!
//! The master keys are in a file of the data folder or in a variable, never in the database and never in a backup.

mod comparison;
mod key_file;
mod passphrase;
mod queries;
mod sealer;
mod secret;

pub use comparison::{ComparisonKey, reseal_comparison_key};
pub use passphrase::{is_sealed_with_passphrase, open_with_passphrase, seal_with_passphrase};
pub use sealer::{Place, Sealer};
pub use secret::Secret;
pub use zeroize::Zeroizing;

use crate::error::InternalError;

/// Why something could not be sealed or opened. The sentences are for the operator; they hold no secret.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The key file or its folder cannot be read or written.
    #[error("the sealing key {path}: {cause}")]
    File {
        /// The file concerned.
        path: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// Others than the owner may read the key file.
    #[error(
        "the sealing key {path} can be read by others (mode {mode:04o}); make it yours alone with: chmod 600 {path}"
    )]
    ReadableByOthers {
        /// The file concerned.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file or variable is not a list of keys.
    #[error("{0} does not hold sealing keys: 32 bytes each as base64url, newest first")]
    NotKeys(String),
    /// A key cannot be added to what a variable says.
    #[error(
        "the sealing keys come from SWITCHBOARD_SEALING_KEY; put a new one in front of them there, separated by a comma"
    )]
    KeysInVariable,
    /// The sealed bytes name a key that is not here.
    #[error("sealed with the key {0}, which is not among the sealing keys")]
    UnknownKey(String),
    /// The bytes are not sealed bytes, were changed, or were sealed for another place.
    #[error("the sealed bytes were damaged or belong elsewhere")]
    Damaged,
    /// The passphrase is wrong, or the file was changed.
    #[error("the passphrase is wrong, or the file is damaged")]
    WrongPassphrase,
    /// Sealing failed for a reason that the cipher does not tell.
    #[error("sealing failed")]
    Failed,
}

impl From<SealingError> for InternalError {
    fn from(error: SealingError) -> Self {
        Self::new(error)
    }
}

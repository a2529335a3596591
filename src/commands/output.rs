//! Standard output of commands. `print!` would panic when the reader of a pipe has gone or the disk is full.

use std::io::Write as _;

/// Writes a text to standard output.
///
/// # Errors
/// A sentence when it cannot be written as a whole.
pub(super) fn print(text: impl AsRef<str>) -> Result<(), String> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_ref().as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| format!("standard output: {error}"))
}

//! What one rendering has used of its limits.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::{Error, ErrorKind};
use platform::clock::Monotonic;

use super::engine::Limits;

/// The maximum size of all captured text, in bytes.
const CAPTURED_BYTES: usize = 16 << 20;

/// Counts the written bytes, and knows when the time is over.
pub struct Guard {
    started: Monotonic,
    limits: Limits,
    written: AtomicUsize,
}

impl Guard {
    pub fn new(limits: Limits) -> Self {
        Self { started: Monotonic::now(), limits, written: AtomicUsize::new(0) }
    }

    /// # Errors
    /// When the time is over.
    pub fn check_time(&self) -> Result<(), Error> {
        if self.started.is_within(self.limits.time, Monotonic::now()) {
            Ok(())
        } else {
            Err(limit_error("it takes too long"))
        }
    }

    /// Counts bytes of the document, and of captured text, which can become part of it once more.
    ///
    /// # Errors
    /// When more was written than a document and the captured text may have, or the time is over.
    pub fn count_written(&self, bytes: usize) -> Result<(), Error> {
        let written = self.written.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if written > self.limits.bytes.saturating_add(self.limits.bytes.min(CAPTURED_BYTES)) {
            return Err(limit_error(self.too_long()));
        }
        self.check_time()
    }

    /// The message for a document that is too long.
    pub fn too_long(&self) -> String {
        format!("the document would be longer than {} bytes", self.limits.bytes)
    }

    /// The bytes that may still be written.
    pub fn remaining(&self) -> usize {
        self.limits.bytes.saturating_sub(self.written.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The error of an exceeded limit.
pub fn limit_error(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

//! The agent's errors: [`AgentError`] stops the current step, [`RecordError`] concerns one extension.

use std::collections::HashMap;

/// Error that stops the agent's current step. Its message is logged and contains no secrets.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AgentError {
    /// Retrying the same step after a pause can succeed.
    #[error("{0}")]
    Transient(String),
    /// Retrying gives the same result: an operator must intervene.
    #[error("{0}")]
    Permanent(String),
}

impl AgentError {
    /// Creates an error that a retry can resolve.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::Transient(message.into())
    }

    /// Creates an error that requires an operator.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent(message.into())
    }
}

/// Error of one extension's record. The agent reports it to the server and goes on with all other records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordError {
    /// Machine-readable code, 1 to 64 characters.
    pub code: String,
    /// Human-readable message, at most 1000 characters.
    pub message: String,
}

impl RecordError {
    /// Creates an error, truncated to the lengths that an acknowledgement accepts.
    pub fn new(code: &str, message: impl AsRef<str>) -> Self {
        let truncate = |text: &str, limit| text.chars().take(limit).collect::<String>();
        Self { code: truncate(code, 64), message: truncate(message.as_ref(), 1000) }
    }
}

/// Record errors of one batch by extension id.
pub type RecordErrors = HashMap<String, RecordError>;

/// Failure to apply one change to the telephone system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApplyError {
    /// Only this record is affected.
    Record(RecordError),
    /// The telephone system is unavailable or misconfigured, which affects every record.
    System(AgentError),
}

impl From<AgentError> for ApplyError {
    fn from(error: AgentError) -> Self {
        Self::System(error)
    }
}

impl From<RecordError> for ApplyError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

/// Adds a record's error to `errors`; passes a system's error on to the caller.
///
/// # Errors
/// The [`AgentError`] of [`ApplyError::System`].
pub fn collect(errors: &mut RecordErrors, id: &str, result: Result<(), ApplyError>) -> Result<(), AgentError> {
    match result {
        Ok(()) => Ok(()),
        Err(ApplyError::System(error)) => Err(error),
        Err(ApplyError::Record(error)) => {
            errors.insert(id.to_owned(), error);
            Ok(())
        }
    }
}

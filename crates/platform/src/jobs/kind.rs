//! Declaration of job kinds.

use crate::secrets::{SealContext, Sealer, SealingError};

/// Declaration of a kind of jobs by the domain that owns it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobKind {
    /// Unique name, stored in `jobs.kind`.
    pub name: &'static str,
    pub priority: JobPriority,
    /// Number of failed attempts after which a job is dead.
    pub max_attempts: i32,
    /// Seal context of the payload; `None` if the payload is not sealed.
    pub sealed_payload: Option<SealContext<'static>>,
}

impl JobKind {
    /// Seals a payload with the newest key; returns `None` if it already is or is not sealed at all.
    ///
    /// # Errors
    /// When the payload cannot be opened.
    pub fn reseal(&self, sealer: &Sealer, payload: &[u8]) -> Result<Option<Vec<u8>>, SealingError> {
        match &self.sealed_payload {
            Some(context) => sealer.reseal(context, payload),
            None => Ok(None),
        }
    }
}

/// Priority of a kind: among the due jobs, those with a higher priority run first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobPriority {
    /// A user waits for the result.
    High,
    Normal,
    /// Bulk work that can wait for all other jobs.
    Low,
}

impl JobPriority {
    /// Returns the rank stored in `jobs.priority`; a smaller rank runs first.
    pub const fn rank(self) -> i32 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// Failure of a job. The message is stored in the job's row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JobError {
    /// A retry does not help: the job is dead at once.
    #[error("{0}")]
    Permanent(String),
    /// A retry can succeed.
    #[error("{0}")]
    Transient(String),
}

//! Registry of job handlers.

use futures_util::future::BoxFuture;

use super::{Job, JobError, JobKind};

/// The handler of a kind. `C` is the program's context, from which handlers take their dependencies.
pub struct JobHandler<C: 'static> {
    pub kind: &'static JobKind,
    /// Runs a job once. Must be idempotent, as a crash repeats the job.
    pub run: for<'a> fn(&'a C, &'a Job) -> BoxFuture<'a, Result<(), JobError>>,
}

/// The handlers of every kind. A worker claims jobs of registered kinds only, so an older instance ignores the jobs of
/// newer ones.
pub struct JobRegistry<C: 'static> {
    handlers: &'static [JobHandler<C>],
}

impl<C: 'static> JobRegistry<C> {
    /// Creates a registry. Every kind must have one handler.
    pub const fn new(handlers: &'static [JobHandler<C>]) -> Self {
        Self { handlers }
    }

    /// Returns the names of the registered kinds.
    pub fn names(&self) -> Vec<&'static str> {
        self.handlers.iter().map(|handler| handler.kind.name).collect()
    }

    /// Returns the handler of a kind by its name.
    pub fn find(&self, name: &str) -> Option<&JobHandler<C>> {
        self.handlers.iter().find(|handler| handler.kind.name == name)
    }
}

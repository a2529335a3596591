//! Collection of the problems of an input, so that a caller learns of all of them at once.

use platform::error::{Error, UserError};

/// The problems of an input, in the order of the checks.
#[derive(Default)]
pub struct Problems(Vec<UserError>);

impl Problems {
    /// Returns the value of a check, or adds its problem.
    pub fn collect<T>(&mut self, checked: Result<T, UserError>) -> Option<T> {
        checked.map_err(|problem| self.0.push(problem)).ok()
    }

    /// Returns the value of a check, or adds its problems.
    ///
    /// # Errors
    /// An error of the check that is no problem of the input.
    pub fn collect_all<T>(&mut self, checked: Result<T, Error>) -> Result<Option<T>, Error> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Error::User(problems)) => {
                self.0.extend(problems);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds problems.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = UserError>) {
        self.0.extend(problems);
    }

    /// Whether no check has found a problem.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the problems as the error of the input, if there are any.
    ///
    /// # Errors
    /// The problems.
    pub fn into_result(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0.into()) }
    }
}

impl IntoIterator for Problems {
    type Item = UserError;
    type IntoIter = std::vec::IntoIter<UserError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

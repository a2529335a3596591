//! Registering, listing, changing and moving extensions.

pub mod concurrent_writers;
pub mod fallbacks;
pub mod list;
pub mod register;
pub mod renumber;
pub mod secret_parameters;
pub mod swap;
pub mod transfer;

/// The id of an extension that does not exist.
const UNKNOWN_EXTENSION: &str = "Extension:01919191919191919191919191919191";
/// An id of another kind.
const ACCOUNT_ID: &str = "Account:01919191919191919191919191919191";

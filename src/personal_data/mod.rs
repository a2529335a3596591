//! What people may take along, and leaving for good.
//!
//! An export is everything that is held about its owner and nothing of anybody else. A deletion takes extensions out of
//! service as their own deletion would, and leaves of the account its id and its name: the audit, which is never changed,
//! goes on to mean somebody by them, and nobody else gets the name.

mod deletion;
mod export;
pub mod graphql;

pub use deletion::delete_account;
pub use export::export;

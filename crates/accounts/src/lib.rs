//! Accounts: people, sessions, the proofs they sign in with, bans, personal data.
//!
//! Usernames are public and never change; e-mail addresses are private, and unique once verified. Answers do not show whether an
//! address has an account, neither in content nor in time.

pub mod actions;
pub mod hooks;
mod model;
pub mod proof_queries;
pub mod queries;
pub mod rules;
mod status;
pub mod token;

pub use model::{Account, MailTokenPurpose, Session};
pub use status::Accounts;

//! Accounts: the people, how they prove who they are, and what becomes of them.
//!
//! Usernames are public and unchanging; e-mail addresses are private, and unique once verified. Nothing here tells a guest
//! which addresses have accounts, neither in words nor in time.

pub mod graphql;
pub mod hashing;
mod model;
pub mod password;
pub mod proof_queries;
pub mod queries;
pub mod rules;
pub mod token;

pub use model::{Account, MailTokenPurpose, Session};

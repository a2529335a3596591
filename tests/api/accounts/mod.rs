//! Accounts: registration, mails, sessions, proofs of the password, limits of guesses, moderation, deletion and data
//! export.

pub mod data_export;
pub mod deletion;
pub mod mails;
pub mod moderation;
pub mod proofs;
pub mod registration;
pub mod sessions;
pub mod throttling;

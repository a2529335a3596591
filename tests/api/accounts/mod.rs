//! Accounts: registration, sessions, moderation, deletion and data export.

pub mod data_export;
pub mod deletion;
pub mod moderation;
pub mod registration;
pub mod sessions;

//! Accounts: who somebody is.

pub mod hashing;
pub mod password;
pub mod token;

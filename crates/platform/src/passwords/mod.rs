//! Passwords: validation of new ones, hashing and verification.

mod fair_queue;
mod hashing;
mod password;

pub use fair_queue::HashClient;
pub use hashing::{Hasher, PasswordCheck};
pub use password::Password;

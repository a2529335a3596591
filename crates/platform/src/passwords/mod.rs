//! Passwords: validation of new ones, hashing and verification.

mod hashing;
mod password;

pub use hashing::{Hasher, PasswordCheck};
pub use password::Password;

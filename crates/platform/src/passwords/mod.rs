//! Passwords: what may be chosen as one, and how it is hashed and verified.

mod hashing;
mod password;

pub use hashing::{Hasher, Verdict};
pub use password::Password;

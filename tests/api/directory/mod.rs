//! The directory.

pub mod files;

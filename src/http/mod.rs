//! The outside edge.

pub mod address;
pub mod headers;

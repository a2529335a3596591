//! The outside edge: everything that speaks HTTP.

pub mod address;
pub mod graphql;
pub mod headers;

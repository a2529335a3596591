//! The outside edge: everything that speaks HTTP.

pub mod graphql;

//! The directory: what a phonebook shows, and how it is searched.

pub mod folding;
pub mod search;

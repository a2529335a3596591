//! Call groups: extensions that ring their members.

pub mod graph;

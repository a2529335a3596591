//! Extensions: numbers in service.

pub mod graph;
pub mod graphql;
mod instructions;
pub mod label;
pub mod list;
pub mod many_queries;
mod model;
pub mod queries;
pub mod rules;
pub mod sealed;
pub mod search;
pub(crate) mod stopped;
pub mod visibility;

pub use model::Extension;

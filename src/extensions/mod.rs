//! Extensions: numbers in service.

pub mod csv;
pub mod graph;
pub mod graphql;
mod instructions;
pub mod label;
pub mod list;
mod many;
mod model;
pub mod queries;
pub mod row;
pub mod row_json;
pub mod rules;
pub mod sealed;
pub mod search;
pub mod visibility;

pub use model::Extension;

//! Extensions: numbers in service.

pub mod csv;
pub mod graphql;
mod instructions;
pub mod label;
pub mod row;
pub mod row_json;
pub mod visibility;
mod model;
pub mod queries;
pub mod rules;
pub mod sealed;

pub use model::Extension;

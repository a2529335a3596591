//! Numbers: their form, their life, and the plans they belong to.

pub mod free;
pub mod graphql;
pub mod keypad;
mod model;
pub mod number;
pub mod plan;
pub mod queries;
pub mod rules;
pub mod state;
pub use model::{HistoryRow, NumberRow, PlanNumber};

//! Numbers: their states, allocation, holds and reservations.

mod account_hooks;
pub mod actions;
mod model;
pub mod queries;
pub mod rules;
pub mod state;

pub use account_hooks::NumberHooks;
pub use model::{HistoryRow, NumberRow, PlanNumber};

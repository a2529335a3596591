//! API keys: how telephone systems prove who they are.

pub mod actions;
mod model;
pub mod queries;
pub mod rules;

pub use model::ApiKey;
pub use queries::{FoundKey, acting};

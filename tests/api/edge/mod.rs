//! The edge of the API: malformed requests, rate limits and look-up by id.

pub mod connections;
pub mod hostile_templates;
pub mod invalid_input;
pub mod nodes;
pub mod rate_limits;
pub mod requests;
pub mod spellings;

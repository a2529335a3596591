//! API keys, with which telephone systems authenticate.

pub mod actions;
mod model;
mod queries;
pub mod rules;

pub use model::ApiKey;
pub use queries::{
    AuthenticatedKey, active_key_by_id, all_api_keys, api_key_by_id, api_key_by_token, events_of_api_key,
    service_types_of_api_key, touch_api_key,
};

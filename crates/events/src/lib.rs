//! Events with their number ranges, and the call permissions of the installation.

pub mod actions;
pub mod hooks;
pub mod input;
mod model;
mod queries;
pub mod rules;

pub use model::{CallPermission, Event, EventPhase, NumberRange};
pub use queries::{
    all_events, all_permissions, draft_events, event_by_id, event_by_slug, permission_by_id, permissions_by_slugs,
    range_by_id, ranges_of_event,
};

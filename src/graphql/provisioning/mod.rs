//! Provisioning in GraphQL.
//!
//! [`raw_json`] writes the lists of entries and changes as JSON text, which the HTTP edge copies into the response.
//! Resolving each field of a thousand extensions with async-graphql would take ten times as long as reading them.

mod consumers;
mod devices;
mod mutations;
mod queries;
mod raw_json;
#[cfg(test)]
mod raw_json_tests;
mod subscription;
mod types;
mod web_hooks;

pub use consumers::{FeedConsumer, ProvisioningStatus};
pub use devices::{DeviceLink, DevicesMutation, device_links_of};
pub use mutations::ProvisioningMutation;
pub use queries::{ProvisioningFeed, ProvisioningQuery};
pub use subscription::ProvisioningSubscription;
pub use types::{FeedChange, FeedEvent, FeedExtension, FeedPage, FeedReset, FeedSnapshot, RenderedDocument};
pub use web_hooks::WebHookMutation;

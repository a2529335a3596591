//! The feed in GraphQL.
//!
//! Entries and changes are written as JSON text by [`splice`], which the edge puts into the response as it is: a future and
//! a value for each field of a thousand extensions would cost ten times their reading.

mod consumers;
mod devices;
mod mutations;
mod queries;
mod shapes;
mod splice;
mod subscription;
mod web_hooks;

pub use consumers::{FeedConsumer, ProvisioningStatus};
pub use devices::{DeviceLink, DevicesMutation, device_links_of};
pub use mutations::ProvisioningMutation;
pub use queries::{ProvisioningFeed, ProvisioningQuery};
pub use shapes::{FeedChange, FeedEvent, FeedExtension, FeedPage, FeedReset, FeedSnapshot, RenderedDocument};
pub use subscription::ProvisioningSubscription;
pub use web_hooks::WebHookMutation;

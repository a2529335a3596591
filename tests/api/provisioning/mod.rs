//! Provisioning: the feed in GraphQL and over plain HTTP, rendered files, consumers, web hooks, device links, the
//! agent.

pub mod agent;
pub mod consumers;
pub mod device_links;
pub mod feed;
pub mod http_feed;
pub mod metrics;
pub mod rendering;
pub mod replica;
pub mod web_hooks;

//! Templates: what turns a service type's feed into the text that a particular telephone system reads.

pub mod actions;
mod engine;
mod escape;
mod filters;
mod model;
mod outline;
mod queries;
pub mod rules;
mod sample;
mod shipped;
mod variables;

#[cfg(test)]
mod tests;

pub use engine::{Limits, TemplateError, is_of_device, render};
pub use filters::parse_mac;
pub use model::{Template, TemplateFormat};
pub use outline::outline;
pub use queries::{template_by_id, template_by_name, templates_of};
pub use shipped::{SHIPPED, Shipped};
pub use variables::{
    DeviceVariables, ExtensionVariables, MemberVariables, Surroundings, TypeVariables, of_device, of_feed,
};

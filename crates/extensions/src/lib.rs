//! Extensions: numbers in service with their owner, service type and parameters; call groups; the directory; import and export.

mod account_hooks;
pub mod actions;
pub mod directory;
pub mod graph;
pub mod groups;
pub mod import_export;
pub mod instructions;
pub mod label;
pub mod list;
pub mod many_queries;
mod model;
mod owner_queries;
pub mod queries;
pub mod rules;
pub mod sealed;
pub mod search;
pub mod stopped;
pub mod visibility;

pub use account_hooks::ExtensionHooks;
pub use model::Extension;

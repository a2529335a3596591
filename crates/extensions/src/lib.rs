//! Extensions: numbers in service with their owner, service type and parameters; call groups; the directory; import and export.

pub mod actions;
pub mod bulk_queries;
mod dependent_queries;
pub mod directory;
pub mod graph;
pub mod groups;
mod hooks;
pub mod import_export;
pub mod instructions;
pub mod label;
pub mod list;
mod model;
pub mod queries;
mod restricted;
pub mod rules;
pub mod sealed;
pub mod search;
pub mod visibility;

pub use hooks::ExtensionHooks;
pub use model::Extension;

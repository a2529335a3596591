//! The hooks of lower domains that extensions implement.

mod accounts;
mod events;
mod service_types;

/// Implements the hooks of accounts, events and service types.
pub struct ExtensionHooks;

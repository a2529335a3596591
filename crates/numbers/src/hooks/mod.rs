//! The hooks of lower domains that numbers implement.

mod accounts;
mod events;

/// Implements the hooks of accounts and events.
pub struct NumberHooks;

//! Import and export: the mutation, and the commands beside a running server.

pub mod commands;
pub mod mutation;
pub mod rules;

/// The header of a CSV file.
pub const HEADER: &str = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n";

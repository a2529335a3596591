//! The secret parameters of an extension, sealed as one JSON object. `service-types` implements it, since a changed schema
//! rewrites them.

pub use service_types::sealed::{open_secrets as open, reseal_secrets as reseal, seal_secrets as seal};

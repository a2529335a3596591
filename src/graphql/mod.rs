//! Schema glue: what every domain's GraphQL shares; no rules of the product live here.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod bans;
pub mod context;
pub mod directory;
pub mod enums;
pub mod error;
pub mod error_code;
pub mod events;
pub mod extensions;
pub mod groups;
pub mod import_export;
pub mod limits;
pub mod node;
pub mod numbers;
pub mod paging;
mod patch;
pub mod personal_data;
pub mod provisioning;
pub mod request;
pub mod roots;
pub mod scalars;
pub mod service_types;
pub mod templates;
pub mod typed;

//! Schema glue: what every domain's GraphQL shares; no rules of the product live here.

pub mod context;
pub mod enums;
pub mod error;
pub mod error_code;
pub mod events;
pub mod limits;
pub mod node;
pub mod paging;
mod patch;
pub mod request;
pub mod roots;
pub mod scalars;
pub mod service_types;
pub mod templates;
pub mod typed;

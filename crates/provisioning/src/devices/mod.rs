//! Links under which one telephone finds its configuration: a softphone once and soon, a desk phone for as long as it stands.
//!
//! Whoever holds a link's token gets the document, so the token is 256 random bits, stored as a hash, and opens nothing else.
//! A link ends with its extension, with its template, and when the extension goes to another owner.

pub mod documents;
mod model;
mod qr;
pub(super) mod queries;
pub mod rules;

pub use model::{DeviceLink, desk_phone_address, softphone_address};
pub use qr::svg;
pub use queries::{link_of, links_of, prune};

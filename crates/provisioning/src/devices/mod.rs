//! Device links: addresses from which one telephone fetches its configuration, a softphone once and soon, a desk phone
//! any number of times.
//!
//! The token of a link is all that a request for the document needs. So it is 256 random bits, is stored as a hash, and
//! gives access to nothing else. A link ends with its extension, with its template, and when the extension changes its
//! owner.

pub mod documents;
mod model;
mod qr;
pub(super) mod queries;
pub mod rules;

pub use model::{DeviceLink, desk_phone_address, softphone_address};
pub use qr::qr_code_svg;
pub use queries::{DeviceLinkRow, link_of, links_of, prune};

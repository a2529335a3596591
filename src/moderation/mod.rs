//! What operators do about people: banning, and lifting a ban.
//!
//! A ban is a restriction of the account. It ends its sessions and shows in every feed that tells of its extensions, their
//! groups included. Lifting it restores exactly that, since nothing else was written.

pub mod graphql;
mod queries;
pub mod rules;

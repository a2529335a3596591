//! GraphQL types and operations of accounts.

pub mod cookie;
mod inputs;
mod mutations;
mod objects;
mod payloads;
mod queries;

pub use cookie::SessionCookie;
pub use mutations::AccountsMutation;
pub use objects::{Account, AccountConnection, AccountEdge, Restriction, Session};
pub use payloads::{AcceptedPayload, AccountPayload};
pub use queries::AccountsQuery;

//! The GraphQL API of numbers.

mod held;
mod history;
mod mutations;
mod objects;
mod queries;

pub use history::{NumberHistoryConnection, NumberHistoryEdge, NumberHistoryEntry};
pub use mutations::{NumberPayload, NumbersMutation};
pub use objects::{Number, NumberConnection, NumberEdge};
pub use queries::NumbersQuery;

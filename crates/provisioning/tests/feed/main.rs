//! Tests of the feed's guarantees, on an SQLite database of their own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod changes;
mod consumers;
mod snapshots;
mod sources;
mod subscriptions;

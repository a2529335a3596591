//! Tests of the feed's guarantees, on an SQLite database of their own.

mod changes;
mod consumers;
mod fixture;
mod graphql;
mod snapshots;
mod subscriptions;

//! The platform under every domain: database, transactions, access, feed log, jobs, mail, secrets, time. It knows no domain.

pub mod access;
pub mod audit;
pub mod clock;
pub mod deadline;
pub mod error;
pub mod feed_log;
pub mod hooks;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod locks;
pub mod mail;
pub mod notifications;
pub mod outgoing;
pub mod passwords;
pub mod patch;
pub mod secrets;
pub mod services;
pub mod store;
pub mod text;
pub mod transaction;
pub mod workers;

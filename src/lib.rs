//! Switchboard: number management and provisioning.
//!
//! The rooms are listed from the street to the cellar. Arrows between them point down this list and never up: what has to go
//! up, a change that reaches a subscriber, say, goes down into [`changes`] in the same transaction and is read from there.
//! A domain uses another's public face, never its tables; only the `graphql` parts of the domains know each other in both
//! directions, as a graph does.

// The program: flags, commands, what is built once.
pub mod app;
pub mod background;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;

// The consumer that nobody has to write: it speaks to a server over HTTP, and to no domain.
pub mod agent;

// The outside edge, and what the schema is glued with.
pub mod authentication;
pub mod graphql;
pub mod http;

// The domains, the later built on the earlier: model, rules, queries, graphql.
pub mod event_files;
pub mod personal_data;

pub mod provisioning;

pub mod directory;
pub mod groups;
pub mod moderation;

pub mod extensions;

pub mod api_keys;
pub mod events;
pub mod service_types;
pub mod templates;

pub mod accounts;
pub mod numbers;

// One unit of work, and who may do what.
pub mod access;
pub mod services;
pub mod transaction;

// The base: it knows no domain.
pub mod audit;
pub mod error;
pub mod feed_log;
pub mod idempotency;
pub mod jobs;
pub mod locks;
pub mod mail;
pub mod notifications;
pub mod outgoing;
pub mod restrictions;
pub mod secrets;
pub mod store;

pub mod clock;
pub mod ids;
pub mod number_state;
pub mod patch;
pub mod text;

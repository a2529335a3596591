//! The program `switchboard`: command line, HTTP, GraphQL, background work. The domains are crates below `crates/`.

pub mod agent;
pub mod app;
pub mod authentication;
pub mod background;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod graphql;
pub mod http;

pub mod api_keys;
pub mod extensions;
pub mod numbers;
pub mod provisioning;
pub mod service_types;

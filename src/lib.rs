//! The program `switchboard`: command line, HTTP, GraphQL, background work. The domains are crates below `crates/`.

pub mod app;
pub mod authentication;
pub mod background;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod graphql;
pub mod http;

//! Service types: kinds of service, made of data.
//!
//! A type's `parameterSchema` says what an extension of it holds; [`schema`] is its engine.

pub mod schema;

#[cfg(test)]
mod demo_types;

//! Numbers: their form, their life, and the plans they belong to.

pub mod free;
pub mod keypad;
pub mod number;
pub mod plan;
pub mod state;

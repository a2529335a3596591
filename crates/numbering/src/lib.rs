//! The numbering plan's value types: numbers, their states, ranges and prefixes, letters on a keypad. No I/O.

pub mod free;
pub mod keypad;
pub mod number;
pub mod plan;
mod state;

pub use state::NumberState;

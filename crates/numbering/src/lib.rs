//! Value types of numbering plans: numbers, their states, ranges, reserved prefixes and keypad letters. No I/O.

mod e164;
pub mod free;
pub mod keypad;
pub mod number;
pub mod plan;
mod state;

pub use state::NumberState;

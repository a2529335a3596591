//! Schema glue: scalars, and the types that service types become at run time.

pub mod scalars;
pub mod typed;

//! The four drivers, which write to a telephone system.

pub mod file;
pub mod http;
pub mod script;
pub mod sql;

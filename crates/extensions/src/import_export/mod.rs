//! An event's extensions as files: taken out, and read in by one engine for the mutation and for the command.

pub mod csv;
mod export;
mod import;
pub mod row;
pub mod row_json;

pub use export::export;
pub use import::{Import, Imported, Progress, import};

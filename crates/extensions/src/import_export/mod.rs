//! Export and import of an event's extensions as files, for the API and for the commands.

pub mod csv;
mod export;
pub(crate) mod formula;
mod import;
mod json_text;
pub mod row;
pub mod row_json;

pub use export::export;
pub use import::{Import, Imported, Progress, import};

//! Extensions: numbers in service.

pub mod csv;
pub mod label;
pub mod visibility;

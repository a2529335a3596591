//! The CSV of extensions.

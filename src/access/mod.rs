//! Who may do what, and how often.

pub mod rates;

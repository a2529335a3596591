//! Renders templates in MiniJinja within limits.
//!
//! Templates and instructions are written by admins, but rendered over values of users, in requests of every caller. A
//! template must not change the structure of its document ([`TemplateFormat`] decides how values are escaped), and must
//! not take more time, memory or stack than [`Limits`] allow: sources are measured before they are parsed ([`source`]),
//! every step that can enlarge a value is checked ([`instructions`]), and all work runs on a thread with a deep stack.

mod engine;
mod escape;
mod filters;
mod format;
mod guard;
mod instructions;
mod source;
mod thread;
mod values;

pub use engine::{Limits, Purpose, TemplateError, render, uses_variable};
pub use format::TemplateFormat;

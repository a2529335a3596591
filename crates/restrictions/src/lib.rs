//! Restrictions of accounts, numbers and extensions, each with a source and a reason.
//!
//! The rows of accounts, numbers and extensions have no blocked state. Each source adds its own restriction and lifts
//! only its own; the effects of a target are those of all its restrictions. A second restriction from the same source
//! on the same target updates the reason.

mod model;
mod queries;

pub use model::{NewRestriction, Restriction, RestrictionEffect, RestrictionSource, Target, TargetKind};
pub use queries::{all_if_few, apply, by_id, lift, lift_all, of_account, of_targets};

//! Restrictions: reasoned overlays that stop something.
//!
//! Nobody writes a blocked state onto an account, a number or an extension. Each source adds its own restriction and can
//! lift only its own; what is effective is what remains. A second one from the same source on the same target updates the
//! reason.

mod model;
mod queries;

pub use model::{NewRestriction, Restriction, RestrictionEffect, RestrictionSource, Target, TargetKind};
pub use queries::{all_if_few, apply, by_id, lift, lift_all, of_account, of_targets};

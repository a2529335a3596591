//! The feed's promises over a database of its own.

mod changes_tell;
mod consumers_say;
mod following;
mod house;
mod queried;
mod snapshots_hold;

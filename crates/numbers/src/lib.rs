//! Numbers of the numbering plans: their states, allocation, holds, reservations and expiry.

pub mod actions;

mod allocation;
mod expiry;
mod holds;
mod hooks;
mod model;
mod plan_queries;
mod plans;
mod queries;
mod reservations;
mod state;
mod transitions;

pub use allocation::{
    AllocationRequest, NumberSearch, PlanRules, allocate, available_numbers, check_assignable, check_available,
    check_not_barred, count_free, prefix_conflict,
};
pub use expiry::{apply_expiry, expire_due};
pub use holds::{limit_holds, release_hold};
pub use hooks::NumberHooks;
pub use model::{HistoryRow, NumberRow, PlanNumber};
pub use plans::{find_plan_event, lock_plan, parse_plan_number};
pub use queries::{
    Filter, add_pending_ack, assigned_number, clear_pending_acks, count_held_numbers, count_numbers, held_numbers,
    history_of_number, list_numbers, number_by_id, number_on_plan, numbers_of_account, numbers_of_event, save_number,
};
pub use reservations::{ReserveNumber, release_reservation, reserve};
pub use state::{Trigger, may_transition};
pub use transitions::{Transition, transition, transition_all, unsaved_row};

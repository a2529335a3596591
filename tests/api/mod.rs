//! What the API promises, asked over HTTP.

mod accounts;
mod bad_input;
mod feed;
mod numbers;

use crate::support::Test;
use crate::{guarantees, permissions};

macro_rules! tests {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        /// Every test, by its name.
        pub const TESTS: &[(&str, Test)] = &[$((concat!(stringify!($module), "::", stringify!($name)), |app| Box::pin($module::$name(app)))),+];
    };
}

tests! {
    accounts::a_newcomer_registers_verifies_and_signs_in,
    accounts::a_known_address_looks_like_any_other,
    accounts::a_reset_ends_every_session,
    accounts::guessing_gets_slower,
    accounts::a_ban_ends_sessions_and_is_lifted_exactly,
    accounts::the_last_admin_stays,
    accounts::a_repeated_request_registers_once,
    numbers::twenty_at_once_and_one_owner,
    numbers::a_taken_number_comes_with_suggestions,
    numbers::a_deleted_number_is_held_for_its_owner,
    numbers::a_barred_number_is_refused_and_silent,
    numbers::a_dry_run_that_fails_harms_nobody,
    numbers::a_new_service_type_is_typed_at_once,
    feed::every_change_is_told_in_order,
    feed::a_key_sees_what_its_scope_allows,
    bad_input::wrong_types_are_named,
    bad_input::ids_of_the_wrong_kind_and_of_others_are_refused,
    bad_input::too_long_too_deep_and_too_wide_is_refused,
    bad_input::broken_bytes_and_documents_are_refused,
    bad_input::schema_bombs_are_refused,
    bad_input::what_systems_say_is_checked,
    permissions::everybody_is_asked_for_everything,
    guarantees::guarantee_01_told_if_and_only_if_committed,
    guarantees::guarantee_02_commit_order,
    guarantees::guarantee_03_snapshot_and_tail,
    guarantees::guarantee_04_own_positions,
    guarantees::guarantee_05_versions_differ,
    guarantees::guarantee_07_cursors_check_themselves,
    guarantees::guarantee_09_poison_blocks_nobody,
    guarantees::guarantee_10_doorbell,
    guarantees::guarantee_11_secrets_are_not_copied,
    guarantees::guarantee_12_every_path,
}

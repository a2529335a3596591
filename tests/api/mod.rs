//! What the API promises, asked over HTTP.

mod accounts;
mod feed;
mod files;
mod imports;
mod keys;
mod numbers;

use crate::support::Test;

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
    imports::rows_make_change_and_rest,
    imports::every_bad_row_is_told,
    imports::a_file_that_is_no_csv_changes_nothing,
    imports::only_operators_import,
    imports::groups_and_fallbacks_are_imported,
    imports::values_change_hands_within_a_file,
    imports::an_import_is_one_revision_of_a_feed,
    files::a_random_event_comes_back_exactly,
    files::secrets_travel_sealed,
    files::a_broken_file_changes_nothing,
    files::ten_thousand_rows,
    files::a_terminal_sees_how_far_it_is,
    files::a_backup_is_whole_while_others_write,
    keys::a_new_key_seals_everything,
    keys::a_change_of_the_key_survives_being_killed,
    feed::every_change_is_told_in_order,
    feed::a_key_sees_what_its_scope_allows,
}

//! What the API promises, asked over HTTP.

mod accounts;
mod actors;
mod extensions;
mod feed;
mod leaving;
mod nodes;
mod numbers;
mod reservations;

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
    reservations::a_reserved_number_is_its_owners_alone,
    reservations::a_reservation_lapses_moves_or_is_released,
    reservations::what_cannot_be_reserved_says_why,
    reservations::a_number_of_the_world_is_reserved_without_an_event,
    reservations::a_hold_is_its_owners_to_give_up,
    reservations::a_freed_number_ages_until_the_telephone_systems_know,
    reservations::touched_numbers_are_listed_for_operators,
    extensions::a_list_is_narrowed_by_what_is_asked_and_by_who_asks,
    extensions::a_search_finds_numbers_labels_and_owners,
    extensions::those_that_may_be_called_and_the_others,
    extensions::an_account_shows_its_extensions_page_by_page,
    nodes::everybody_finds_what_they_may_see,
    nodes::what_is_no_id_is_nothing,
    leaving::an_account_is_deleted_with_all_that_is_personal,
    leaving::the_feeds_are_told_of_a_deletion,
    leaving::who_may_not_leave_is_told_why,
    leaving::an_export_holds_ones_own_data_and_nobody_elses,
    feed::every_change_is_told_in_order,
    feed::a_key_sees_what_its_scope_allows,
}

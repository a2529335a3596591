//! What the API promises, asked over HTTP.

mod accounts;
mod actors;
mod agent;
mod bad_input;
mod devices;
mod directory_files;
mod extensions;
mod feed;
mod feed_http;
mod files;
mod imports;
mod keys;
mod leaving;
mod lists;
mod nodes;
mod numbers;
mod operations;
mod rates;
mod render;
mod reservations;
mod watching;
mod web_hooks;

use self::extensions::{fallbacks, renumber, secrets, swap, transfer, two_writers};
use crate::permissions;
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
    numbers::people_see_what_is_held_for_them,
    numbers::what_is_refused_names_its_rule,
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
    rates::a_network_signs_in_as_one_address_does,
    rates::guests_at_one_address_share_3000_requests_a_minute,
    rates::cost_is_limited_beside_requests,
    rates::requests_of_this_machine_are_exempt_without_a_proxy,
    rates::pages_set_no_cookie_and_are_cacheable,
    reservations::a_reserved_number_is_its_owners_alone,
    reservations::a_reservation_lapses_moves_or_is_released,
    reservations::what_cannot_be_reserved_says_why,
    reservations::a_number_of_the_world_is_reserved_without_an_event,
    reservations::a_hold_is_its_owners_to_give_up,
    reservations::a_freed_number_ages_until_the_telephone_systems_know,
    reservations::touched_numbers_are_listed_for_operators,
    lists::a_list_is_narrowed_by_what_is_asked_and_by_who_asks,
    lists::a_search_finds_numbers_labels_and_owners,
    lists::those_that_may_be_called_and_the_others,
    lists::an_account_shows_its_extensions_page_by_page,
    nodes::everybody_finds_what_they_may_see,
    nodes::what_is_no_id_is_nothing,
    leaving::an_account_is_deleted_with_all_that_is_personal,
    leaving::the_feeds_are_told_of_a_deletion,
    leaving::who_may_not_leave_is_told_why,
    leaving::an_export_holds_ones_own_data_and_nobody_elses,
    numbers::a_bar_of_an_international_number_bites_everywhere,
    numbers::a_bar_of_an_international_number_is_told,
    numbers::a_number_taken_back_while_its_hold_ends_stays_in_service,
    renumber::an_owner_takes_another_number_and_may_go_back,
    renumber::what_may_not_be_is_refused_and_changes_nothing,
    renumber::an_operator_moves_anybodys_in_every_phase_but_archived,
    renumber::somebody_banned_moves_nothing,
    renumber::a_dry_run_tells_and_changes_nothing,
    renumber::a_repeated_request_moves_once,
    renumber::whoever_shows_it_is_told_in_the_same_change,
    renumber::a_number_that_was_left_waits_for_the_system_of_a_group_that_rang_it,
    renumber::twenty_want_one_number_in_three_ways,
    swap::numbers_change_places_in_one_change_of_every_feed,
    swap::what_may_not_be_swapped_is_refused,
    swap::a_repeated_request_does_not_swap_back,
    swap::a_bar_stays_with_its_number,
    swap::copies_of_the_numbers_change_places_though_they_are_unique,
    transfer::the_new_owner_has_it_with_new_secrets,
    transfer::who_may_not_have_it_is_refused,
    transfer::a_repeated_request_rotates_once,
    transfer::groups_of_others_ask_the_new_owner,
    transfer::generated_secrets_are_shown_to_whom_they_are_visible,
    fallbacks::a_fallback_follows_its_extension_and_ends_with_it,
    fallbacks::a_fallback_is_an_extension_or_a_number_outside,
    fallbacks::loops_are_refused_with_the_way_shown,
    fallbacks::an_invitation_is_looked_at_again_when_it_is_accepted,
    fallbacks::two_halves_of_a_loop_at_once_leave_one,
    two_writers::a_group_and_its_member,
    two_writers::a_fallback_and_its_target,
    two_writers::a_number_and_a_label_of_one_extension,
    two_writers::a_ban_and_a_registration,
    two_writers::a_bar_and_a_move,
    secrets::unique_secrets_are_compared_and_not_kept,
    secrets::one_value_in_two_events_at_once_has_one_owner,
    secrets::a_new_schema_shows_no_stored_secret,
    feed::every_change_is_told_in_order,
    feed::a_key_sees_what_its_scope_allows,
    watching::a_consumer_that_comes_further_is_told,
    feed_http::a_whole_feed_is_that_of_graphql,
    feed_http::a_feed_that_is_known_is_not_sent_again,
    feed_http::a_feed_is_compressed_as_asked,
    feed_http::only_who_may_read_a_feed_reads_it,
    feed_http::changes_come_when_there_are_some,
    feed_http::what_is_no_position_is_refused_or_reset,
    feed_http::a_revoked_key_waits_no_longer,
    feed_http::what_another_instance_changed_is_known_within_a_second,
    feed_http::a_key_that_another_instance_revoked_ends_within_a_second,
    feed_http::a_copy_kept_by_polling_equals_the_database,
    render::every_shipped_template_of_a_feed_renders,
    render::a_rendered_file_that_is_known_is_not_sent_again,
    render::a_template_that_needs_secrets_fails_without_them,
    devices::a_softphone_fetches_its_configuration_once,
    devices::a_softphone_link_ends_and_is_for_its_owner,
    devices::a_desk_phone_finds_its_configuration_by_its_address,
    devices::an_owner_gives_a_desk_phone_its_address,
    devices::an_owner_gets_no_secret_that_is_not_shown_to_him,
    directory_files::every_phonebook_lists_what_the_sender_sees,
    directory_files::a_contact_keeps_its_uid_and_cisco_turns_pages,
    bad_input::wrong_types_are_named,
    bad_input::ids_of_the_wrong_kind_and_of_others_are_refused,
    bad_input::too_long_too_deep_and_too_wide_is_refused,
    bad_input::broken_bytes_and_documents_are_refused,
    bad_input::schema_bombs_are_refused,
    bad_input::what_systems_say_is_checked,
    bad_input::broken_csv_is_refused,
    permissions::everybody_is_asked_for_everything,
    operations::metrics_count_extensions_and_lag,
    agent::a_refused_record_is_reported_and_the_rest_goes_on,
    agent::a_record_that_failed_is_tried_again,
    agent::a_reload_that_failed_is_owed,
    agent::a_key_that_is_gone_stops_it,
    web_hooks::changes_arrive_signed_and_acknowledged,
    web_hooks::a_system_that_fails_is_called_again_and_given_up_after_a_day,
    web_hooks::what_a_called_system_reports_is_seen,
    web_hooks::addresses_inside_are_not_called,
    web_hooks::a_paused_system_is_left_alone,
    web_hooks::an_archived_event_is_told_once,
    web_hooks::a_new_sealing_key_keeps_the_secret,
}

//! What the API promises, asked over HTTP.

mod accounts;
mod feed;
mod feed_http;
mod numbers;
mod render;
mod web_hooks;

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
    feed::every_change_is_told_in_order,
    feed::a_key_sees_what_its_scope_allows,
    feed_http::a_whole_feed_is_that_of_graphql,
    feed_http::a_feed_that_is_known_is_not_sent_again,
    feed_http::a_feed_is_compressed_as_asked,
    feed_http::only_who_may_read_a_feed_reads_it,
    feed_http::changes_come_when_there_are_some,
    feed_http::what_is_no_position_is_refused_or_reset,
    feed_http::a_revoked_key_waits_no_longer,
    feed_http::a_copy_kept_by_polling_equals_the_database,
    render::every_shipped_template_of_a_feed_renders,
    render::a_rendered_file_that_is_known_is_not_sent_again,
    render::a_template_that_needs_secrets_fails_without_them,
    web_hooks::changes_arrive_signed_and_acknowledged,
    web_hooks::a_system_that_fails_is_called_again_and_given_up_after_a_day,
    web_hooks::what_a_called_system_reports_is_seen,
    web_hooks::addresses_inside_are_not_called,
    web_hooks::a_paused_system_is_left_alone,
    web_hooks::an_archived_event_is_told_once,
}

//! What breaks a rule today. The list must not grow: whoever mends one takes its line away.

/// Beginning of the file's path, what it names, reason.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("services.rs", "accounts::hashing", "the ground under the rules holds the one hasher"),
    ("agent/follow.rs", "Instant::now", "it waits between tries"),
    ("http/gateway.rs", "async_graphql", "it hands the caller to the request"),
    ("directory/", "service_types::queries", "the directory finds its event by slug"),
    ("extensions/rules/", "numbers::queries", "a number changes hands in the extension's own transaction"),
    ("event_files/", "extensions::many_queries", "a file is read and written in one transaction"),
    ("service_types/effects.rs", "diesel", "its narrow queries are the exception that its head explains"),
    ("service_types/effects.rs", "diesel_async", "its narrow queries are the exception that its head explains"),
    ("service_types/effects.rs", "extensions", "a schema's change rewrites parameters"),
    ("service_types/effects.rs", "extension_permissions", "a permission that goes leaves its holders"),
    ("service_types/effects.rs", "extension_unique_values", "a schema's change rewrites parameters"),
    ("service_types/effects.rs", "numbers", "a new event takes over reservations"),
    ("service_types/effects.rs", "number_history", "a new event takes over reservations"),
    (
        "service_types/queries.rs",
        "notification_generations",
        "an admin's change is counted in the row that every instance compares",
    ),
    ("extensions/", "directory_terms", "the words of a label are saved with it"),
    ("extensions/queries.rs", "group_members", "a deletion takes its memberships along"),
    ("extensions/", "events", "slots are counted in the event's row"),
    ("service_types/schema/tests.rs", "lines", "one table of schemas"),
    ("graphql/typed/tests.rs", "lines", "one table of schemas"),
    ("store/schema.rs", "lines", "all tables, as diesel prints them"),
];

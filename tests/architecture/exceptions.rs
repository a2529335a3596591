//! What breaks a rule today. The list must not grow: whoever mends one takes its line away.

/// Beginning of the file's path, what it names, reason.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("services.rs", "accounts::hashing", "the ground under the rules holds the one hasher"),
    ("agent/follow.rs", "Instant::now", "it waits between tries"),
    ("http/gateway.rs", "async_graphql", "it hands the caller to the request"),
    ("extensions/rules/", "numbers::queries", "a number changes hands in the extension's own transaction"),
    ("event_files/", "extensions::many_queries", "a file is read and written in one transaction"),
    ("events/cascade.rs", "diesel", "it holds the queries of foreign tables"),
    ("events/cascade.rs", "diesel_async", "it holds the queries of foreign tables"),
    ("events/cascade.rs", "extensions", "a deleted permission is revoked from its extensions"),
    ("events/cascade.rs", "extension_permissions", "a deleted permission is revoked from its extensions"),
    ("events/cascade.rs", "numbers", "a new event copies reservations"),
    ("events/cascade.rs", "number_history", "a new event copies reservations"),
    ("service_types/cascade.rs", "diesel", "it holds the queries of foreign tables"),
    ("service_types/cascade.rs", "diesel_async", "it holds the queries of foreign tables"),
    ("service_types/cascade.rs", "extensions", "a changed schema rewrites parameters"),
    ("service_types/cascade.rs", "extension_unique_values", "a changed schema rewrites unique values"),
    ("events/queries.rs", "doorbell", "an admin's change is counted in the row that every instance compares"),
    ("extensions/", "directory_terms", "the words of a label are saved with it"),
    ("extensions/queries.rs", "group_members", "a deletion takes its memberships along"),
    ("extensions/", "events", "slots are counted in the event's row"),
    ("service_types/schema/tests.rs", "lines", "one table of schemas"),
    ("graphql/typed/tests.rs", "lines", "one table of schemas"),
    ("store/schema.rs", "lines", "all tables, as diesel prints them"),
];

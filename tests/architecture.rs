//! Rules of the architecture that the compiler does not check.
//!
//! Cargo enforces the direction of dependencies between the crates. These tests read the sources for what is left: which crate
//! names which table, which libraries stay in which layer, and that only the platform's clock reads the time and draws
//! randomness. A table that another crate reads stands in a list with its reason; an entry without need fails too, so that the
//! list can only become shorter.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

/// The tables of each crate.
const OWNERS: [(&str, &[&str]); 10] = [
    (
        "platform",
        &[
            "audit_events",
            "audit_seals",
            "notification_generations",
            "feed_entries",
            "feed_keys",
            "feed_revisions",
            "feeds",
            "idempotency_records",
            "jobs",
            "sealed_keys",
        ],
    ),
    ("restrictions", &["restrictions"]),
    ("accounts", &["account_terms", "accounts", "mail_tokens", "sessions", "sign_in_failures"]),
    ("events", &["call_permissions", "events", "number_ranges"]),
    ("service-types", &["event_service_types", "range_service_types", "service_types"]),
    ("templates", &["templates"]),
    ("api-keys", &["api_key_events", "api_key_service_types", "api_keys"]),
    ("numbers", &["number_history", "number_waits", "numbers"]),
    (
        "extensions",
        &["directory_terms", "extension_permissions", "extension_unique_values", "extensions", "group_members"],
    ),
    ("provisioning", &["device_links", "feed_consumers", "feed_errors", "feed_web_hooks"]),
];

/// A file that names tables of other crates.
struct Exception {
    file: &'static str,
    tables: &'static [&'static str],
    reason: &'static str,
}

/// The files that name tables of other crates.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "crates/platform/src/secrets/queries.rs",
        tables: &["extensions", "feed_web_hooks"],
        reason: "the start checks the sealing key by a sealed value of each kind, also of versions without an audit key",
    },
    Exception {
        file: "crates/service-types/src/queries.rs",
        tables: &["number_ranges"],
        reason: "limits of ranges are selected by the ranges of an event",
    },
    Exception {
        file: "crates/numbers/src/queries.rs",
        tables: &["api_keys", "feed_consumers"],
        reason: "ageing ends with the acknowledgements of the consumers that count",
    },
    Exception {
        file: "crates/numbers/src/plan_queries.rs",
        tables: &["restrictions"],
        reason: "a barred number is not free",
    },
    Exception {
        file: "crates/extensions/src/queries.rs",
        tables: &["events"],
        reason: "slots are counted in the event's row",
    },
    Exception {
        file: "crates/extensions/src/bulk_queries.rs",
        tables: &["accounts", "events"],
        reason: "an import counts slots; an export and a migration read usernames in a constant number of statements",
    },
    Exception {
        file: "crates/extensions/src/list/queries.rs",
        tables: &["account_terms", "numbers", "restrictions"],
        reason: "one statement lists a page with its restrictions and searches owners",
    },
    Exception {
        file: "crates/extensions/src/groups/queries.rs",
        tables: &["events"],
        reason: "invitations of draft events are not listed",
    },
    Exception {
        file: "crates/extensions/src/directory/queries.rs",
        tables: &["call_permissions", "events", "feeds", "numbers", "restrictions"],
        reason: "one statement reads a page of the directory",
    },
    Exception {
        file: "crates/provisioning/src/queries.rs",
        tables: &["events", "feed_entries", "feed_keys", "feed_revisions", "feeds", "service_types"],
        reason: "provisioning reads the feed log, and pages name events and types by slug",
    },
    Exception {
        file: "crates/provisioning/src/consumer_queries.rs",
        tables: &["api_key_events", "api_key_service_types", "api_keys", "feed_keys", "feeds"],
        reason: "a consumer counts while its key is valid",
    },
    Exception {
        file: "crates/provisioning/src/extension_source/queries.rs",
        tables: &[
            "accounts",
            "call_permissions",
            "extension_permissions",
            "extension_unique_values",
            "extensions",
            "group_members",
            "numbers",
        ],
        reason: "a page of the feed loads a thousand extensions with their content in a constant number of statements",
    },
    Exception {
        file: "crates/provisioning/src/context_queries.rs",
        tables: &["events", "service_types"],
        reason: "a feed is named by the slugs of its event and service type",
    },
    Exception {
        file: "crates/provisioning/src/devices/queries.rs",
        tables: &["extensions", "feed_entries", "templates"],
        reason: "a device link is read with its template and the version of its extension",
    },
    Exception {
        file: "crates/provisioning/src/web_hooks/queries.rs",
        tables: &["events", "feeds"],
        reason: "due web hooks are read with their feed's head",
    },
];

/// Calls that read the time or draw randomness.
const NONDETERMINISTIC: [&str; 8] = [
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "getrandom::fill",
    "OsRng",
    "Uuid::new_v",
    "Uuid::now_v",
    "rand::rng",
];

/// A source file without its comments and its unit tests.
struct Source {
    /// Below the repository, such as `crates/numbers/src/allocation.rs`.
    path: String,
    text: String,
}

impl Source {
    /// The crate's folder name; `switchboard` for the program.
    fn crate_name(&self) -> &str {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()).unwrap_or("switchboard")
    }

    /// The tables that it imports from the platform's schema.
    fn tables(&self) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        for (start, found) in self.text.match_indices("store::schema::") {
            let rest = &self.text[start + found.len()..];
            let imported = match rest.strip_prefix('{') {
                Some(group) => group.split('}').next().unwrap_or_default(),
                None => rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default(),
            };
            let names = imported.split(',').filter_map(|name| name.split_whitespace().next());
            tables.extend(names.map(str::to_owned));
        }
        tables
    }
}

/// The tests of the architecture.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("architecture::a_table_is_named_by_its_own_crate", || fail_on(foreign_tables())),
        Trial::test("architecture::every_table_has_an_owner", || fail_on(tables_without_owner())),
        Trial::test("architecture::libraries_stay_in_their_layer", || fail_on(misplaced_libraries())),
        Trial::test("architecture::only_the_clock_reads_time_and_randomness", || fail_on(nondeterminism())),
    ]
}

fn fail_on(offences: Vec<String>) -> Result<(), libtest_mimic::Failed> {
    if offences.is_empty() { Ok(()) } else { Err(offences.join("\n").into()) }
}

fn owner_of(table: &str) -> Option<&'static str> {
    OWNERS.iter().find(|(_, tables)| tables.contains(&table)).map(|(owner, _)| *owner)
}

fn foreign_tables() -> Vec<String> {
    let mut needed = BTreeSet::new();
    let mut offences = Vec::new();
    for source in sources() {
        for table in source.tables() {
            if owner_of(&table) == Some(source.crate_name()) || owner_of(&table).is_none() {
                continue;
            }
            let exception = EXCEPTIONS.iter().find(|exception| exception.file == source.path);
            if exception.is_some_and(|exception| exception.tables.contains(&table.as_str())) {
                needed.insert((source.path.clone(), table));
            } else {
                offences.push(format!("{}: names the table `{table}` of another crate", source.path));
            }
        }
    }
    for Exception { file, tables, reason } in EXCEPTIONS {
        let without_need = tables.iter().filter(|table| !needed.contains(&((*file).to_owned(), (**table).to_owned())));
        offences.extend(without_need.map(|table| format!("{file}: `{table}` needs no exception ({reason})")));
    }
    offences
}

fn tables_without_owner() -> Vec<String> {
    let schema = std::fs::read_to_string(root().join("crates/platform/src/store/schema.rs")).unwrap();
    let tables = schema.lines().filter_map(|line| line.trim().split_once(" (").map(|(name, _)| name.to_owned()));
    let tables = tables.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()));
    tables.filter(|table| owner_of(table).is_none()).map(|table| format!("no crate owns the table `{table}`")).collect()
}

fn misplaced_libraries() -> Vec<String> {
    let mut offences = Vec::new();
    for Source { path, text } in sources() {
        let file = path.rsplit('/').next().unwrap_or_default();
        let queries = file.contains("queries")
            || file.contains("model")
            || path.starts_with("crates/platform/")
            || path.starts_with("crates/agent/src/database")
            || path == "src/graphql/error.rs";
        let mut check = |library: &str, allowed: bool| {
            if !allowed && text.contains(&format!("{library}::")) {
                offences.push(format!("{path}: `{library}` belongs to another layer"));
            }
        };
        check("diesel_async", queries);
        check("async_graphql", path.starts_with("src/graphql") || path.starts_with("src/http") || path == "src/app.rs");
        check("axum", path.starts_with("src/http") || path == "src/commands.rs");
    }
    offences
}

fn nondeterminism() -> Vec<String> {
    let mut offences = Vec::new();
    for Source { path, text } in sources() {
        if path == "crates/platform/src/clock.rs" {
            continue;
        }
        let found = NONDETERMINISTIC.iter().filter(|call| text.contains(**call));
        offences.extend(found.map(|call| format!("{path}: `{call}` is taken from platform::clock")));
    }
    offences
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every source of the program and of its crates, tests left out.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    collect(&root().join("crates"), &mut files);
    files.sort();
    let sources: Vec<Source> = files.iter().filter_map(|file| read(file)).collect();
    assert!(sources.len() > 200, "the sources were not found");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> Option<Source> {
    let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs") || path.starts_with("crates/test-support");
    if is_test {
        return None;
    }
    let text = std::fs::read_to_string(file).unwrap();
    let without_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = without_tests.lines().filter(|line| !line.trim_start().starts_with("//"));
    Some(Source { path, text: lines.collect::<Vec<_>>().join("\n") })
}

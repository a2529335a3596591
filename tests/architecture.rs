//! Which module may name which: the arrows of the house, read from the sources' own `crate::` paths.
//!
//! Ranks run from the base modules up to the frame that puts the program together; a module names what is below it, or
//! itself. Domains name each other in their order, and of each other the public face only, never queries. A table is
//! written by one module; what others show beside their own rows they may read in their queries. GraphQL files may use each
//! other's objects: a graph has edges both ways. What breaks a rule today is in the list of exceptions, each with its
//! reason; one that is not needed any more fails too, so the list can only become shorter.

mod exceptions;
mod sources;

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use exceptions::EXCEPTIONS;
use sources::{Named, Source};

/// Base modules: they know no domain, no GraphQL and no HTTP.
const BASE: [&str; 23] = [
    "access",
    "audit",
    "feed_log",
    "notifications",
    "locks",
    "clock",
    "config",
    "idempotency",
    "ids",
    "jobs",
    "mail",
    "patch",
    "error",
    "restrictions",
    "secrets",
    "services",
    "store",
    "text",
    "transaction",
    "query",
    "insert_rows",
    "number_state",
    "outgoing",
];

/// Macros that the crate exports at its root: they belong to the base.
const ROOT_MACROS: [&str; 5] = ["text_enum", "mirrored", "connection", "entity_id", "id_type"];

/// Domains, each with the domains that it may name.
const DOMAINS: [(&str, &[&str]); 12] = [
    ("accounts", &[]),
    ("api_keys", &["accounts", "service_types"]),
    ("moderation", &["accounts"]),
    ("service_types", &["accounts"]),
    ("numbers", &["accounts", "service_types"]),
    ("extensions", &["accounts", "moderation", "service_types", "numbers"]),
    ("groups", &["accounts", "service_types", "numbers", "extensions", "directory"]),
    ("directory", &["accounts", "service_types", "numbers", "extensions"]),
    ("provisioning", &["accounts", "api_keys", "service_types", "numbers", "extensions", "groups", "directory"]),
    // A program of its own that speaks to a server as any other system does.
    ("agent", &["provisioning"]),
    ("event_files", &["accounts", "service_types", "numbers", "extensions", "groups"]),
    ("personal_data", &["accounts", "provisioning", "service_types", "numbers", "extensions", "groups", "directory"]),
];

/// Pure vocabulary: types without I/O that anybody may name, as they may name the ids.
const VOCABULARY: [&str; 6] = [
    "numbers::number",
    "numbers::plan",
    "numbers::state",
    "numbers::keypad",
    "extensions::visibility",
    "extensions::label",
];

/// Which module writes which tables.
const TABLES: [(&str, &[&str]); 15] = [
    ("accounts", &["accounts", "sessions", "mail_tokens", "sign_in_failures", "account_terms"]),
    ("restrictions", &["restrictions"]),
    (
        "service_types",
        &[
            "events",
            "service_types",
            "event_service_types",
            "number_ranges",
            "range_service_types",
            "call_permissions",
            "templates",
        ],
    ),
    ("api_keys", &["api_keys", "api_key_service_types", "api_key_events"]),
    ("numbers", &["numbers", "number_history", "number_waits"]),
    ("extensions", &["extensions", "extension_permissions", "extension_unique_values"]),
    ("directory", &["directory_terms"]),
    ("groups", &["group_members"]),
    ("feed_log", &["feeds", "feed_revisions", "feed_entries", "feed_keys"]),
    (
        "provisioning",
        &[
            "device_links",
            "feed_web_hooks",
            "feed_consumers",
            "feed_errors",
            "feeds",
            "feed_revisions",
            "feed_entries",
            "feed_keys",
        ],
    ),
    ("audit", &["audit_events", "audit_seals"]),
    ("jobs", &["jobs"]),
    ("idempotency", &["idempotency_records"]),
    ("secrets", &["sealed_keys"]),
    ("store", &["notification_generations"]),
];

/// A line that breaks a rule.
struct Offence {
    file: String,
    line: usize,
    named: String,
    rule: &'static str,
}

impl Offence {
    fn at(source: &Source, named: &Named, rule: &'static str) -> Self {
        Self { file: source.path.clone(), line: named.line, named: named.path.clone(), rule }
    }

    fn excuse(&self) -> Option<usize> {
        EXCEPTIONS.iter().position(|(file, prefix, _)| {
            self.file.starts_with(file) && (self.named == *prefix || self.named.starts_with(&format!("{prefix}::")))
        })
    }
}

/// The tests of the architecture.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("architecture::arrows_point_down", || {
            judge(&sources::all().iter().flat_map(arrows).collect::<Vec<_>>())
        }),
        Trial::test("architecture::a_table_is_written_by_one_module", || {
            judge(&sources::all().iter().flat_map(tables).collect::<Vec<_>>())
        }),
        Trial::test("architecture::only_the_clock_asks_for_time_and_chance", || {
            judge(&sources::all().iter().flat_map(chance).collect::<Vec<_>>())
        }),
        Trial::test("architecture::no_file_outgrows_its_room", || judge(&long_files())),
        Trial::test("architecture::libraries_stay_in_their_rooms", || {
            judge(&sources::all().iter().flat_map(libraries).collect::<Vec<_>>())
        }),
        Trial::test("architecture::every_module_has_a_place", every_module_has_a_place),
        Trial::test("architecture::no_exception_outlives_its_offence", no_exception_outlives_its_offence),
    ]
}

fn judge(offences: &[Offence]) -> Result<(), libtest_mimic::Failed> {
    let lines: Vec<String> = offences
        .iter()
        .filter(|offence| offence.excuse().is_none())
        .map(|offence| format!("src/{}:{}: `{}`: {}", offence.file, offence.line, offence.named, offence.rule))
        .collect();
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n").into()) }
}

fn arrows(source: &Source) -> Vec<Offence> {
    source.crate_paths.iter().filter_map(|named| broken_arrow(source, named)).collect()
}

fn broken_arrow(source: &Source, named: &Named) -> Option<Offence> {
    let (from, to) = (source.module.as_str(), named.module());
    if from == to || is_frame(from) || ROOT_MACROS.contains(&to) || BASE.contains(&to) && !named.is_graphql() {
        return None;
    }
    if is_vocabulary(&named.path) {
        return None;
    }
    let offence = |rule| Some(Offence::at(source, named, rule));
    if BASE.contains(&from) && !source.is_graphql {
        return offence("a base module knows no domain, no GraphQL and no HTTP");
    }
    match to {
        "http" => offence("only the frame names the outside edge"),
        "app" if from == "http" => None,
        "graphql" if from == "http" || source.is_graphql => None,
        "graphql" => offence("only GraphQL files and the edge name the GraphQL glue"),
        _ if is_frame(to) => offence("nobody names the frame"),
        _ => between_domains(source, named),
    }
}

fn between_domains(source: &Source, named: &Named) -> Option<Offence> {
    let (from, to) = (source.module.as_str(), named.module());
    let offence = |rule| Some(Offence::at(source, named, rule));
    if named.is_graphql() {
        let allowed = source.is_graphql || matches!(from, "graphql" | "http");
        return if allowed { None } else { offence("only GraphQL files use another's GraphQL objects") };
    }
    if named.is_queries() {
        return offence("a domain uses another's public face, never its queries");
    }
    // The glue knows the words that the schema shows, and how service types become types of it.
    if source.is_graphql || matches!(from, "http" | "graphql" | "authentication") {
        return None;
    }
    let may = DOMAINS.iter().find(|(domain, _)| *domain == from).map(|(_, may)| *may);
    match may {
        Some(may) if may.contains(&to) => None,
        Some(_) => offence("this domain is not below that one"),
        None => offence("a module outside the domains names a domain"),
    }
}

fn is_vocabulary(path: &str) -> bool {
    VOCABULARY.iter().any(|word| path == *word || path.starts_with(&format!("{word}::")))
}

/// The frame puts the program together and may name everything.
fn is_frame(module: &str) -> bool {
    matches!(module, "app" | "background" | "cli" | "commands" | "demo" | "lib" | "main")
}

fn tables(source: &Source) -> Vec<Offence> {
    let own: BTreeSet<&str> =
        TABLES.iter().filter(|(module, _)| *module == source.module).flat_map(|(_, tables)| *tables).copied().collect();
    let named = source.written.iter().filter(|table| !own.contains(table.path.as_str()));
    named.map(|named| Offence::at(source, named, "one table is written by one module")).collect()
}

fn chance(source: &Source) -> Vec<Offence> {
    // The edge counts its own deadlines; nothing that it keeps comes of them.
    let counts_deadlines = source.module == "http";
    let named = source.chance.iter().filter(|named| !(counts_deadlines && named.path == "Instant::now"));
    let named = named.filter(|_| source.module != "clock");
    named.map(|named| Offence::at(source, named, "time and chance are asked of crate::clock")).collect()
}

/// The most lines that a file may have, its tests included.
const MOST_LINES: usize = 400;

fn long_files() -> Vec<Offence> {
    let long = sources::line_counts().into_iter().filter(|(_, lines)| *lines > MOST_LINES);
    long.map(|(file, lines)| Offence {
        file,
        line: lines,
        named: "lines".to_owned(),
        rule: "a file has at most 400 lines",
    })
    .collect()
}

fn libraries(source: &Source) -> Vec<Offence> {
    let is_base = BASE.contains(&source.module.as_str());
    let keeps_queries = source.name.contains("queries") || source.path.starts_with("agent/database") || is_base;
    let keeps_rows = source.name == "model" || source.name.ends_with("_model");
    let speaks_graphql = source.is_graphql || source.module == "graphql" || source.path.starts_with("http/graphql");
    let mut offences = Vec::new();
    for named in &source.libraries {
        let offence = |rule| Offence::at(source, named, rule);
        match named.path.as_str() {
            "diesel" | "diesel_async" if keeps_queries => {}
            // A row's derives name its table; they are no queries.
            "diesel" if keeps_rows => {}
            "diesel" | "diesel_async" => offences.push(offence("in a domain only queries name diesel")),
            "async_graphql" if !speaks_graphql && source.module != "app" => {
                offences.push(offence("only GraphQL files, graphql/ and the edge of the API name async-graphql"));
            }
            "axum" if source.module != "http" && source.module != "commands" => {
                offences.push(offence("only http/ names axum"))
            }
            _ => {}
        }
    }
    offences
}

/// A new module is put into its rank before anything can be said about it.
fn every_module_has_a_place() -> Result<(), libtest_mimic::Failed> {
    let placed = |module: &str| {
        BASE.contains(&module)
            || is_frame(module)
            || matches!(module, "http" | "graphql" | "authentication")
            || DOMAINS.iter().any(|(domain, _)| *domain == module)
    };
    let unplaced: BTreeSet<String> =
        sources::all().into_iter().map(|source| source.module).filter(|module| !placed(module)).collect();
    if unplaced.is_empty() { Ok(()) } else { Err(format!("modules without a rank: {unplaced:?}").into()) }
}

fn no_exception_outlives_its_offence() -> Result<(), libtest_mimic::Failed> {
    let sources = sources::all();
    let offences = sources.iter().flat_map(|source| {
        let mut offences = arrows(source);
        offences.extend(tables(source));
        offences.extend(libraries(source));
        offences.extend(chance(source));
        offences
    });
    let needed: BTreeSet<usize> = offences.chain(long_files()).filter_map(|offence| offence.excuse()).collect();
    let stale: Vec<_> =
        (0..EXCEPTIONS.len()).filter(|place| !needed.contains(place)).map(|place| EXCEPTIONS[place]).collect();
    if stale.is_empty() { Ok(()) } else { Err(format!("exceptions that nothing needs any more: {stale:?}").into()) }
}

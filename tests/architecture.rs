//! Which module may name which: the arrows of the house, read from the sources' own `crate::` paths.
//!
//! Ranks run from the base modules up to the frame that puts the program together; a module names what is below it, or
//! itself. Domains name each other in their order, and of each other the public face only, never queries or tables.
//! GraphQL files may use each other's objects: a graph has edges both ways. What breaks a rule today is in the list of
//! exceptions, each with its reason; one that is not needed any more fails too, so the list can only become shorter.

mod exceptions;
mod sources;

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use exceptions::EXCEPTIONS;
use sources::{Named, Source};

/// Base modules: they know no domain, no GraphQL and no HTTP.
const BASE: [&str; 18] = [
    "access", "audit", "changes", "clock", "config", "idempotency", "ids", "jobs", "mail", "patch", "problem",
    "restrictions", "secrets", "services", "store", "text", "transaction", "query",
];

/// Macros that the crate exports at its root: they belong to the base.
const ROOT_MACROS: [&str; 4] = ["text_enum", "mirrored", "connection", "entity_id"];

/// Domains, each with the domains that it may name.
const DOMAINS: [(&str, &[&str]); 9] = [
    ("accounts", &[]),
    ("api_keys", &["accounts", "service_types"]),
    ("moderation", &["accounts"]),
    ("service_types", &["accounts"]),
    ("numbers", &["accounts", "service_types"]),
    ("extensions", &["accounts", "service_types", "numbers"]),
    ("groups", &["accounts", "service_types", "numbers", "extensions", "directory"]),
    ("directory", &["accounts", "service_types", "numbers", "extensions"]),
    ("provisioning", &["accounts", "api_keys", "service_types", "numbers", "extensions", "groups", "directory"]),
];

/// Pure vocabulary: types without I/O that any domain may name, as it may name the ids.
const VOCABULARY: [&str; 6] = [
    "numbers::number", "numbers::plan", "numbers::state", "numbers::keypad", "extensions::visibility", "extensions::label",
];

/// Which module owns which tables. Provisioning reads others' rows for its feeds, in `content_queries` alone.
const TABLES: [(&str, &[&str]); 13] = [
    ("accounts", &["accounts", "sessions", "mail_tokens", "sign_in_failures"]),
    ("restrictions", &["restrictions"]),
    (
        "service_types",
        &["events", "service_types", "event_service_types", "number_ranges", "range_service_types", "call_permissions", "templates"],
    ),
    ("api_keys", &["api_keys", "api_key_service_types", "api_key_events"]),
    ("numbers", &["numbers", "number_history", "number_waits"]),
    ("extensions", &["extensions", "extension_permissions", "extension_unique_values"]),
    ("directory", &["directory_terms"]),
    ("groups", &["group_members"]),
    ("changes", &["feeds", "feed_revisions", "feed_entries", "feed_keys"]),
    ("provisioning", &["feed_consumers", "feed_errors", "feeds", "feed_revisions", "feed_entries", "feed_keys"]),
    ("audit", &["audit_events", "audit_seals"]),
    ("jobs", &["jobs"]),
    ("idempotency", &["idempotency_records"]),
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
            self.file == *file && (self.named == *prefix || self.named.starts_with(&format!("{prefix}::")))
        })
    }
}

/// The tests of the architecture.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("architecture::arrows_point_down", || {
            judge(&sources::all().iter().flat_map(arrows).collect::<Vec<_>>())
        }),
        Trial::test("architecture::a_table_belongs_to_one_module", || {
            judge(&sources::all().iter().flat_map(tables).collect::<Vec<_>>())
        }),
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
        .map(|offence| format!("src/{}:{}: `crate::{}`: {}", offence.file, offence.line, offence.named, offence.rule))
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
        let allowed = source.is_graphql || from == "graphql";
        return if allowed { None } else { offence("only GraphQL files use another's GraphQL objects") };
    }
    if named.is_queries() {
        return offence("a domain uses another's public face, never its queries");
    }
    if VOCABULARY.iter().any(|word| named.path == *word || named.path.starts_with(&format!("{word}::"))) {
        return None;
    }
    if source.is_graphql || from == "http" {
        return None;
    }
    let may = DOMAINS.iter().find(|(domain, _)| *domain == from).map(|(_, may)| *may);
    match may {
        Some(may) if may.contains(&to) => None,
        Some(_) => offence("this domain is not below that one"),
        None => offence("a module outside the domains names a domain"),
    }
}

/// The frame puts the program together and may name everything.
fn is_frame(module: &str) -> bool {
    matches!(module, "app" | "background" | "cli" | "commands" | "demo" | "lib" | "main")
}

fn tables(source: &Source) -> Vec<Offence> {
    if is_frame(&source.module) || source.module == "store" {
        return Vec::new();
    }
    let own: BTreeSet<&str> =
        TABLES.iter().filter(|(module, _)| *module == source.module).flat_map(|(_, tables)| *tables).copied().collect();
    let named = source.crate_paths.iter().filter(|named| named.path.starts_with("store::schema::"));
    named
        .filter(|named| !own.contains(named.path.split("::").nth(2).unwrap_or_default()))
        .map(|named| Offence::at(source, named, "one table belongs to one module"))
        .collect()
}

fn libraries(source: &Source) -> Vec<Offence> {
    let keeps_queries = source.name.contains("queries") || source.module == "store";
    let keeps_rows = source.name == "model" || source.name.ends_with("_model");
    let speaks_graphql = source.is_graphql || source.module == "graphql" || source.path.starts_with("http/graphql");
    let mut offences = Vec::new();
    for named in &source.libraries {
        let offence = |rule| Offence::at(source, named, rule);
        match named.path.as_str() {
            "diesel" | "diesel_async" if keeps_queries => {}
            // A row's derives name its table; they are no queries.
            "diesel" if keeps_rows => {}
            "diesel" | "diesel_async" => offences.push(offence("only queries and store/ name diesel")),
            "async_graphql" if !speaks_graphql => {
                offences.push(offence("only GraphQL files, graphql/ and http/graphql name async-graphql"));
            }
            "axum" if source.module != "http" => offences.push(offence("only http/ names axum")),
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
            || matches!(module, "http" | "graphql")
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
        offences
    });
    let needed: BTreeSet<usize> = offences.filter_map(|offence| offence.excuse()).collect();
    let stale: Vec<_> = (0..EXCEPTIONS.len()).filter(|place| !needed.contains(place)).map(|place| EXCEPTIONS[place]).collect();
    if stale.is_empty() { Ok(()) } else { Err(format!("exceptions that nothing needs any more: {stale:?}").into()) }
}

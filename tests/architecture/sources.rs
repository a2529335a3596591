//! The sources as the architecture sees them: who they are, and which paths of the crate they name.

use std::path::Path;

/// One file of `src`, without its tests.
pub struct Source {
    /// Below `src`, such as `extensions/rules/place.rs`.
    pub path: String,
    /// The module at the crate's root that it belongs to.
    pub module: String,
    /// The file's own name, without `.rs`.
    pub name: String,
    /// Whether it is a domain's `graphql.rs`, or in its `graphql/` folder.
    pub is_graphql: bool,
    /// Every `crate::…` path, braces expanded.
    pub crate_paths: Vec<Named>,
    /// Every library that a rule speaks of, by its first name.
    pub libraries: Vec<Named>,
    /// Every table that it inserts into, updates or deletes from.
    pub written: Vec<Named>,
    /// Every place where it asks for the time or draws randomness.
    pub chance: Vec<Named>,
}

/// A path, and the line where it stands.
pub struct Named {
    /// Without `crate::`.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
}

impl Named {
    /// The module at the crate's root.
    pub fn module(&self) -> &str {
        self.path.split("::").next().unwrap_or_default()
    }

    /// Whether it leads into a domain's GraphQL objects.
    pub fn is_graphql(&self) -> bool {
        self.path.split("::").nth(1) == Some("graphql")
    }

    /// Whether it leads into a domain's queries.
    pub fn is_queries(&self) -> bool {
        self.path.split("::").skip(1).any(|part| part == "queries" || part.ends_with("_queries"))
    }
}

/// Every source of the crate.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    let sources: Vec<Source> = files.iter().filter_map(|file| read(&root, file)).collect();
    assert!(sources.len() > 100, "the sources were not found");
    sources
}

fn gather(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Option<Source> {
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    if is_test {
        return None;
    }
    let text = without_comments_and_tests(&std::fs::read_to_string(file).unwrap());
    let module = path.split(['/', '.']).next().unwrap().to_owned();
    let inside: Vec<&str> = path.split('/').skip(1).collect();
    let is_graphql =
        module != "http" && inside.first().is_some_and(|first| *first == "graphql" || *first == "graphql.rs");
    Some(Source {
        name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
        module,
        is_graphql,
        crate_paths: crate_paths(&text),
        libraries: ["diesel", "diesel_async", "async_graphql", "axum"]
            .iter()
            .flat_map(|library| mentions(&text, library))
            .collect(),
        written: written(&text),
        chance: CHANCE.iter().flat_map(|asked| places(&text, asked)).collect(),
        path,
    })
}

/// How the time is asked and randomness drawn.
const CHANCE: [&str; 9] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "getrandom::",
    "OsRng",
    "Uuid::new_v",
    "Uuid::now_v",
    "rand::",
];

/// How many lines each file of `src` has, its tests included.
pub fn line_counts() -> Vec<(String, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    gather(&root, &mut files);
    let count = |file: std::path::PathBuf| {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        (file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), lines)
    };
    files.into_iter().map(count).collect()
}

/// What a name was before `use … as name`.
fn renamed<'t>(text: &'t str, name: &'t str) -> &'t str {
    let before = text.split_once(&format!(" as {name}")).map(|(before, _)| before);
    before.and_then(|before| before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()).unwrap_or(name)
}

fn written(text: &str) -> Vec<Named> {
    let mut tables = Vec::new();
    for statement in ["insert_into(", "diesel::update(", "diesel::delete("] {
        for (offset, found) in text.match_indices(statement) {
            let rest = text[offset + found.len()..].trim_start();
            let path: &str =
                rest.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).next().unwrap_or_default();
            // A statement over a query that stands in a variable does not say its table here.
            if !path.contains("::") {
                continue;
            }
            let table = path.split("::").find(|part| !matches!(*part, "crate" | "store" | "schema" | "dsl"));
            let table = renamed(text, table.unwrap_or_default());
            tables.push(Named { path: table.to_owned(), line: line_of(text, offset) });
        }
    }
    tables
}

/// The same lines with comments emptied, cut where the file's own tests begin.
fn without_comments_and_tests(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let begins_tests = line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod tests {"));
        if begins_tests {
            break;
        }
        kept.push(if line.trim_start().starts_with("//") { "" } else { line });
    }
    kept.join("\n")
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn mentions(text: &str, library: &str) -> Vec<Named> {
    let found = places(text, &format!("{library}::")).into_iter();
    found.map(|named| Named { path: library.to_owned(), ..named }).collect()
}

/// Where a text stands as a word's beginning.
fn places(text: &str, path: &str) -> Vec<Named> {
    let places = text
        .match_indices(path)
        .filter(|(offset, _)| !text[..*offset].ends_with(|before: char| before.is_alphanumeric() || before == '_'));
    places.map(|(offset, _)| Named { path: path.to_owned(), line: line_of(text, offset) }).collect()
}

fn crate_paths(text: &str) -> Vec<Named> {
    let mut named = Vec::new();
    for (offset, found) in text.match_indices("crate::") {
        if text[..offset].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let mut paths = Vec::new();
        expand("", &text[offset + found.len()..], &mut paths);
        named.extend(paths.into_iter().map(|path| Named { path, line: line_of(text, offset) }));
    }
    named
}

/// Expands `a::{b, c::d}`; gives what follows it.
fn expand<'t>(prefix: &str, text: &'t str, paths: &mut Vec<String>) -> &'t str {
    let end = text.find(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
    let (head, mut rest) = text.split_at(end.unwrap_or(text.len()));
    if !(head.is_empty() || head.ends_with("::")) || !rest.starts_with('{') {
        let path = format!("{prefix}{head}");
        paths.push(path.trim_end_matches(':').trim_end_matches("::self").to_owned());
        return rest;
    }
    let prefix = format!("{prefix}{head}");
    rest = &rest[1..];
    loop {
        rest = rest.trim_start_matches([' ', '\n', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
        rest = expand(&prefix, rest, paths);
        // `as _` behind a name.
        if let Some(after) = rest.strip_prefix(" as ") {
            rest = after.trim_start_matches(|character: char| character.is_alphanumeric() || character == '_');
        }
    }
}

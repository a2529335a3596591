//! Third-party clients and conformance suites against the server: the audits of graphql-http, graphql-ws, graphql-sse.
//!
//! npm installs them once, as pinned by `tests/clients/package-lock.json`, into cargo's folder for tests. Without
//! Node.js, or without the packages and network access to fetch them, these tests are skipped and listed; with
//! `CI=true` they fail.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;

use libtest_mimic::Trial;

use crate::guarantees::{PASSWORD, key};
use crate::support::{self, TestApp};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
const SUBSCRIPTION: &str = "subscription { provisioningChanges(event: \"demo\", serviceType: \"sip\") \
                            { ... on FeedPage { changes { ... on FeedUpsert { extension { number } } } } } }";
const MUTATION: &str = "mutation { registerExtension(input: \
    {event: \"demo\", serviceType: \"sip\", number: \"2342\", label: \"x\"}) { errors { code } } }";

static TESTS: [(&str, support::Test); 4] = [
    ("audits_of_graphql_over_http", |app| Box::pin(audits(app))),
    ("probes_of_graphql_transport_ws", |app| Box::pin(probes(app))),
    ("graphql_ws_receives_events", |app| Box::pin(subscriber(app, "ws"))),
    ("graphql_sse_receives_events", |app| Box::pin(subscriber(app, "sse"))),
];

/// The tests, and the names of the skipped ones with the reason. With `must_run` none is skipped.
pub fn trials(must_run: bool) -> (Vec<Trial>, Vec<String>) {
    let missing = install().err();
    let mut skipped = Vec::new();
    let trials = TESTS.iter().map(|(name, test)| {
        let (name, reason) = (format!("clients::{name}"), missing.clone());
        let is_skipped = missing.is_some() && !must_run;
        if is_skipped {
            skipped.push(format!("{name} ({})", reason.as_deref().unwrap_or_default()));
        }
        let trial = Trial::test(name, move || match reason {
            Some(reason) => Err(reason.into()),
            None => support::run(None, *test),
        });
        trial.with_ignored_flag(is_skipped)
    });
    (trials.collect(), skipped)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients")
}

/// Copies the scripts and installs the packages into cargo's folder for tests, unless the same lock file was installed
/// before.
fn install() -> Result<(), String> {
    let folder = folder();
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let lock = std::fs::read(Path::new(SOURCES).join("package-lock.json")).map_err(|error| error.to_string())?;
    let is_installed = std::fs::read(folder.join("installed")).is_ok_and(|installed| installed == lock);
    for file in std::fs::read_dir(SOURCES).map_err(|error| error.to_string())?.flatten() {
        if file.path().is_file() {
            std::fs::copy(file.path(), folder.join(file.file_name())).map_err(|error| error.to_string())?;
        }
    }
    run(Command::new("node").arg("--version"), "Node.js is missing")?;
    if !is_installed {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder);
        run(&mut npm, "npm could not install the packages")?;
        std::fs::write(folder.join("installed"), lock).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn run(command: &mut Command, failure: &str) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(failure.to_owned()),
    }
}

/// Runs a script that must succeed; returns its standard output.
async fn script(name: &str, arguments: &[&str]) -> String {
    let mut node = Command::new("node");
    node.arg(name).args(arguments).current_dir(folder());
    let output = tokio::task::spawn_blocking(move || node.output().unwrap()).await.unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {printed}\n{errors}");
    printed.into_owned()
}

async fn audits(app: TestApp) {
    let printed = script("audits.mjs", &[&format!("{}/graphql", app.url)]).await;
    assert_eq!(printed.lines().last(), Some("61 of 61"), "{printed}");
}

async fn probes(app: TestApp) {
    let url = format!("{}/graphql", app.url.replace("http", "ws"));
    let key = key(&app, "READ_CONFIG", "\"sip\"").await;
    let authorization = format!("Bearer {}", key.token.as_ref().unwrap());
    let printed = script("probes.mjs", &[&url, &authorization, SUBSCRIPTION]).await;
    assert_eq!(printed.lines().last(), Some("11 of 11"), "{printed}");
}

fn subscriber(app: TestApp, protocol: &'static str) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let reader = format!("Bearer {}", key(&app, "READ_CONFIG", "\"sip\"").await.token.as_ref().unwrap());
        let user = format!("Bearer {}", app.sign_in("user", PASSWORD).await.token.as_ref().unwrap());
        let url = format!("{}/graphql", app.url);
        let printed = script("subscriber.mjs", &[protocol, &url, &reader, SUBSCRIPTION, &user, MUTATION]).await;
        let events: Vec<&str> = printed.lines().collect();
        assert_eq!(events.len(), 2, "{printed}");
        assert!(events[0].contains(r#""changes":[]"#) && events[1].contains(r#""number":"2342""#), "{printed}");
    })
}

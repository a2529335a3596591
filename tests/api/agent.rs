//! The agent against what goes wrong: a record that is refused, a reload that fails, a key that is gone.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::{Value, json};
use switchboard::agent::{self, Options};
use tokio::sync::oneshot;

use crate::support::{Actor, TestApp};

/// Names a consumer of the demo's SIP feed, and writes `agent.toml` with this driver.
async fn connect(app: &TestApp, folder: &Path, driver: &str) -> Actor {
    let admin = app.sign_in("admin", "numberwang").await;
    let key = "mutation { createApiKey(input: {label: \"x\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) { secret apiKey { id } } }";
    let key = admin.execute(key, json!({})).await["data"]["createApiKey"].clone();
    let create = "mutation($k: ID!) { createFeedConsumer(input: {name: \"pbx\", event: \"demo\", serviceType: \"sip\", apiKey: $k}) { errors { code } } }";
    admin.execute(create, json!({ "k": key["apiKey"]["id"] })).await;
    std::fs::write(folder.join("key"), key["secret"].as_str().unwrap()).unwrap();
    let feed = format!(
        "[feed]\nurl = \"{}\"\nevent = \"demo\"\nservice_type = \"sip\"\nconsumer = \"pbx\"\nkey_file = \"key\"\n{driver}",
        app.url
    );
    std::fs::write(folder.join("agent.toml"), feed).unwrap();
    admin
}

/// An agent with a thread and a runtime to itself, as the program has. It stops when this is dropped.
struct Running {
    _stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Option<Result<(), String>>>,
}

impl Running {
    fn start(folder: &Path, options: Options) -> Self {
        let file = folder.join("agent.toml");
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let outcome = runtime.block_on(async {
                tokio::select! {
                    outcome = agent::run(&file, None, options) => Some(outcome),
                    _ = stopped => None,
                }
            });
            // Nobody may be left to hear it.
            drop(end.send(outcome));
        });
        Self { _stop: stop, ended }
    }
}

/// Runs the agent up to the head.
async fn once(folder: &Path) -> Result<(), String> {
    let mut running = Running::start(folder, Options { once: true, ..Options::default() });
    tokio::time::timeout(Duration::from_secs(20), &mut running.ended).await.unwrap().unwrap().unwrap()
}

async fn consumer(person: &Actor) -> Value {
    let query = "{ feedConsumers { lagRecords errors { code number } verified { agrees } } }";
    person.execute(query, json!({})).await["data"]["feedConsumers"][0].clone()
}

/// The database of a telephone system, which waits while the agent writes it.
fn telephone_system(folder: &Path) -> SqliteConnection {
    let mut database = SqliteConnection::establish(folder.join("pbx.db").to_str().unwrap()).unwrap();
    database.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
    database
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    number: String,
}

pub async fn a_refused_record_is_reported_and_the_rest_goes_on(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let mut database = telephone_system(folder.path());
    database
        .batch_execute("CREATE TABLE phones (number TEXT PRIMARY KEY, label TEXT CHECK (label <> 'Poison'))")
        .unwrap();
    let driver = "[sql]\ndatabase = \"sqlite:pbx.db\"\ndelete = [\"DELETE FROM phones WHERE number = :number\"]\n\
                  upsert = [\"DELETE FROM phones WHERE number = :number\", \"INSERT INTO phones VALUES (:number, :label)\"]\n";
    let admin = connect(&app, folder.path(), driver).await;
    let user = app.sign_in("user", "numberwang").await;
    let poison = user.registers("sip", "2342").await["extension"]["id"].clone();
    let rename = "mutation($i: ID!, $l: String!) { updateExtension(input: {id: $i, label: $l}) { errors { code } } }";
    user.execute(rename, json!({ "i": poison, "l": "Poison" })).await;
    user.registers("sip", "2343").await;
    once(folder.path()).await.unwrap();
    let numbers = |database: &mut SqliteConnection| -> Vec<String> {
        let rows: Vec<Row> = sql_query("SELECT number FROM phones ORDER BY number").load(database).unwrap();
        rows.into_iter().map(|row| row.number).collect()
    };
    assert_eq!(numbers(&mut database), ["2343", "5000", "5003", "5008"]);
    let failing = consumer(&admin).await;
    assert_eq!(failing["errors"], json!([{ "code": "CONSTRAINT", "number": "2342" }]));
    assert_eq!(failing["lagRecords"], 0);
    let status = "{ extension(event: \"demo\", number: \"2342\") { provisioning { state message } } }";
    let status = user.execute(status, json!({})).await["data"]["extension"]["provisioning"][0].clone();
    assert_eq!(status["state"], "FAILED", "{status}");
    user.execute(rename, json!({ "i": poison, "l": "Harmless" })).await;
    once(folder.path()).await.unwrap();
    assert_eq!(numbers(&mut database), ["2342", "2343", "5000", "5003", "5008"]);
    let fine = consumer(&admin).await;
    assert_eq!((&fine["errors"], &fine["verified"]["agrees"]), (&json!([]), &json!(true)));
}

pub async fn a_record_that_failed_is_tried_again(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let mut database = telephone_system(folder.path());
    database
        .batch_execute("CREATE TABLE phones (number TEXT PRIMARY KEY); CREATE TABLE room (number TEXT PRIMARY KEY)")
        .unwrap();
    // A line card with no port left: what it refuses now it takes later.
    let full = "CREATE TRIGGER full BEFORE INSERT ON phones WHEN new.number = '5003' BEGIN SELECT RAISE(ABORT, 'no port is free'); END";
    database.batch_execute(full).unwrap();
    let driver = "[sql]\ndatabase = \"sqlite:pbx.db\"\ndelete = [\"DELETE FROM phones WHERE number = :number\"]\n\
                  upsert = [\"DELETE FROM phones WHERE number = :number\", \"INSERT INTO phones VALUES (:number)\"]\n";
    let admin = connect(&app, folder.path(), driver).await;
    let text = std::fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    std::fs::write(folder.path().join("agent.toml"), format!("retry_seconds = 1\n{text}")).unwrap();
    once(folder.path()).await.unwrap();
    assert_eq!(consumer(&admin).await["errors"][0]["number"], "5003");
    database.batch_execute("DROP TRIGGER full").unwrap();
    let mut running = Running::start(folder.path(), Options::default());
    let began = std::time::Instant::now();
    while consumer(&admin).await["errors"] != json!([]) {
        assert!(
            began.elapsed() < Duration::from_secs(20) && running.ended.try_recv().is_err(),
            "it is not tried again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(running);
    let rows: Vec<Row> = sql_query("SELECT number FROM phones WHERE number = '5003'").load(&mut database).unwrap();
    assert_eq!(rows.len(), 1);
}

pub async fn a_reload_that_failed_is_owed(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("phones.template"), "{% for extension in extensions %}{{ extension.number }}\n{% endfor %}")
        .unwrap();
    let reload = format!("#!/bin/sh\ntest -e {0}/up && echo reloaded >> {0}/reloads", folder.path().display());
    std::fs::write(at("reload.sh"), reload).unwrap();
    std::fs::set_permissions(at("reload.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // The command is found beside the configuration, wherever the agent was started.
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\nmode = \"640\"\ntemplate_file = \"phones.template\"\nreload = [\"./reload.sh\"]\n";
    let admin = connect(&app, folder.path(), driver).await;
    let mut running = Running::start(folder.path(), Options { once: true, ..Options::default() });
    let failing = tokio::time::timeout(Duration::from_millis(800), &mut running.ended).await;
    drop(running);
    assert!(failing.is_err(), "a reload that fails is taken for one: {failing:?}");
    let text = std::fs::read_to_string(at("phones.txt")).unwrap();
    assert_eq!(text.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["5000", "5003", "5008"]));
    assert_ne!(consumer(&admin).await["lagRecords"], 0, "it was acknowledged before it was reloaded");
    std::fs::write(at("up"), "").unwrap();
    once(folder.path()).await.unwrap();
    assert_eq!(std::fs::read_to_string(at("reloads")).unwrap(), "reloaded\n");
    assert_eq!(consumer(&admin).await["lagRecords"], 0);
    once(folder.path()).await.unwrap();
    assert_eq!(std::fs::read_to_string(at("reloads")).unwrap(), "reloaded\n", "nothing has changed");
    assert_eq!(std::fs::metadata(at("phones.txt")).unwrap().permissions().mode() & 0o777, 0o640);
}

pub async fn a_key_that_is_gone_stops_it(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\ntemplate_file = \"phones.template\"\n";
    std::fs::write(folder.path().join("phones.template"), "").unwrap();
    let admin = connect(&app, folder.path(), driver).await;
    once(folder.path()).await.unwrap();
    let keys = admin.execute("{ apiKeys { id } }", json!({})).await["data"]["apiKeys"][0]["id"].clone();
    admin
        .execute("mutation($i: ID!) { revokeApiKey(input: {id: $i}) { errors { code } } }", json!({ "i": keys }))
        .await;
    let why = once(folder.path()).await.unwrap_err();
    assert!(why.contains("401"), "{why}");
    let secret = std::fs::read_to_string(folder.path().join("key")).unwrap();
    assert!(!why.contains(secret.trim()));
}

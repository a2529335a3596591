//! The agent when something fails: a record that its database rejects, a reload that fails, a key that is revoked.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use agent::{self, Options};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::{Actor, Scope, TestApp};

/// How long the agent may take to reach the head of the feed.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Creates a consumer of the demo's SIP feed and writes the agent's configuration with this driver.
async fn configure(app: &TestApp, folder: &Path, driver: &str) -> Actor {
    let admin = app.admin().await;
    let key = admin.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    admin.creates_consumer("pbx", "sip", &key.id).await.ok();
    std::fs::write(folder.join("key"), key.token().unwrap()).unwrap();
    let configuration = format!(
        "[feed]\nurl = \"{}\"\nevent = \"demo\"\nservice_type = \"sip\"\nconsumer = \"pbx\"\n\
         key_file = \"key\"\n{driver}",
        app.url
    );
    std::fs::write(folder.join("agent.toml"), configuration).unwrap();
    admin
}

/// An agent with a thread and a runtime of its own, as in the program. Dropping it stops the agent.
struct RunningAgent {
    _stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Option<Result<(), String>>>,
}

impl RunningAgent {
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
            // The test may have dropped the receiver.
            drop(end.send(outcome));
        });
        Self { _stop: stop, ended }
    }
}

/// Runs the agent until it has applied everything up to the head.
async fn run_once(folder: &Path) -> Result<(), String> {
    let mut agent = RunningAgent::start(folder, Options { once: true, ..Options::default() });
    tokio::time::timeout(TIMEOUT, &mut agent.ended).await.unwrap().unwrap().unwrap()
}

async fn consumer(actor: &Actor) -> Value {
    let query = "{ feedConsumers { lagRecords errors { code number } verified { agrees } } }";
    actor.query(query).await.ok()[0].clone()
}

/// The database of a telephone system. A statement waits while the agent writes.
fn telephone_database(folder: &Path) -> SqliteConnection {
    let mut database = SqliteConnection::establish(folder.join("pbx.db").to_str().unwrap()).unwrap();
    database.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
    database
}

#[derive(QueryableByName)]
struct Phone {
    #[diesel(sql_type = Text)]
    number: String,
}

fn phones(database: &mut SqliteConnection) -> Vec<String> {
    let rows: Vec<Phone> = sql_query("SELECT number FROM phones ORDER BY number").load(database).unwrap();
    rows.into_iter().map(|row| row.number).collect()
}

pub async fn a_rejected_record_is_reported_and_the_others_are_applied(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let mut database = telephone_database(folder.path());
    database
        .batch_execute("CREATE TABLE phones (number TEXT PRIMARY KEY, label TEXT CHECK (label <> 'Poison'))")
        .unwrap();
    let driver = "[sql]\ndatabase = \"sqlite:pbx.db\"\ndelete = [\"DELETE FROM phones WHERE number = :number\"]\n\
                  upsert = [\"DELETE FROM phones WHERE number = :number\", \
                  \"INSERT INTO phones VALUES (:number, :label)\"]\n";
    let admin = configure(&app, folder.path(), driver).await;
    let user = app.user().await;
    let rejected = user.registers("sip", "2342").await.id();
    user.relabels(&rejected, "Poison").await.ok();
    user.registers("sip", "2343").await.ok();
    let failed = run_once(folder.path()).await.unwrap_err();
    assert!(failed.contains("1 extension could not be applied"), "{failed}");
    assert_eq!(phones(&mut database), ["2343", "5000", "5003", "5008"]);
    // A dry run and a second run find the same.
    let dry_run = RunningAgent::start(folder.path(), Options { dry_run: true, ..Options::default() });
    let failed = tokio::time::timeout(TIMEOUT, dry_run.ended).await.unwrap().unwrap().unwrap().unwrap_err();
    assert!(failed.contains("1 extension would fail"), "{failed}");
    assert!(run_once(folder.path()).await.is_err(), "the second run reports success");
    let failing = consumer(&admin).await;
    assert_eq!(failing["errors"], json!([{ "code": "CONSTRAINT", "number": "2342" }]));
    assert_eq!(failing["lagRecords"], 0);
    let query = "{ extension(event: \"demo\", number: \"2342\") { provisioning { state message } } }";
    let status = user.query(query).await.ok()["provisioning"][0].clone();
    assert_eq!(status["state"], "FAILED", "{status}");
    user.relabels(&rejected, "Harmless").await.ok();
    run_once(folder.path()).await.unwrap();
    assert_eq!(phones(&mut database), ["2342", "2343", "5000", "5003", "5008"]);
    let recovered = consumer(&admin).await;
    assert_eq!((&recovered["errors"], &recovered["verified"]["agrees"]), (&json!([]), &json!(true)));
}

pub async fn a_rejected_record_is_retried(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let mut database = telephone_database(folder.path());
    database.batch_execute("CREATE TABLE phones (number TEXT PRIMARY KEY)").unwrap();
    // As a line card without a free port: it rejects the record now and accepts it later.
    let full = "CREATE TRIGGER full BEFORE INSERT ON phones WHEN new.number = '5003' \
                BEGIN SELECT RAISE(ABORT, 'no port is free'); END";
    database.batch_execute(full).unwrap();
    let driver = "[sql]\ndatabase = \"sqlite:pbx.db\"\ndelete = [\"DELETE FROM phones WHERE number = :number\"]\n\
                  upsert = [\"DELETE FROM phones WHERE number = :number\", \
                  \"INSERT INTO phones VALUES (:number)\"]\n";
    let admin = configure(&app, folder.path(), driver).await;
    let configuration = std::fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    std::fs::write(folder.path().join("agent.toml"), format!("retry_seconds = 1\n{configuration}")).unwrap();
    run_once(folder.path()).await.unwrap_err();
    assert_eq!(consumer(&admin).await["errors"][0]["number"], "5003");
    database.batch_execute("DROP TRIGGER full").unwrap();
    let mut agent = RunningAgent::start(folder.path(), Options::default());
    let began = Instant::now();
    while consumer(&admin).await["errors"] != json!([]) {
        assert!(began.elapsed() < TIMEOUT, "the record was not retried");
        assert!(agent.ended.try_recv().is_err(), "the agent ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(agent);
    assert!(phones(&mut database).contains(&"5003".to_owned()));
}

pub async fn a_single_run_ends_with_its_cause(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("phones.template"), "").unwrap();
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\ntemplate_file = \"phones.template\"\n";
    configure(&app, folder.path(), driver).await;
    let settings = std::fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    let outcome = async |options: Options| {
        let agent = RunningAgent::start(folder.path(), options);
        tokio::time::timeout(2 * TIMEOUT, agent.ended).await.unwrap().unwrap().unwrap()
    };
    let dry_run = Options { dry_run: true, ..Options::default() };
    assert_eq!(outcome(dry_run).await, Ok(()));
    std::fs::write(folder.path().join("agent.toml"), settings.replace("\"pbx\"", "\"bpx\"")).unwrap();
    let unknown = outcome(dry_run).await.unwrap_err();
    assert!(unknown.contains("no telephone system of this name"), "{unknown}");
    // Nothing listens on this port.
    std::fs::write(folder.path().join("agent.toml"), settings.replace(&app.url, "http://127.0.0.1:1")).unwrap();
    let unreachable = outcome(Options { once: true, ..Options::default() }).await.unwrap_err();
    assert!(unreachable.contains("the server is unreachable"), "{unreachable}");
}

pub async fn a_failed_reload_is_repeated(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("phones.template"), "{% for extension in extensions %}{{ extension.number }}\n{% endfor %}")
        .unwrap();
    let reload = format!(
        "#!/bin/sh\necho tried >> {0}/attempts\ntest -e {0}/up && echo reloaded >> {0}/reloads",
        folder.path().display()
    );
    std::fs::write(path("reload.sh"), reload).unwrap();
    std::fs::set_permissions(path("reload.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // The command is found beside the configuration, whatever the agent's working directory is.
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\nmode = \"640\"\n\
                  template_file = \"phones.template\"\nreload = [\"./reload.sh\"]\n";
    let admin = configure(&app, folder.path(), driver).await;
    let mut agent = RunningAgent::start(folder.path(), Options { once: true, ..Options::default() });
    let began = Instant::now();
    while !path("attempts").exists() {
        assert!(began.elapsed() < TIMEOUT, "the agent did not reload");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let outcome = tokio::time::timeout(Duration::from_millis(300), &mut agent.ended).await;
    drop(agent);
    assert!(outcome.is_err(), "the agent ended though its reload failed: {outcome:?}");
    let text = std::fs::read_to_string(path("phones.txt")).unwrap();
    assert_eq!(text.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["5000", "5003", "5008"]));
    assert_ne!(consumer(&admin).await["lagRecords"], 0, "the file was acknowledged before its reload");
    std::fs::write(path("up"), "").unwrap();
    run_once(folder.path()).await.unwrap();
    assert_eq!(std::fs::read_to_string(path("reloads")).unwrap(), "reloaded\n");
    assert_eq!(consumer(&admin).await["lagRecords"], 0);
    run_once(folder.path()).await.unwrap();
    assert_eq!(std::fs::read_to_string(path("reloads")).unwrap(), "reloaded\n", "an unchanged file was reloaded");
    assert_eq!(std::fs::metadata(path("phones.txt")).unwrap().permissions().mode() & 0o777, 0o640);
}

pub async fn a_revoked_key_stops_the_agent(app: TestApp) {
    let folder = tempfile::tempdir().unwrap();
    let driver = "[file]\nstate = \"agent.db\"\npath = \"phones.txt\"\ntemplate_file = \"phones.template\"\n";
    std::fs::write(folder.path().join("phones.template"), "").unwrap();
    let admin = configure(&app, folder.path(), driver).await;
    run_once(folder.path()).await.unwrap();
    let keys = admin.query("{ apiKeys { id } }").await.ok();
    admin.revokes_key(keys[0]["id"].as_str().unwrap()).await.ok();
    let error = run_once(folder.path()).await.unwrap_err();
    assert!(error.contains("401"), "{error}");
    let secret = std::fs::read_to_string(folder.path().join("key")).unwrap();
    assert!(!error.contains(secret.trim()), "the error shows the key");
}

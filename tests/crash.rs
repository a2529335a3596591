//! Killed under load, twenty times: every acknowledged change is there, none is there by half, the audit is whole, and the feed
//! is what holds.
//!
//! Four writers each look after their own numbers, so that each knows what must be there. A request whose answer did not come
//! is made again under its idempotency key, and must then have been done once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::{Connection as _, RunQueryDsl as _};
use serde_json::{Value, json};

use crate::guarantees::copy::Copy;
use crate::guarantees::reading::{Feed, take};
use crate::program::{Installation, Program};
use crate::support::{ApiClient, Database};

const CYCLES: u64 = 20;
const WRITERS: usize = 4;
const NUMBERS: usize = 5;
const LOG: &str = "warn,switchboard::commands=info";

/// What a writer asks for.
#[derive(Clone)]
enum Step {
    Register { number: String, label: String },
    Relabel { number: String, label: String },
    Delete { number: String },
}

/// What a writer knows.
struct Book {
    writer: usize,
    turn: usize,
    /// The label and the id of each number in service, as acknowledged.
    rows: BTreeMap<String, (String, String)>,
    acknowledged: usize,
    /// The request whose answer did not come, and its key.
    in_flight: Option<(Step, String)>,
}

impl Book {
    fn next(&mut self) -> (Step, String) {
        self.turn += 1;
        let number = (2100 + self.writer * 100 + self.turn % NUMBERS).to_string();
        let label = format!("Writer {} turn {}", self.writer, self.turn);
        let step = match self.rows.contains_key(&number) {
            false => Step::Register { number, label },
            true if self.turn.is_multiple_of(3) => Step::Delete { number },
            true => Step::Relabel { number, label },
        };
        (step, format!("writer-{}-{}", self.writer, self.turn))
    }

    fn question(&self, step: &Step) -> (&'static str, Value) {
        let id = |number: &String| &self.rows[number].1;
        match step {
            Step::Register { number, label } => (
                "mutation($n: PhoneNumber, $l: String!) { done: registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: $l}) { extension { id } errors { code message } } }",
                json!({ "n": number, "l": label }),
            ),
            Step::Relabel { number, label } => (
                "mutation($i: ID!, $l: String!) { done: updateExtension(input: {id: $i, label: $l}) { extension { id } errors { code message } } }",
                json!({ "i": id(number), "l": label }),
            ),
            Step::Delete { number } => (
                "mutation($i: ID!) { done: deleteExtension(input: {id: $i}) { deletedId errors { code message } } }",
                json!({ "i": id(number) }),
            ),
        }
    }

    /// Asks; `false` when the server went away before it answered.
    async fn ask(&mut self, writer: &ApiClient, step: Step, key: String) -> bool {
        let (query, variables) = self.question(&step);
        let Ok(answer) = writer.try_execute(query, variables, Some(&key)).await else {
            self.in_flight = Some((step, key));
            return false;
        };
        let done = &answer["data"]["done"];
        assert!(answer["errors"].is_null() && done["errors"] == json!([]), "{key}: {answer}");
        self.acknowledged += 1;
        match step {
            Step::Register { number, label } => {
                let id = done["extension"]["id"].as_str().unwrap_or_else(|| panic!("{key}: {answer}")).to_owned();
                self.rows.insert(number, (label, id));
            }
            Step::Relabel { number, label } => self.rows.get_mut(&number).unwrap().0 = label,
            Step::Delete { number } => drop(self.rows.remove(&number)),
        }
        true
    }

    async fn works_until_it_is_alone(mut self, writer: ApiClient) -> Self {
        loop {
            let (step, key) = self.next();
            if !self.ask(&writer, step, key).await {
                return self;
            }
        }
    }

    /// What was in flight is asked again, and then everything must be as the book says.
    async fn is_kept(&mut self, writer: &ApiClient) {
        if let Some((step, key)) = self.in_flight.take() {
            assert!(self.ask(writer, step, key).await, "the program went away by itself");
        }
        for place in 0..NUMBERS {
            let number = (2100 + self.writer * 100 + place).to_string();
            let query = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { id label } }";
            let found = writer.execute(query, json!({ "n": number })).await["data"]["extension"].clone();
            let wanted = self.rows.get(&number).map_or(Value::Null, |(label, id)| json!({ "id": id, "label": label }));
            assert_eq!(found, wanted, "{number} is not as it was acknowledged");
        }
    }
}

/// The whole story, on one database.
pub async fn every_acknowledged_change_outlives_a_kill(folder: Arc<tempfile::TempDir>, database: Database) {
    let installation = Installation { folder: folder.path().to_owned(), database };
    let mut program = installation.start(LOG).await;
    let (mut operator, mut system) = people(&program).await;
    let mut books: Vec<Book> = (0..WRITERS)
        .map(|writer| Book { writer, turn: 0, rows: BTreeMap::new(), acknowledged: 0, in_flight: None })
        .collect();
    for cycle in 0..CYCLES {
        let writers: Vec<_> =
            books.drain(..).map(|book| tokio::spawn(book.works_until_it_is_alone(operator.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(120 + cycle * 53 % 200)).await;
        program.kill();
        for writer in writers {
            books.push(writer.await.unwrap());
        }
        is_sound(&installation).await;
        program = installation.start(LOG).await;
        (operator.url, system.feed.key.url) = (program.url.clone(), program.url.clone());
        for book in &mut books {
            book.is_kept(&operator).await;
        }
        system.is_in_step().await;
        feed_is_state(&operator, &system).await;
    }
    let acknowledged: usize = books.iter().map(|book| book.acknowledged).sum();
    assert!(acknowledged > 100, "hardly anything was done between the kills: {acknowledged}");
    program.kill();
}

async fn people(program: &Program) -> (ApiClient, System) {
    let create = "mutation { createApiKey(input: {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], allEvents: true}) { secret errors { code } } }";
    let made = program.sign_in("admin").await.execute_ok(create, json!({})).await;
    let key = ApiClient::new(&program.url, made["secret"].as_str());
    let mut system = System { feed: Feed::new(key, "demo", "sip"), copy: Copy::default() };
    let (entries, head) = system.feed.snapshot(50).await;
    system.copy.replace(entries, &head);
    (program.sign_in("operator").await, system)
}

/// A telephone system that reads pages.
struct System {
    feed: Feed,
    copy: Copy,
}

impl System {
    /// Reads on, and demands that its copy is then what a snapshot shows.
    async fn is_in_step(&mut self) {
        loop {
            let page = self.feed.changes(&self.copy.cursor, 50).await;
            if !take(&mut self.copy, &page) {
                break;
            }
        }
        assert_eq!((self.copy.rows.clone(), self.copy.cursor.clone()), self.feed.now().await);
    }
}

/// What can be said of the files that a kill left behind.
async fn is_sound(installation: &Installation) {
    if let Database::Sqlite(file) = &installation.database {
        #[derive(diesel::QueryableByName)]
        struct Verdict {
            #[diesel(sql_type = diesel::sql_types::Text)]
            integrity_check: String,
        }
        let mut conn = diesel::SqliteConnection::establish(&file.display().to_string()).unwrap();
        let verdict: Verdict = diesel::sql_query("PRAGMA integrity_check").get_result(&mut conn).unwrap();
        assert_eq!(verdict.integrity_check, "ok");
    }
    let verified = installation.run(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// The feed shows the extensions that there are, each under its number and label.
async fn feed_is_state(operator: &ApiClient, system: &System) {
    let query = "{ extensions(event: \"demo\", serviceType: \"sip\", first: 100) { nodes { id number label } } }";
    let nodes = operator.execute_ok(query, json!({})).await["nodes"].clone();
    let state: BTreeMap<&str, [&Value; 2]> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["number"].as_str().unwrap(), [&row["id"], &row["label"]]))
        .collect();
    let told: BTreeMap<&str, [&Value; 2]> =
        system.copy.rows.iter().map(|(number, row)| (number.as_str(), [&row["id"], &row["label"]])).collect();
    assert_eq!(state, told, "the feed is not the state");
}

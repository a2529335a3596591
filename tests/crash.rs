//! Kills the program twenty times under load. Afterwards every acknowledged change is complete, the audit log verifies,
//! and the feed equals the state.
//!
//! Four writers each change their own numbers, so each writer knows the expected rows. A request without a response is
//! sent again with the same idempotency key, and must have been applied exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use diesel::{Connection as _, RunQueryDsl as _};
use serde_json::{Value, json};

use crate::guarantees::feed_client::{FeedClient, apply_page};
use crate::guarantees::replica::Replica;
use crate::program::{Installation, Program};
use crate::support::{ApiClient, Database};

const CYCLES: u64 = 20;
const WRITERS: usize = 4;
const NUMBERS_PER_WRITER: usize = 5;
const PAGE_SIZE: usize = 50;
const LOG: &str = "warn,switchboard::commands=info";

/// A change that a writer requests.
enum Change {
    Register { number: String, label: String },
    Relabel { number: String, label: String },
    Delete { number: String },
}

/// A change with its idempotency key.
struct Request {
    change: Change,
    key: String,
}

/// The label and the id of a number in service.
#[derive(Clone, PartialEq, Debug)]
struct Row {
    label: Value,
    id: Value,
}

/// A client that changes its own numbers, and the rows that the server has acknowledged.
struct Writer {
    index: usize,
    turn: usize,
    rows: BTreeMap<String, Row>,
    acknowledged: usize,
    /// The request whose response did not arrive.
    in_flight: Option<Request>,
}

impl Writer {
    const fn new(index: usize) -> Self {
        Self { index, turn: 0, rows: BTreeMap::new(), acknowledged: 0, in_flight: None }
    }

    fn number(&self, offset: usize) -> String {
        (2100 + self.index * 100 + offset).to_string()
    }

    fn next_request(&mut self) -> Request {
        self.turn += 1;
        let number = self.number(self.turn % NUMBERS_PER_WRITER);
        let label = format!("Writer {} turn {}", self.index, self.turn);
        let change = match self.rows.contains_key(&number) {
            false => Change::Register { number, label },
            true if self.turn.is_multiple_of(3) => Change::Delete { number },
            true => Change::Relabel { number, label },
        };
        Request { change, key: format!("writer-{}-{}", self.index, self.turn) }
    }

    fn document(&self, change: &Change) -> (&'static str, Value) {
        let id = |number: &String| &self.rows[number].id;
        match change {
            Change::Register { number, label } => (
                "mutation($number: PhoneNumber, $label: String!) \
                 { payload: registerExtension(input: \
                 {event: \"demo\", serviceType: \"sip\", number: $number, label: $label}) \
                 { extension { id } errors { code message } } }",
                json!({ "number": number, "label": label }),
            ),
            Change::Relabel { number, label } => (
                "mutation($id: ID!, $label: String!) { payload: updateExtension(input: {id: $id, label: $label}) \
                 { extension { id } errors { code message } } }",
                json!({ "id": id(number), "label": label }),
            ),
            Change::Delete { number } => (
                "mutation($id: ID!) { payload: deleteExtension(input: {id: $id}) \
                    { deletedId errors { code message } } }",
                json!({ "id": id(number) }),
            ),
        }
    }

    /// Sends a request; returns `false` when no response arrived.
    async fn send(&mut self, client: &ApiClient, request: Request) -> bool {
        let (query, variables) = self.document(&request.change);
        let Ok(answer) = client.try_execute(query, variables, Some(&request.key)).await else {
            self.in_flight = Some(request);
            return false;
        };
        let (payload, key) = (&answer["data"]["payload"], request.key);
        assert!(answer["errors"].is_null() && payload["errors"] == json!([]), "{key}: {answer}");
        self.acknowledged += 1;
        match request.change {
            Change::Register { number, label } => {
                let id = payload["extension"]["id"].clone();
                assert!(id.is_string(), "{key}: {answer}");
                self.rows.insert(number, Row { label: json!(label), id });
            }
            Change::Relabel { number, label } => self.rows.get_mut(&number).unwrap().label = json!(label),
            Change::Delete { number } => drop(self.rows.remove(&number)),
        }
        true
    }

    async fn write_until_killed(mut self, client: ApiClient) -> Self {
        loop {
            let request = self.next_request();
            if !self.send(&client, request).await {
                return self;
            }
        }
    }

    /// Sends the request in flight again, then compares the server's rows with the acknowledged ones.
    async fn verify(&mut self, client: &ApiClient) {
        if let Some(request) = self.in_flight.take() {
            assert!(self.send(client, request).await, "the program ended without a kill");
        }
        for offset in 0..NUMBERS_PER_WRITER {
            let number = self.number(offset);
            let query = "query($number: PhoneNumber!) { extension(event: \"demo\", number: $number) { id label } }";
            let found = client.execute(query, json!({ "number": number })).await["data"]["extension"].clone();
            let expected =
                self.rows.get(&number).map_or(Value::Null, |row| json!({ "id": row.id, "label": row.label }));
            assert_eq!(found, expected, "{number} differs from the acknowledged row");
        }
    }
}

/// The test, on one database.
pub async fn every_acknowledged_change_outlives_a_kill(folder: Arc<tempfile::TempDir>, database: Database) {
    let installation = Installation { folder: folder.path().to_owned(), database };
    let mut program = installation.start(LOG).await;
    let mut reader = Reader::start(&program).await;
    let mut operator = program.sign_in("operator").await;
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    for cycle in 0..CYCLES {
        let running: Vec<_> =
            writers.drain(..).map(|writer| tokio::spawn(writer.write_until_killed(operator.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(120 + cycle * 53 % 200)).await;
        program.kill();
        for writer in running {
            writers.push(writer.await.unwrap());
        }
        assert_integrity(&installation);
        program = installation.start(LOG).await;
        (operator.url, reader.feed.key.url) = (program.url.clone(), program.url.clone());
        for writer in &mut writers {
            writer.verify(&operator).await;
        }
        reader.catch_up().await;
        assert_feed_equals_state(&operator, &reader).await;
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged).sum();
    assert!(acknowledged > 100, "too few changes between the kills: {acknowledged}");
    program.kill();
}

/// A consumer that reads pages.
struct Reader {
    feed: FeedClient,
    replica: Replica,
}

impl Reader {
    async fn start(program: &Program) -> Self {
        let create = "mutation { createApiKey(input: \
                      {label: \"pbx\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], allEvents: true}) \
                      { secret errors { code } } }";
        let created = program.sign_in("admin").await.execute_ok(create, json!({})).await;
        let key = ApiClient::new(&program.url, created["secret"].as_str());
        let mut reader = Self { feed: FeedClient::new(key, "demo", "sip"), replica: Replica::default() };
        reader.replica.replace(reader.feed.snapshot(PAGE_SIZE).await);
        reader
    }

    /// Reads to the head, and asserts that the replica equals a snapshot.
    async fn catch_up(&mut self) {
        loop {
            let page = self.feed.changes(&self.replica.cursor, PAGE_SIZE).await;
            if !apply_page(&mut self.replica, &page) {
                break;
            }
        }
        assert_eq!((self.replica.rows.clone(), self.replica.cursor.clone()), self.feed.current().await);
    }
}

/// Checks the database file and the audit log after a kill.
fn assert_integrity(installation: &Installation) {
    if let Database::Sqlite(file) = &installation.database {
        #[derive(diesel::QueryableByName)]
        struct IntegrityRow {
            #[diesel(sql_type = diesel::sql_types::Text)]
            integrity_check: String,
        }
        let mut conn = diesel::SqliteConnection::establish(&file.display().to_string()).unwrap();
        let row: IntegrityRow = diesel::sql_query("PRAGMA integrity_check").get_result(&mut conn).unwrap();
        assert_eq!(row.integrity_check, "ok");
    }
    let verified = installation.run(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Compares the replica with the list of extensions: number, id and label.
async fn assert_feed_equals_state(operator: &ApiClient, reader: &Reader) {
    let row = |value: &Value| Row { label: value["label"].clone(), id: value["id"].clone() };
    let query = "{ extensions(event: \"demo\", serviceType: \"sip\", first: 100) { nodes { id number label } } }";
    let nodes = operator.execute_ok(query, json!({})).await["nodes"].clone();
    let nodes = nodes.as_array().unwrap().iter();
    let state: BTreeMap<&str, Row> = nodes.map(|node| (node["number"].as_str().unwrap(), row(node))).collect();
    let rows = reader.replica.rows.iter();
    let replica: BTreeMap<&str, Row> = rows.map(|(number, entry)| (number.as_str(), row(entry))).collect();
    assert_eq!(state, replica, "the feed differs from the state");
}

//! Kamailio with its stock auth_db over SQLite, and the agent that writes it.

use std::path::PathBuf;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::{Value, json};

use super::ground::{Program, port, shown};
use super::sip::Phone;
use super::switchboard::Switchboard;

/// The programs that it takes.
pub const PROGRAMS: [&str; 2] = ["kamailio", "/usr/share/kamailio/db_sqlite/auth_db-create.sql"];

/// A registrar with its agent.
pub struct Registrar {
    pub sip: u16,
    pub folder: PathBuf,
    pub agent: Option<Program>,
    rpc: u16,
    _kamailio: Program,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = BigInt)]
    times: i64,
}

impl Registrar {
    /// Starts Kamailio over an empty database, and an agent that fills it.
    pub async fn start(server: &Switchboard) -> Self {
        let folder = server.connect("kamailio", "sip", "READ_DIGESTS").await;
        let mut registrar = Self::over(folder, server).await;
        registrar.agent = Some(server.agent(&registrar.folder, &[]));
        registrar
    }

    async fn over(folder: PathBuf, server: &Switchboard) -> Self {
        let (sip, rpc) = (port(), port());
        let mut database = SqliteConnection::establish(folder.join("kamailio.db").to_str().unwrap()).unwrap();
        for file in ["standard-create.sql", "auth_db-create.sql"] {
            let text = std::fs::read_to_string(format!("/usr/share/kamailio/db_sqlite/{file}")).unwrap();
            database.batch_execute(&text).unwrap();
        }
        // How often each number was written, to see that nothing is applied twice.
        let writes = "CREATE TABLE writes (username TEXT NOT NULL); CREATE TRIGGER written AFTER INSERT ON subscriber \
                      BEGIN INSERT INTO writes VALUES (new.username); END;";
        database.batch_execute(writes).unwrap();
        let settings = shown(
            "kamailio.cfg",
            &[
                ("udp:127.0.0.1:5060", &format!("udp:127.0.0.1:{sip}")),
                ("tcp:127.0.0.1:5061", &format!("tcp:127.0.0.1:{rpc}")),
                ("sqlite:///kamailio.db", &format!("sqlite:///{}/kamailio.db", folder.display())),
            ],
        );
        std::fs::write(folder.join("kamailio.cfg"), settings).unwrap();
        let agent = shown(
            "kamailio.toml",
            &[("https://numbers.example", &server.url), ("127.0.0.1:5061", &format!("127.0.0.1:{rpc}"))],
        );
        std::fs::write(folder.join("agent.toml"), agent).unwrap();
        std::fs::create_dir_all(folder.join("run")).unwrap();
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "32", "-M", "4", "-f"]).arg(folder.join("kamailio.cfg"));
        command.arg("-Y").arg(folder.join("run")).arg("-P").arg(folder.join("run/pid"));
        let mut kamailio = Program::start("kamailio", &folder, &mut command);
        let phone = Phone::new(sip, "ping").await;
        kamailio.answers(async || phone.pings().await).await;
        Self { sip, rpc, folder, agent: None, _kamailio: kamailio }
    }

    /// A phone of its own for a number.
    pub async fn phone(&self, number: &str) -> Phone {
        Phone::new(self.sip, number).await
    }

    /// Whether a phone is registered now, as Kamailio's memory has it.
    pub async fn is_bound(&self, number: &str) -> bool {
        let call = json!({ "jsonrpc": "2.0", "method": "ul.lookup", "params": ["location", number], "id": 1 });
        let answer = reqwest::Client::new().post(format!("http://127.0.0.1:{}/RPC", self.rpc)).json(&call).send();
        let answer: Value = answer.await.unwrap().json().await.unwrap();
        answer["result"]["Contacts"].is_array()
    }

    fn database(&self) -> SqliteConnection {
        let mut database = SqliteConnection::establish(self.folder.join("kamailio.db").to_str().unwrap()).unwrap();
        database.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        database
    }

    /// The numbers that may register, with how often each was written.
    pub fn subscribers(&self) -> Vec<(String, i64)> {
        let query = "SELECT username, (SELECT count(*) FROM writes WHERE writes.username = subscriber.username) AS times \
                     FROM subscriber ORDER BY username";
        let rows: Vec<Row> = sql_query(query).load(&mut self.database()).unwrap();
        rows.into_iter().map(|row| (row.username, row.times)).collect()
    }

    /// The numbers that may register.
    pub fn numbers(&self) -> Vec<String> {
        self.subscribers().into_iter().map(|(number, _)| number).collect()
    }
}

//! Kamailio with its standard auth_db tables in SQLite, and the agent that writes them.

use std::path::PathBuf;
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use serde_json::{Value, json};

use super::programs::{Program, example_configuration, free_port};
use super::server::Server;
use super::sip::Phone;

/// The required programs.
pub const PROGRAMS: [&str; 2] = ["kamailio", "/usr/share/kamailio/db_sqlite/auth_db-create.sql"];

/// A SIP registrar with its agent.
pub struct Registrar {
    pub sip_port: u16,
    pub folder: PathBuf,
    pub agent: Option<Program>,
    rpc_port: u16,
    _kamailio: Program,
}

/// A subscriber of auth_db, with how often the agent has written it.
#[derive(QueryableByName)]
pub struct Subscriber {
    #[diesel(sql_type = Text)]
    pub username: String,
    #[diesel(sql_type = BigInt)]
    pub writes: i64,
}

impl Registrar {
    /// Starts Kamailio over an empty database, and an agent that fills it.
    pub async fn start(server: &Server) -> Self {
        let folder = server.create_consumer("kamailio", "sip", "READ_DIGESTS").await;
        let mut registrar = Self::without_agent(folder, server).await;
        registrar.agent = Some(server.agent(&registrar.folder, &[]));
        registrar
    }

    async fn without_agent(folder: PathBuf, server: &Server) -> Self {
        let (sip_port, rpc_port) = (free_port(), free_port());
        let mut database = SqliteConnection::establish(folder.join("kamailio.db").to_str().unwrap()).unwrap();
        for file in ["standard-create.sql", "auth_db-create.sql"] {
            let text = std::fs::read_to_string(format!("/usr/share/kamailio/db_sqlite/{file}")).unwrap();
            database.batch_execute(&text).unwrap();
        }
        // A log of the inserts shows whether a record was applied twice.
        let log_writes = "CREATE TABLE writes (username TEXT NOT NULL); \
                          CREATE TRIGGER written AFTER INSERT ON subscriber \
                          BEGIN INSERT INTO writes VALUES (new.username); END;";
        database.batch_execute(log_writes).unwrap();
        let settings = example_configuration(
            "kamailio.cfg",
            &[
                ("udp:127.0.0.1:5060", &format!("udp:127.0.0.1:{sip_port}")),
                ("tcp:127.0.0.1:5061", &format!("tcp:127.0.0.1:{rpc_port}")),
                ("sqlite:///kamailio.db", &format!("sqlite:///{}/kamailio.db", folder.display())),
            ],
        );
        std::fs::write(folder.join("kamailio.cfg"), settings).unwrap();
        let agent = example_configuration(
            "kamailio.toml",
            &[("https://numbers.example", &server.url), ("127.0.0.1:5061", &format!("127.0.0.1:{rpc_port}"))],
        );
        std::fs::write(folder.join("agent.toml"), agent).unwrap();
        std::fs::create_dir_all(folder.join("run")).unwrap();
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "32", "-M", "4", "-f"]).arg(folder.join("kamailio.cfg"));
        command.arg("-Y").arg(folder.join("run")).arg("-P").arg(folder.join("run/pid"));
        let mut kamailio = Program::start("kamailio", &folder, &mut command);
        let phone = Phone::new(sip_port, "ping").await;
        kamailio.wait_until(async || phone.ping().await).await;
        Self { sip_port, rpc_port, folder, agent: None, _kamailio: kamailio }
    }

    /// A phone for a number, with its own socket.
    pub async fn phone(&self, number: &str) -> Phone {
        Phone::new(self.sip_port, number).await
    }

    /// Whether Kamailio's location table has a binding of the number.
    pub async fn is_bound(&self, number: &str) -> bool {
        let call = json!({ "jsonrpc": "2.0", "method": "ul.lookup", "params": ["location", number], "id": 1 });
        let response =
            reqwest::Client::new().post(format!("http://127.0.0.1:{}/RPC", self.rpc_port)).json(&call).send();
        let answer: Value = response.await.unwrap().json().await.unwrap();
        answer["result"]["Contacts"].is_array()
    }

    fn database(&self) -> SqliteConnection {
        let mut database = SqliteConnection::establish(self.folder.join("kamailio.db").to_str().unwrap()).unwrap();
        database.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        database
    }

    /// The subscribers, sorted by number.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        let query = "SELECT username, (SELECT count(*) FROM writes \
                     WHERE writes.username = subscriber.username) AS writes \
                     FROM subscriber ORDER BY username";
        sql_query(query).load(&mut self.database()).unwrap()
    }

    /// The numbers of the subscribers.
    pub fn numbers(&self) -> Vec<String> {
        self.subscribers().into_iter().map(|subscriber| subscriber.username).collect()
    }
}

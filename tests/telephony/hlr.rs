//! OsmoHLR, and the agent that configures it over its VTY.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::programs::{Program, example_configuration, free_port};
use super::server::{Client, Server};

/// The required programs.
pub const PROGRAMS: [&str; 1] = ["osmo-hlr"];

const VTY_PORT: u16 = 4258;

/// A subscriber of the register.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Subscriber {
    imsi: String,
    number: String,
}

impl Subscriber {
    pub fn new(imsi: &str, number: &str) -> Self {
        Self { imsi: imsi.to_owned(), number: number.to_owned() }
    }
}

/// A home location register with its agent.
pub struct Hlr {
    _agent: Program,
    address: Ipv4Addr,
    network: Client,
    _hlr: Program,
}

impl Hlr {
    /// Starts OsmoHLR over an empty database, and an agent that fills it. `replacements` change the agent's example
    /// configuration.
    pub async fn start(server: &Server, replacements: &[(&str, &str)]) -> Self {
        let folder = server.create_consumer("osmo-hlr", "cellular", "READ_CONFIG, WRITE_BACK").await;
        // OsmoHLR has fixed ports, so the test uses a private loopback address.
        let [high, low] = free_port().to_be_bytes();
        let address = Ipv4Addr::new(127, 77, high, low.clamp(1, 254));
        let settings = format!(
            "log stderr\n logging level main error\nline vty\n bind {address}\nctrl\n bind {address}\n\
             hlr\n gsup\n  bind ip {address}\n"
        );
        std::fs::write(folder.join("hlr.cfg"), settings).unwrap();
        let vty = format!("{address}:{VTY_PORT}");
        let mut all_replacements =
            vec![("https://numbers.example", server.url.as_str()), ("127.0.0.1:4258", vty.as_str())];
        all_replacements.extend(replacements);
        std::fs::write(folder.join("agent.toml"), example_configuration("osmo-hlr.toml", &all_replacements)).unwrap();
        let mut command = Command::new("osmo-hlr");
        command.arg("-c").arg(folder.join("hlr.cfg")).arg("-l").arg(folder.join("hlr.db"));
        let mut hlr = Program::start("osmo-hlr", &folder, &mut command);
        hlr.wait_until(async || {
            vty_command(address, "show version").await.is_some_and(|text| text.contains("OsmoHLR"))
        })
        .await;
        let network = Client::with_key(server, &folder);
        Self { _agent: server.agent(&folder, &[]), address, network, _hlr: hlr }
    }

    /// Writes back the IMSI of a SIM card, as the network does when the card registers.
    pub async fn register_card(&self, id: &str, imsi: &str) {
        let variables = json!({ "id": id, "parameters": { "imsi": imsi } });
        self.network
            .execute_ok("writeBackParameters", "id: $id, parameters: $parameters", "__typename", variables)
            .await;
    }

    /// The subscribers, sorted by IMSI.
    pub async fn subscribers(&self) -> Vec<Subscriber> {
        let text = vty_command(self.address, "show subscribers all").await.expect("the HLR does not answer");
        let parse = |line: &str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let is_row = columns.len() >= 3 && columns[0].parse::<u32>().is_ok() && columns[2].len() >= 6;
            is_row.then(|| Subscriber::new(columns[2], columns[1]))
        };
        let mut subscribers: Vec<_> = text.lines().filter_map(parse).collect();
        subscribers.sort();
        subscribers
    }
}

/// Executes a command on the VTY in privileged mode, and returns its output.
async fn vty_command(address: Ipv4Addr, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect((address, VTY_PORT)).await.ok()?;
    read_to_prompt(&mut stream).await?;
    let mut output = String::new();
    for command in ["enable", command] {
        stream.write_all(format!("{command}\n").as_bytes()).await.ok()?;
        output = read_to_prompt(&mut stream).await?;
    }
    Some(output)
}

/// Reads up to the next prompt.
async fn read_to_prompt(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"OsmoHLR> ") && !text.ends_with(b"OsmoHLR# ") {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut buffer)).await.ok()?.ok()?;
        text.extend_from_slice(&buffer[..read]);
        if read == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

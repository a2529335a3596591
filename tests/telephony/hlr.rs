//! OsmoHLR, and the agent that speaks to its VTY.

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ground::{Program, port, shown};
use super::switchboard::{Person, Switchboard};

/// The programs that it takes.
pub const PROGRAMS: [&str; 1] = ["osmo-hlr"];

/// A core network's register with its agent.
pub struct Hlr {
    _agent: Program,
    address: Ipv4Addr,
    network: Person,
    _hlr: Program,
}

impl Hlr {
    /// Starts OsmoHLR over an empty database, and an agent that fills it. `more` is put before the agent's `[script]`.
    pub async fn start(server: &Switchboard, more: &[(&str, &str)]) -> Self {
        let folder = server.connect("osmo-hlr", "cellular", "READ_CONFIG, WRITE_BACK").await;
        // Its ports are fixed, so the address is what is private.
        let [high, low] = port().to_be_bytes();
        let address = Ipv4Addr::new(127, 77, high, low.clamp(1, 254));
        let settings = format!(
            "log stderr\n logging level main error\nline vty\n bind {address}\nctrl\n bind {address}\nhlr\n gsup\n  bind ip {address}\n"
        );
        std::fs::write(folder.join("hlr.cfg"), settings).unwrap();
        let vty = format!("{address}:4258");
        let mut changes = vec![("https://numbers.example", server.url.as_str()), ("127.0.0.1:4258", vty.as_str())];
        changes.extend(more);
        std::fs::write(folder.join("agent.toml"), shown("osmo-hlr.toml", &changes)).unwrap();
        let mut command = Command::new("osmo-hlr");
        command.arg("-c").arg(folder.join("hlr.cfg")).arg("-l").arg(folder.join("hlr.db"));
        let mut hlr = Program::start("osmo-hlr", &folder, &mut command);
        hlr.answers(async || say(address, "show version").await.is_some_and(|text| text.contains("OsmoHLR"))).await;
        let network = Person::key(server, &folder);
        Self { _agent: server.agent(&folder, &[]), address, network, _hlr: hlr }
    }

    /// The network has seen a card: it tells its IMSI.
    pub async fn sees(&self, id: &str, imsi: &str) {
        let variables = json!({ "id": id, "parameters": { "imsi": imsi } });
        self.network.does("writeBackParameters", "id: $id, parameters: $parameters", "__typename", variables).await;
    }

    /// Every subscriber: IMSI and number.
    pub async fn subscribers(&self) -> Vec<(String, String)> {
        let text = say(self.address, "show subscribers all").await.expect("the HLR does not answer");
        let row = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_row = words.len() >= 3 && words[0].parse::<u32>().is_ok() && words[2].len() >= 6;
            is_row.then(|| (words[2].to_owned(), words[1].to_owned()))
        };
        let mut all: Vec<_> = text.lines().filter_map(row).collect();
        all.sort();
        all
    }
}

/// Says a line to the VTY, in privileged mode; what it answers.
async fn say(address: Ipv4Addr, line: &str) -> Option<String> {
    let mut stream = TcpStream::connect((address, 4258)).await.ok()?;
    hear(&mut stream).await?;
    let mut said = String::new();
    for line in ["enable", line] {
        stream.write_all(format!("{line}\n").as_bytes()).await.ok()?;
        said = hear(&mut stream).await?;
    }
    Some(said)
}

/// Reads up to the prompt.
async fn hear(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"OsmoHLR> ") && !text.ends_with(b"OsmoHLR# ") {
        let mut part = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut part)).await.ok()?.ok()?;
        text.extend_from_slice(&part[..read]);
        if read == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

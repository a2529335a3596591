//! Clients that change extensions and numbers at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::random_below;
use super::servers::Servers;

/// How many numbers the writers compete for.
const NUMBERS: usize = 60;
/// How many changes a writer makes between two reads of the extensions.
const BATCH: usize = 8;

/// Writes until `stop` is set; returns how many changes succeeded.
pub async fn write(servers: Arc<Servers>, stop: Arc<AtomicBool>, index: usize) -> u64 {
    let writer = Writer { token: servers.sign_in("operator").await, servers, index };
    let mut succeeded = 0;
    while !stop.load(Ordering::SeqCst) {
        let extensions = writer.extension_ids().await;
        for _ in 0..BATCH {
            if writer.change(&extensions).await {
                succeeded += 1;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    succeeded
}

struct Writer {
    servers: Arc<Servers>,
    token: String,
    index: usize,
}

impl Writer {
    /// The ids of the current extensions. Another writer may delete them before they are used.
    async fn extension_ids(&self) -> Vec<String> {
        let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 500) \
            { entries { id number } } } }";
        let data = self.servers.execute(&self.token, query, json!({})).await;
        let entries = data["provisioning"]["snapshot"]["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes a random change; returns whether it succeeded.
    async fn change(&self, extensions: &[String]) -> bool {
        let number = (3000 + random_below(NUMBERS)).to_string();
        let random_id = || extensions.get(random_below(extensions.len())).map_or("Extension:0", String::as_str);
        let (id, other) = (random_id(), random_id());
        let (mutation, input) = match random_below(12) {
            0..4 => {
                let label = format!("Writer {}", self.index);
                let input = format!(
                    "event: \"demo\", serviceType: \"sip\", number: \"{number}\", label: \"{label}\", \
                     owner: \"operator\", overrideReservation: true"
                );
                ("assignExtension", input)
            }
            4..6 => ("deleteExtension", format!("id: \"{id}\"")),
            6 => ("updateExtension", format!("id: \"{id}\", label: \"Label {}\"", random_below(1000))),
            7 => ("barNumber", format!("event: \"demo\", number: \"{number}\", reason: \"soak\"")),
            8 => ("unbarNumber", format!("event: \"demo\", number: \"{number}\"")),
            9 => ("renumberExtension", format!("id: \"{id}\", number: \"{number}\"")),
            _ => ("swapNumbers", format!("first: \"{id}\", second: \"{other}\"")),
        };
        let query = format!("mutation {{ {mutation}(input: {{{input}}}) {{ errors {{ code }} }} }}");
        let Some(data) = self.servers.try_execute(&self.token, &query, json!({})).await else {
            // The server was killed before or after the commit; the replicas must agree with the database in both
            // cases.
            tokio::time::sleep(Duration::from_millis(100)).await;
            return false;
        };
        data[mutation]["errors"] == Value::Array(Vec::new())
    }
}

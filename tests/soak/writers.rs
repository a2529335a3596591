//! Those who change things all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::below;
use super::instances::Instances;

/// How many numbers the writers fight for.
const NUMBERS: usize = 60;

/// Changes things until it is told to stop; how many changes went well.
pub async fn write(instances: Arc<Instances>, stopping: Arc<AtomicBool>, place: usize) -> u64 {
    let token = instances.sign_in("operator").await;
    let mut done = 0;
    while !stopping.load(Ordering::SeqCst) {
        let known = known(&instances, &token).await;
        for _ in 0..8 {
            if change(&instances, &token, &known, place).await {
                done += 1;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    done
}

/// The extensions that may be changed; somebody else may be quicker.
async fn known(instances: &Instances, token: &str) -> Vec<(String, String)> {
    let query =
        "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 500) { entries { id number } } } }";
    let data = instances.asks(token, query, json!({})).await;
    let entries = data["provisioning"]["snapshot"]["entries"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.iter().map(|entry| (text(&entry["id"]), text(&entry["number"]))).collect()
}

async fn change(instances: &Instances, token: &str, known: &[(String, String)], place: usize) -> bool {
    let number = (3000 + below(NUMBERS)).to_string();
    let some = || known.get(below(known.len())).map_or("Extension:0", |(id, _)| id.as_str());
    let (id, other) = (some(), some());
    let bare = "{ errors { code } }";
    let (name, query) = match below(12) {
        0..4 => (
            "assignExtension",
            format!(
                "assignExtension(input: {{event: \"demo\", serviceType: \"sip\", number: \"{number}\", label: \"Writer {place}\", owner: \"operator\", overrideReservation: true}}) {bare}"
            ),
        ),
        4..6 => ("deleteExtension", format!("deleteExtension(input: {{id: \"{id}\"}}) {bare}")),
        6 => (
            "updateExtension",
            format!("updateExtension(input: {{id: \"{id}\", label: \"Label {}\"}}) {bare}", below(1000)),
        ),
        7 => (
            "barNumber",
            format!("barNumber(input: {{event: \"demo\", number: \"{number}\", reason: \"soak\"}}) {bare}"),
        ),
        8 => ("unbarNumber", format!("unbarNumber(input: {{event: \"demo\", number: \"{number}\"}}) {bare}")),
        9 => ("renumberExtension", format!("renumberExtension(input: {{id: \"{id}\", number: \"{number}\"}}) {bare}")),
        _ => ("swapNumbers", format!("swapNumbers(input: {{first: \"{id}\", second: \"{other}\"}}) {bare}")),
    };
    let Some(data) = instances.ask(token, &format!("mutation {{ {query} }}"), json!({})).await else {
        // It was killed before or after the commit: nobody knows, and the feed must tell.
        tokio::time::sleep(Duration::from_millis(100)).await;
        return false;
    };
    data[name]["errors"] == json!([])
}

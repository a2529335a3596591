//! The log: request ids, the access log, and the warning about a proxy that no setting names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::Installation;
use crate::support::Database;

pub async fn log_lines_have_the_request_id_and_no_token(folder: Arc<tempfile::TempDir>, database: Database) {
    let installation = Installation { folder: folder.path().to_owned(), database };
    let program = installation.start("info,switchboard::access=debug").await;
    let client = reqwest::Client::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let request = client.get(format!("{}/device/a-secret-token/phone.cfg", program.url));
        let response = request.header("X-Forwarded-For", "203.0.113.9").send().await.unwrap();
        assert_eq!(response.status(), 404);
        ids.push(response.headers()["x-request-id"].to_str().unwrap().to_owned());
    }
    let lines = || -> Vec<Value> {
        let log = std::fs::read_to_string(installation.log()).unwrap();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let is_access = |line: &Value, id: &str| line["target"] == "switchboard::access" && line["span"]["id"] == id;
    let until = Instant::now() + Duration::from_secs(10);
    while !ids.iter().all(|id| lines().iter().any(|line| is_access(line, id))) {
        assert!(Instant::now() < until, "the log has no line of a request: {:#?}", lines());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lines = lines();
    let logged = lines.iter().find(|line| is_access(line, &ids[0])).unwrap();
    assert_eq!(
        (&logged["route"], &logged["status"], &logged["method"]),
        (&"/device".into(), &404.into(), &"GET".into())
    );
    let warnings =
        lines.iter().filter(|line| line["message"].as_str().is_some_and(|text| text.contains("--trusted-proxy")));
    assert_eq!(warnings.count(), 1, "the proxy is reported once");
    let text = std::fs::read_to_string(installation.log()).unwrap();
    assert!(!text.contains("a-secret-token") && !text.contains("203.0.113.9"), "{text}");
    drop(program);
}

//! `rotate-key`, beside a running server.

use std::time::Duration;

use platform::secrets::{Secret, open_with_passphrase};
use serde_json::{Value, json};

use crate::command::PASSPHRASE;
use crate::support::{Actor, TestApp};

/// The keys in the sealing key file, newest first.
fn sealing_keys(app: &TestApp) -> Vec<String> {
    let text = std::fs::read_to_string(app.folder.path().join("sealing.key")).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

/// The secrets that the server shows to an operator.
async fn credentials(operator: &Actor) -> Value {
    let list = operator.query("{ extensions(event: \"demo\", first: 20) { nodes { number credentials } } }").await.ok();
    let nodes = list["nodes"].clone();
    let has_password = |node: &Value| node["credentials"]["password"].is_string();
    assert!(nodes.as_array().is_some_and(|nodes| nodes.iter().any(has_password)), "{list}");
    nodes
}

pub async fn a_new_key_reseals_every_secret(app: TestApp) {
    let operator = app.operator().await;
    let (before, old_keys) = (credentials(&operator).await, sealing_keys(&app));
    assert_eq!(old_keys.len(), 1);
    // A queued mail is sealed too.
    app.guest().mutate("requestPasswordReset", json!({ "email": "user@example.org" }), "accepted").await.ok();

    let report = app.run_command_ok(&["rotate-key"]).await;
    assert!(report.starts_with("The key was rotated and 9 values were resealed."), "{report}");
    let new_keys = sealing_keys(&app);
    assert!(new_keys.len() == 1 && new_keys != old_keys, "the old key is still in the file");
    // The running server, and a new process that has only the new key, open every secret.
    assert_eq!(credentials(&operator).await, before);
    assert!(app.newest_mail().await.contains("user@example.org"));
    assert!(app.run_command(&["export", "--event", "demo", "--with-secrets"]).await.is_success);
    // The server seals new secrets with the new key: a second rotation opens them.
    operator.registers("sip", "2342").await.ok();
    let report = app.run_command_ok(&["rotate-key"]).await;
    assert!(report.starts_with("The key was rotated and 9 values were resealed."), "{report}");
    assert_eq!(credentials(&operator).await.as_array().unwrap().len(), 13);
    assert!(app.run_command_ok(&["audit", "verify"]).await.contains("The audit is intact"));
}

pub async fn a_killed_rotation_loses_no_secret(app: TestApp) {
    let rows: String = (2_000..6_000)
        .filter(|number| !(5_000..5_100).contains(number))
        .map(|number| format!("{number},sip,user,A,,,,,\n"))
        .collect();
    let header = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n";
    app.run_command_ok(&["import", &app.write_file("many.csv", header.to_owned() + &rows), "--event", "demo"]).await;
    let operator = app.operator().await;
    let before = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(before.is_success, "{}", before.stderr);
    let mut interrupted_rotations = 0;
    for round in 1..=12 {
        let mut rotation = app.command(&["rotate-key"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(90 * round)).await;
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        interrupted_rotations += usize::from(sealing_keys(&app).len() == 2);
        let credentials = credentials(&operator).await;
        assert_eq!(credentials.as_array().unwrap().len(), 20, "a secret does not open after round {round}");
    }
    assert!(interrupted_rotations > 0, "no rotation was killed while the file had two keys");
    let report = app.run_command_ok(&["rotate-key"]).await;
    assert!(report.contains("The key was rotated and"), "{report}");
    assert_eq!(sealing_keys(&app).len(), 1);
    let after = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(after.is_success, "a secret is not sealed with the remaining key: {}", after.stderr);
    let open = |sealed: &[u8]| open_with_passphrase(&Secret::new(PASSPHRASE), sealed).unwrap().to_vec();
    assert!(open(&before.raw_stdout) == open(&after.raw_stdout), "a secret has changed");
}

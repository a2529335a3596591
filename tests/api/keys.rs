//! `rotate-key`, beside a server that goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

/// The keys in the sealing key's file, newest first.
fn keys(app: &TestApp) -> Vec<String> {
    let text = std::fs::read_to_string(app.folder.path().join("sealing.key")).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

async fn credentials(operator: &Actor) -> Value {
    let query = "{ extensions(event: \"demo\", first: 20) { nodes { number credentials } } }";
    let answer = operator.execute(query, json!({})).await;
    let nodes = answer["data"]["extensions"]["nodes"].clone();
    let has_password = |node: &Value| node["credentials"]["password"].is_string();
    assert!(nodes.as_array().is_some_and(|nodes| nodes.iter().any(has_password)), "{answer}");
    nodes
}

pub async fn a_new_key_seals_everything(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let (before, old) = (credentials(&operator).await, keys(&app));
    assert_eq!(old.len(), 1);
    // A mail that waits is sealed too.
    let ask = "mutation { requestPasswordReset(input: {email: \"user@example.org\"}) { accepted } }";
    app.guest().execute(ask, json!({})).await;

    let told = app.run_command_ok(&["rotate-key"]).await;
    assert!(told.starts_with("The key was changed, and 8 values were sealed anew."), "{told}");
    let new = keys(&app);
    assert!(new.len() == 1 && new != old, "the old key is gone");
    // The server that ran all the time, and a program that knows nothing but the new key, open everything.
    assert_eq!(credentials(&operator).await, before);
    assert!(app.newest_mail().await.contains("user@example.org"));
    assert!(app.run_command(&["export", "--event", "demo", "--with-secrets"]).await.is_success);
    // What the server seals now it seals with the new key: a second change finds it.
    let made = operator.registers("sip", "2342").await;
    assert_eq!(made["errors"], json!([]), "{made}");
    let told = app.run_command_ok(&["rotate-key"]).await;
    assert!(told.starts_with("The key was changed, and 8 values were sealed anew."), "{told}");
    assert_eq!(credentials(&operator).await.as_array().unwrap().len(), 13);
    assert!(app.run_command_ok(&["audit", "verify"]).await.contains("The audit is whole"));
}

pub async fn a_change_of_the_key_survives_being_killed(app: TestApp) {
    let rows: String = (2_000..6_000)
        .filter(|number| !(5_000..5_100).contains(number))
        .map(|number| format!("{number},sip,user,A,,,,,\n"))
        .collect();
    let file = "number,service_type,owner,label,visibility,permissions,fallback_number,parameters,members\n".to_owned()
        + &rows;
    app.run_command_ok(&["import", &app.file("many.csv", file), "--event", "demo"]).await;
    let operator = app.sign_in("operator", "numberwang").await;
    let before = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(before.is_success, "{}", before.stderr);
    let mut stopped_in_the_middle = 0;
    for round in 1..=12 {
        let mut running = app.command(&["rotate-key"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(90 * round)).await;
        running.kill().unwrap();
        running.wait().unwrap();
        stopped_in_the_middle += usize::from(keys(&app).len() == 2);
        let seen = credentials(&operator).await;
        assert_eq!(seen.as_array().unwrap().len(), 20, "everything opens after round {round}");
    }
    assert!(stopped_in_the_middle > 0, "no round was stopped with two keys in the file");
    let told = app.run_command_ok(&["rotate-key"]).await;
    assert!(told.contains("The key was changed, and"), "{told}");
    assert_eq!(keys(&app).len(), 1);
    let after = app.run_command(&["export", "--event", "demo", "--with-secrets"]).await;
    assert!(after.is_success, "what one key opens is everything: {}", after.stderr);
    let opened = |output: &[u8]| {
        let passphrase = switchboard::secrets::Secret::new("mostly harmless");
        switchboard::secrets::open_with_passphrase(&passphrase, output).unwrap().to_vec()
    };
    assert!(opened(&before.raw_stdout) == opened(&after.raw_stdout), "every secret is what it was");
}

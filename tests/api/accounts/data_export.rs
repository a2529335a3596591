//! `exportMyData`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, Scope, TestApp};

async fn export(actor: &Actor) -> Value {
    actor.query("{ exportMyData }").await.ok()
}

pub async fn a_data_export_contains_only_data_of_the_caller(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let registered = user.registers("sip", "2342").await.ok();
    operator.registers("sip", "2343").await.ok();
    operator.reserves("2400", "user").await.ok();
    operator.bars("2342").await.ok();
    let data = export(&user).await;
    let account = &data["account"];
    assert_eq!((&account["username"], &account["email"]), (&json!("user"), &json!("user@example.org")), "{data}");
    assert_eq!(account["role"], "USER");
    let extension = &data["extensions"][0];
    assert_eq!(extension["id"], registered["extension"]["id"]);
    assert_eq!((&extension["number"], &extension["label"]), (&json!("2342"), &json!("Test")));
    assert_eq!(extension["parameters"], json!({ "codec": "PCMA", "max_contacts": 2 }));
    assert_eq!(extension["credentials"], registered["generated"]);
    let numbers = data["numbers"].as_array().unwrap();
    let numbers: Vec<_> = numbers.iter().map(|row| (&row["number"], &row["state"])).collect();
    assert_eq!(numbers, [(&json!("2342"), &json!("IN_SERVICE")), (&json!("2400"), &json!("RESERVED"))]);
    assert_eq!(data["numbers"][0]["restrictions"][0]["reason"], "noise");
    assert_eq!(data["numberHistory"].as_array().unwrap().len(), 2, "{data}");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    let actions: Vec<_> = data["audit"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"registerExtension") && actions.contains(&"exportMyData"), "{actions:?}");
    let text = data.to_string();
    for foreign in ["operator", "\"2343\"", "Front Desk"] {
        assert!(!text.contains(foreign), "{foreign} belongs to another account: {data}");
    }
    app.clock.advance(Duration::from_secs(16 * 60));
    assert!(export(&user).await["extensions"][0]["credentials"].is_null(), "secrets need a recent sign-in");
    let of_operator = export(&operator).await;
    assert_eq!(of_operator["extensions"].as_array().unwrap().len(), 13, "only what the operator owns");
    assert!(!of_operator.to_string().contains("user@example.org"));
    assert_eq!(app.guest().query("{ exportMyData }").await.rejection(), "UNAUTHENTICATED");
    let key = app.admin().await.creates_key(&[Scope::ReadSecrets], &["sip"]).await;
    assert_eq!(key.query("{ exportMyData }").await.rejection(), "FORBIDDEN");
}

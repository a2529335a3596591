//! An entry names its extension; what it shows is read when it is read.

use serde_json::{Value, json};

use super::copy::COMPLAINT;
use super::ground::ServicesInner;
use super::ways::Way;
use super::{mutate, registered, relabel};
use crate::support::TestApp;

/// Where a feed is kept.
const TABLES: [&str; 7] =
    ["feeds", "feed_revisions", "feed_entries", "feed_keys", "feed_consumers", "feed_errors", "feed_web_hooks"];

pub async fn poison_blocks_nobody(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let user = &ground.user;
    let mut system = ground.system_of("READ_CONFIG, READ_SECRETS", "demo", "sip").await;
    let poisoned = registered(user, "sip", "2001").await;
    let sound = registered(user, "sip", "2002").await;
    let row = poisoned.strip_prefix("Extension:").unwrap();
    ground
        .app
        .execute_sql(
            &format!("UPDATE extensions SET secrets = CAST(substr(secrets, 1, length(secrets) - 2) || x'0101' AS BLOB) WHERE id = x'{row}'"),
            &format!("UPDATE extensions SET secrets = substring(secrets FOR length(secrets) - 2) || '\\x0101'::bytea WHERE id = '{row}'"),
        )
        .await;
    let mut patient = system.sleeper().await;
    system.refuses("2001");
    patient.is_told("both").await;
    assert_eq!(patient.row("2001")["secrets"], json!({}), "what cannot be opened is left out");
    assert_eq!(patient.row("2002")["secrets"]["password"].as_str().unwrap().len(), 20);

    // The other system cannot apply it, says so, and goes on.
    system.is_in_step_but(&["2001"]).await;
    system.acknowledges().await;
    relabel(user, &sound, "Goes on").await;
    assert!(!system.is_in_step_but(&["2001"]).await.is_empty(), "what came after the poison is not told");
    system.acknowledges().await;
    let name = system.desk.consumer.clone();
    for (number, state, message) in [("2001", "FAILED", COMPLAINT), ("2002", "APPLIED", "")] {
        let ask = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { provisioning { consumer state message } } }";
        let seen = user.execute_ok(ask, json!({ "n": number })).await["provisioning"].clone();
        let status = seen.as_array().unwrap().iter().find(|status| status["consumer"] == name.as_str()).unwrap();
        assert_eq!(status["state"], state, "{seen}");
        assert!(status["message"].as_str().unwrap_or_default().contains(message), "{seen}");
    }
    let seen = ground.seen(&name).await;
    assert_eq!((&seen["lagRecords"], &seen["errors"]), (&json!(0), &json!([{ "number": "2001" }])));
}

pub async fn secrets_are_not_copied(app: TestApp, way: Way) {
    let ground = ServicesInner::set(app, way).await;
    let (app, user) = (&ground.app, &ground.user);
    let all = "READ_CONFIG, READ_SECRETS, READ_DIGESTS";
    let mut system = ground.system_of(all, "demo", "sip").await;
    let mut late = system.sleeper().await;
    let id = registered(user, "sip", "2001").await;
    registered(user, "dect", "2002").await;
    system.is_told("a registration").await;
    let first = system.row("2001")["secrets"]["password"].as_str().unwrap().to_owned();
    let first_digests = system.row("2001")["digests"]["password"].clone();
    mutate(user, "rotateSecret", &id, ", parameter: \"password\"").await;
    system.is_told("a rotation").await;
    let second = system.row("2001")["secrets"]["password"].as_str().unwrap().to_owned();
    assert_ne!(first, second);

    // The older entry is the same row: it shows what holds when it is read.
    let read_late = late.is_told("both").await;
    assert_eq!(read_late[0]["extension"]["secrets"], json!({ "password": second }), "{read_late:?}");
    assert!(!json!(read_late).to_string().contains(&first));
    let out_of_scope = ground.system("sip").await.row("2001");
    assert_eq!((&out_of_scope["secrets"], &out_of_scope["digests"]), (&json!({}), &json!({})));

    let dect = ground.system_of(all, "demo", "dect").await;
    let code = dect.row("2002")["secrets"]["activation_code"].as_str().unwrap().to_owned();
    let digests = system.row("2001")["digests"]["password"].clone();
    let derived = [&digests, &first_digests].into_iter().flat_map(|digests| digests.as_object().unwrap().values());
    let derived = derived.filter_map(Value::as_str).map(str::to_owned);
    let secrets: Vec<String> = [first, second, code].into_iter().chain(derived).collect();
    assert!(secrets.len() >= 9, "three secrets and the digests: {digests}");
    let mut kept =
        vec![("what the agent remembers", system.remembers()), ("what the other agent does", dect.remembers())];
    for table in TABLES {
        kept.push((table, app.dump_table(table).await));
    }
    assert!(kept.iter().any(|(place, text)| *place == "feed_keys" && text.contains("2001")), "the scan reads nothing");
    for (place, text) in kept {
        let text = text.to_lowercase();
        for secret in &secrets {
            let found = text.contains(&secret.to_lowercase()) || text.contains(&hex::encode(secret));
            assert!(!found, "a secret is in {place}");
        }
    }
}

//! A feed entry references its extension; its content is read from the current row.

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::replica::REJECTION;
use super::transport::Transport;
use super::{mutate, registered, relabel};
use crate::support::TestApp;

/// The tables of the feed.
const TABLES: [&str; 7] =
    ["feeds", "feed_revisions", "feed_entries", "feed_keys", "feed_consumers", "feed_errors", "feed_web_hooks"];

/// The provisioning status of an extension at one consumer.
struct ExpectedStatus {
    number: &'static str,
    state: &'static str,
    message: Option<&'static str>,
}

pub async fn poison_record_does_not_block(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let user = &fixture.user;
    let mut rejecting = fixture.reader_with("READ_CONFIG, READ_SECRETS", "demo", "sip").await;
    let poisoned = registered(user, "sip", "2001").await;
    let sound = registered(user, "sip", "2002").await;
    let row = poisoned.strip_prefix("Extension:").unwrap();
    fixture
        .app
        .execute_sql(
            &format!(
                "UPDATE extensions SET secrets = CAST(substr(secrets, 1, length(secrets) - 2) || x'0101' AS BLOB) \
                 WHERE id = x'{row}'"
            ),
            &format!(
                "UPDATE extensions SET secrets = substring(secrets FOR length(secrets) - 2) || '\\x0101'::bytea \
                 WHERE id = '{row}'"
            ),
        )
        .await;
    let mut tolerant = rejecting.fork().await;
    rejecting.reject("2001");
    tolerant.expect_changes("two registrations").await;
    assert_eq!(tolerant.row("2001")["secrets"], json!({}), "secrets that cannot be decrypted are omitted");
    assert_eq!(tolerant.row("2002")["secrets"]["password"].as_str().unwrap().len(), 20);

    // The other reader cannot apply the record, reports it, and continues.
    rejecting.catch_up_except(&["2001"]).await;
    rejecting.acknowledge().await;
    relabel(user, &sound, "After the poisoned record").await;
    assert!(!rejecting.catch_up_except(&["2001"]).await.is_empty(), "changes after the poisoned record do not arrive");
    rejecting.acknowledge().await;
    let consumer = rejecting.consumer.name.as_str();
    for expected in [
        ExpectedStatus { number: "2001", state: "FAILED", message: Some(REJECTION) },
        ExpectedStatus { number: "2002", state: "APPLIED", message: None },
    ] {
        let query = "query($number: PhoneNumber!) { extension(event: \"demo\", number: $number) \
                     { provisioning { consumer state message } } }";
        let statuses = user.execute_ok(query, json!({ "number": expected.number })).await["provisioning"].clone();
        let status = statuses.as_array().unwrap().iter().find(|status| status["consumer"] == consumer).unwrap();
        assert_eq!(status["state"], expected.state, "{statuses}");
        match expected.message {
            Some(message) => assert!(status["message"].as_str().unwrap().contains(message), "{statuses}"),
            None => assert_eq!(status["message"], Value::Null, "{statuses}"),
        }
    }
    let status = rejecting.consumer.status().await;
    assert_eq!((&status["lagRecords"], &status["errors"]), (&json!(0), &json!([{ "number": "2001" }])));
}

pub async fn secrets_are_not_copied(app: TestApp, transport: Transport) {
    let fixture = Fixture::new(app, transport).await;
    let (app, user) = (&fixture.app, &fixture.user);
    let all_scopes = "READ_CONFIG, READ_SECRETS, READ_DIGESTS";
    let mut reader = fixture.reader_with(all_scopes, "demo", "sip").await;
    let mut late = reader.fork().await;
    let id = registered(user, "sip", "2001").await;
    registered(user, "dect", "2002").await;
    reader.expect_changes("a registration").await;
    let first = reader.row("2001")["secrets"]["password"].as_str().unwrap().to_owned();
    let first_digests = reader.row("2001")["digests"]["password"].clone();
    mutate(user, "rotateSecret", &id, ", parameter: \"password\"").await;
    reader.expect_changes("a rotation").await;
    let second = reader.row("2001")["secrets"]["password"].as_str().unwrap().to_owned();
    assert_ne!(first, second);

    // The older entry references the same row, so it has the current secret.
    let late_changes = late.expect_changes("a registration and a rotation").await;
    assert_eq!(late_changes[0]["extension"]["secrets"], json!({ "password": second }), "{late_changes:?}");
    assert!(!json!(late_changes).to_string().contains(&first));
    let without_scope = fixture.reader("sip").await.row("2001");
    assert_eq!((&without_scope["secrets"], &without_scope["digests"]), (&json!({}), &json!({})));

    let dect = fixture.reader_with(all_scopes, "demo", "dect").await;
    let code = dect.row("2002")["secrets"]["activation_code"].as_str().unwrap().to_owned();
    let digests = reader.row("2001")["digests"]["password"].clone();
    let derived = [&digests, &first_digests].into_iter().flat_map(|digests| digests.as_object().unwrap().values());
    let derived = derived.filter_map(Value::as_str).map(str::to_owned);
    let secrets: Vec<String> = [first, second, code].into_iter().chain(derived).collect();
    assert!(secrets.len() >= 9, "three secrets and the digests: {digests}");
    let mut stored = vec![
        ("the state of the SIP agent", reader.stored_state()),
        ("the state of the DECT agent", dect.stored_state()),
    ];
    for table in TABLES {
        stored.push((table, app.dump_table(table).await));
    }
    let has_number = stored.iter().any(|(location, text)| *location == "feed_keys" && text.contains("2001"));
    assert!(has_number, "the scan finds no rows");
    for (location, text) in stored {
        let text = text.to_lowercase();
        for secret in &secrets {
            let is_found = text.contains(&secret.to_lowercase()) || text.contains(&hex::encode(secret));
            assert!(!is_found, "a secret is in {location}");
        }
    }
}

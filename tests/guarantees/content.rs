//! An entry names its extension; what it shows is read when it is read.

use serde_json::{Value, json};

use super::system::System;
use super::{PASSWORD, consumer, key, key_and_id, mutate, registered, relabel};
use crate::support::TestApp;

pub async fn one_poisoned_record_blocks_nobody(app: TestApp) {
    let (user, operator) = (app.sign_in("user", PASSWORD).await, app.sign_in("operator", PASSWORD).await);
    let (reader, id) = key_and_id(&app, "READ_CONFIG, READ_SECRETS", "\"sip\"").await;
    consumer(&app, "sip-1", "sip", &id).await;
    let mut system = System::new(&reader, "demo", "sip").await;
    let poisoned = registered(&user, "sip", "2001").await;
    let sound = registered(&user, "sip", "2002").await;
    let row = poisoned.strip_prefix("Extension:").unwrap();
    app.tamper(
        &format!("UPDATE extensions SET secrets = CAST(substr(secrets, 1, length(secrets) - 2) || x'0101' AS BLOB) WHERE id = x'{row}'"),
        &format!("UPDATE extensions SET secrets = substring(secrets FOR length(secrets) - 2) || '\\x0101'::bytea WHERE id = '{row}'"),
    )
    .await;
    system.is_told("both").await;
    assert_eq!(system.rows["2001"]["secrets"], json!({}), "what cannot be opened is left out");
    assert_eq!(system.rows["2002"]["secrets"]["password"].as_str().unwrap().len(), 20);

    // The system could not apply it, says so, and goes on.
    let say = "mutation($c: FeedCursor!, $e: [FeedErrorInput!]!) { acknowledgeProvisioning(input: {event: \"demo\", serviceType: \"sip\", consumer: \"sip-1\", cursor: $c, errors: $e}) { errors { code message } } }";
    let errors = json!([{ "extensionId": poisoned, "code": "NO_PASSWORD", "message": "a line without a password" }]);
    reader.does(say, json!({ "c": system.cursor, "e": errors })).await;
    relabel(&user, &sound, "Goes on").await;
    system.is_told("what came after the poison").await;
    reader.does(say, json!({ "c": system.cursor, "e": [] })).await;
    let ask = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { provisioning { state message } } }";
    for (number, status) in [
        ("2001", json!([{ "state": "FAILED", "message": "a line without a password" }])),
        ("2002", json!([{ "state": "APPLIED", "message": null }])),
    ] {
        assert_eq!(user.does(ask, json!({ "n": number })).await["provisioning"], status);
    }
    let lag =
        "{ provisioning(event: \"demo\", serviceType: \"sip\") { consumers { lagRecords errors { number code } } } }";
    let seen = operator.does(lag, json!({})).await;
    assert_eq!(
        seen["consumers"],
        json!([{ "lagRecords": 0, "errors": [{ "number": "2001", "code": "NO_PASSWORD" }] }])
    );
}

pub async fn secrets_are_not_copied_into_entries(app: TestApp) {
    let user = app.sign_in("user", PASSWORD).await;
    let all = key(&app, "READ_CONFIG, READ_SECRETS, READ_DIGESTS", "\"sip\", \"dect\"").await;
    let few = key(&app, "READ_CONFIG", "\"sip\"").await;
    let mut system = System::new(&all, "demo", "sip").await;
    let old_cursor = system.cursor.clone();
    let id = registered(&user, "sip", "2001").await;
    registered(&user, "dect", "2002").await;
    system.is_told("a registration").await;
    let first = system.rows["2001"]["secrets"]["password"].as_str().unwrap().to_owned();
    mutate(&user, "rotateSecret", &id, ", parameter: \"password\"").await;
    system.is_told("a rotation").await;
    let second = system.rows["2001"]["secrets"]["password"].as_str().unwrap().to_owned();
    assert_ne!(first, second);

    // The older entry is the same row: it shows what holds when it is read.
    let read_late = system.answer(&old_cursor, 50).await;
    assert_eq!(read_late["changes"][0]["extension"]["secrets"], json!({ "password": second }));
    assert!(!read_late.to_string().contains(&first));
    let out_of_scope = System::new(&few, "demo", "sip").await;
    assert_eq!(
        (&out_of_scope.rows["2001"]["secrets"], &out_of_scope.rows["2001"]["digests"]),
        (&json!({}), &json!({}))
    );

    let dect = System::new(&all, "demo", "dect").await;
    let code = dect.rows["2002"]["secrets"]["activation_code"].as_str().unwrap();
    let digests = &system.rows["2001"]["digests"]["password"];
    let derived = digests.as_object().unwrap().values().filter_map(Value::as_str);
    let secrets: Vec<&str> = [first.as_str(), second.as_str(), code].into_iter().chain(derived).collect();
    assert!(secrets.len() >= 6, "three secrets and the digests: {digests}");
    for table in ["feeds", "feed_revisions", "feed_entries", "feed_keys", "feed_consumers", "feed_errors"] {
        let rows = app.rows_of(table).await.to_lowercase();
        for secret in &secrets {
            let found = rows.contains(&secret.to_lowercase()) || rows.contains(&hex::encode(secret));
            assert!(!found, "a secret is in {table}");
        }
    }
}

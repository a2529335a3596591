//! `barNumber` and `unbarNumber`.

use serde_json::{Value, json};

use crate::support::{Actor, Scope, TestApp, string};

const INTERNATIONAL: &str = "+441144960123";

pub async fn a_barred_number_is_refused_and_unlisted(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    operator.bars("2342").await.ok();
    let refused = user.registers("sip", "2342").await;
    assert_eq!(refused.code(), "RESTRICTED");
    assert_eq!(refused.message(), "This number is barred.", "the reason is for operators: {refused}");
    let of_operator = operator.registers("sip", "2342").await;
    assert!(of_operator.message().starts_with("This number is barred: "), "{of_operator}");
    user.registers("sip", "2343").await.ok();
    let directory = "{ directory(event: \"demo\", search: \"2343\") { nodes { number } } }";
    assert_eq!(app.guest().query(directory).await.ok()["nodes"], json!([{ "number": "2343" }]));
    operator.bars("2343").await.ok();
    assert_eq!(app.guest().query(directory).await.ok()["nodes"], json!([]));
}

/// Replaces the number 2342 of the event, with its extension, by an international number, as a carrier will provide it.
async fn makes_2342_international(app: &TestApp) {
    let numbers = format!("UPDATE numbers SET event_id = NULL, number = '{INTERNATIONAL}' WHERE number = '2342'");
    assert_eq!(app.update_sql(&numbers).await, 1);
    let extensions = format!("UPDATE extensions SET number = '{INTERNATIONAL}' WHERE number = '2342'");
    assert_eq!(app.update_sql(&extensions).await, 1);
}

pub async fn a_bar_of_an_international_number_applies_everywhere(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let id = operator.registers("sip", "2342").await.id();
    operator.registers("group", "2400").await.ok();
    let key = admin.creates_key(&[Scope::ManageGroups], &["group"]).await;
    makes_2342_international(&app).await;
    let directory = format!("{{ directory(event: \"demo\", search: \"{INTERNATIONAL}\") {{ totalCount }} }}");
    let listed = async || app.guest().query(&directory).await.ok()["totalCount"].clone();
    let query = format!(
        "{{ extension(event: \"demo\", number: \"{INTERNATIONAL}\") {{ id active restrictions {{ source }} }} }}"
    );
    let extension = async || operator.query(&query).await.ok();
    assert_eq!(listed().await, 1);
    assert_eq!(extension().await, json!({ "id": id, "active": true, "restrictions": [] }));
    let bar = format!(
        "INSERT INTO restrictions SELECT id, 'NUMBER', id, 'BAR', 'NO_CALLS', 'noise', 0, NULL \
         FROM numbers WHERE number = '{INTERNATIONAL}'"
    );
    assert_eq!(app.update_sql(&bar).await, 1);
    assert_eq!(listed().await, 0);
    assert_eq!(extension().await, json!({ "id": id, "active": false, "restrictions": [{ "source": "BAR" }] }));
    let query = "query($active: Boolean!) { extensions(event: \"demo\", active: $active, search: \"+44\") \
                 { nodes { number } } }";
    let found = async |active: bool| {
        let list = operator.query_with(query, json!({ "active": active })).await.ok();
        list["nodes"].as_array().unwrap().len()
    };
    assert_eq!((found(true).await, found(false).await), (0, 1), "the active filter of the list");
    let join = json!({ "event": "demo", "groupNumber": "2400", "number": INTERNATIONAL });
    assert_eq!(key.mutate("joinGroup", join, "member { id }").await.code(), "RESTRICTED");
}

async fn changes(key: &Actor, query: &str) -> Value {
    key.get(&format!("/feed/demo/sip/changes{query}")).send().await.unwrap().json().await.unwrap()
}

pub async fn a_bar_of_an_international_number_reaches_the_feed(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    operator.registers("sip", "2342").await.ok();
    makes_2342_international(&app).await;
    let key = admin.creates_key(&[Scope::ReadConfig], &["sip"]).await;
    let mut cursor = string(&changes(&key, "").await["cursor"]).to_owned();
    for (mutation, input, active) in [
        ("barNumber", json!({ "number": INTERNATIONAL, "reason": "noise" }), false),
        ("unbarNumber", json!({ "number": INTERNATIONAL }), true),
    ] {
        operator.mutate(mutation, input, "number { id }").await.ok();
        let page = changes(&key, &format!("?since={cursor}")).await;
        let upsert = &page["changes"][0]["upsert"];
        assert_eq!(
            (&upsert["number"], &upsert["active"]),
            (&json!(INTERNATIONAL), &json!(active)),
            "{mutation}: {page}"
        );
        cursor = string(&page["cursor"]).to_owned();
    }
}

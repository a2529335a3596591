//! Numbers and extensions.

use std::time::Duration;

use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};
use switchboard::store::Conn;

use crate::support::{Actor, TestApp, error_code};

pub async fn twenty_at_once_and_one_owner(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let user = user.clone();
            tokio::spawn(async move { error_code(&user.registers("sip", "4242").await).to_owned() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for asked in asking {
        outcomes.push(asked.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "none").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "NUMBER_UNAVAILABLE").count(), 19, "{outcomes:?}");
}

pub async fn a_taken_number_comes_with_suggestions(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let refused = user.registers("sip", "50 0-1").await;
    assert_eq!(error_code(&refused), "NUMBER_UNAVAILABLE");
    assert_eq!(refused["errors"][0]["suggestions"].as_array().unwrap().len(), 5);
    assert_eq!(error_code(&user.registers("sip", "1234").await), "NUMBER_OUT_OF_RANGE");
    assert_eq!(error_code(&user.registers("sip", "23a").await), "NUMBER_OUT_OF_RANGE");
    assert_eq!(error_code(&user.registers("sip", "٢٣٤٢").await), "INVALID");
}

pub async fn a_deleted_number_is_held_for_its_owner(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    let delete = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { deletedId heldUntil errors { code } } }";
    let gone = user.execute(delete, json!({ "i": id })).await;
    assert_eq!(gone["data"]["deleteExtension"]["heldUntil"], "2026-08-20T10:00:00Z", "{gone}");
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    app.clock.advance(Duration::from_secs(1801));
    let user = app.sign_in("operator", "numberwang").await;
    assert_eq!(error_code(&user.registers("sip", "2342").await), "none");
}

pub async fn people_see_what_is_held_for_them(app: TestApp) {
    const HELD: &str = "{ viewer { heldNumbers { nodes { number state until event { slug } } totalCount pageInfo { hasNextPage } } } }";
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let delete = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }";
    for number in ["2342", "2343", "2344"] {
        let id = user.registers("sip", number).await["extension"]["id"].clone();
        user.execute_ok(delete, json!({ "i": id })).await;
    }
    let renumbered = user.registers("sip", "2350").await["extension"]["id"].clone();
    let renumber = "mutation($i: ID!) { renumberExtension(input: {id: $i, number: \"2351\"}) { errors { code } } }";
    user.execute_ok(renumber, json!({ "i": renumbered })).await;
    let numbers = |held: &serde_json::Value| -> Vec<String> {
        let nodes = held["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["number"].as_str().unwrap().to_owned()).collect()
    };
    let held = user.execute_ok(HELD, json!({})).await["heldNumbers"].clone();
    assert_eq!(numbers(&held), ["2342", "2343", "2344", "2350"], "{held}");
    assert_eq!(held["totalCount"], 4);
    let first =
        json!({ "number": "2342", "state": "HELD", "until": "2026-08-20T10:00:00Z", "event": { "slug": "demo" } });
    assert_eq!(held["nodes"][0], first);
    let page = "query($a: String) { viewer { heldNumbers(first: 3, after: $a) { nodes { number } pageInfo { endCursor hasNextPage } } } }";
    let shown = user.execute_ok(page, json!({})).await["heldNumbers"].clone();
    assert_eq!((numbers(&shown).len(), &shown["pageInfo"]["hasNextPage"]), (3, &json!(true)));
    let rest = user.execute_ok(page, json!({ "a": shown["pageInfo"]["endCursor"] })).await["heldNumbers"].clone();
    assert_eq!((numbers(&rest), &rest["pageInfo"]["hasNextPage"]), (vec!["2350".to_owned()], &json!(false)));
    let foreign =
        user.execute("{ viewer { heldNumbers(after: \"bnVtYmVyczoyMzQy\") { totalCount } } }", json!({})).await;
    assert_eq!(foreign["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let theirs = "{ account(username: \"user\") { heldNumbers { totalCount } } }";
    assert_eq!(operator.execute_ok(theirs, json!({})).await["heldNumbers"]["totalCount"], 4);
    assert_eq!(operator.execute_ok(HELD, json!({})).await["heldNumbers"]["totalCount"], 0);
    // One is taken again, one is given up; the rest ends with the hold.
    assert_eq!(error_code(&user.registers("sip", "2342").await), "none");
    let release = "mutation { releaseHold(input: {event: \"demo\", number: \"2343\"}) { errors { code } } }";
    user.execute_ok(release, json!({})).await;
    assert_eq!(numbers(&user.execute_ok(HELD, json!({})).await["heldNumbers"]), ["2344", "2350"]);
    app.clock.advance(Duration::from_secs(1801));
    let user = app.sign_in("user", "numberwang").await;
    assert_eq!(
        user.execute_ok(HELD, json!({})).await["heldNumbers"]["totalCount"],
        0,
        "before anybody has settled them"
    );
}

pub async fn what_is_refused_names_its_rule(app: TestApp) {
    let (user, guest) = (app.sign_in("user", "numberwang").await, app.guest());
    let register = "mutation($n: PhoneNumber!, $l: String!, $p: JSON) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: $l, \
                    parameters: $p}) { errors { code path rule values message } } }";
    let long = "x".repeat(65);
    for (number, label, parameters, path, rule, values) in [
        ("1234567890123456", "x", json!(null), json!(["number"]), json!("number.long"), json!(["15"])),
        ("٢٣٤٢", "x", json!(null), json!(["number"]), json!("number.digits"), json!([])),
        ("23+42", "x", json!(null), json!(["number"]), json!("number.plus"), json!([])),
        ("1234", "x", json!(null), json!(["number"]), json!("number.outside"), json!([])),
        ("1121", "x", json!(null), json!(["number"]), json!("number.reserved"), json!([])),
        ("2342", "", json!(null), json!(["label"]), json!("name.empty"), json!([])),
        ("2342", &long, json!(null), json!(["label"]), json!("name.long"), json!(["64"])),
        ("2342", "x", json!({ "max_contacts": 99 }), json!(["parameters", "max_contacts"]), json!(null), json!(["5"])),
        (
            "2342",
            "x",
            json!({ "max_contacts": "a" }),
            json!(["parameters", "max_contacts"]),
            json!(null),
            json!(["integer"]),
        ),
    ] {
        let answer = user.execute(register, json!({ "n": number, "l": label, "p": parameters })).await;
        let error = &answer["data"]["registerExtension"]["errors"][0];
        assert_eq!(
            (&error["path"], &error["rule"], &error["values"]),
            (&path, &rule, &values),
            "{number} {label}: {answer}"
        );
    }
    let sign_up = "mutation($p: String!) { registerAccount(input: {username: \"zaphod\", displayName: \"Z\", email: \"z@example.org\", password: $p}) \
                   { errors { code path rule values } } }";
    for (password, rule, values) in [
        ("short", "password.short", json!(["8"])),
        ("password1", "password.common", json!([])),
        ("zaphod2026", "password.guessable", json!([])),
    ] {
        let answer = guest.execute(sign_up, json!({ "p": password })).await;
        let expected = json!({ "code": "WEAK_PASSWORD", "path": ["password"], "rule": rule, "values": values });
        assert_eq!(answer["data"]["registerAccount"]["errors"][0], expected, "{password}");
    }
}

pub async fn a_barred_number_is_refused_and_silent(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let bar = "mutation($n: PhoneNumber!) { barNumber(input: {event: \"demo\", number: $n, reason: \"noise\"}) { errors { code } } }";
    operator.execute(bar, json!({ "n": "2342" })).await;
    assert_eq!(error_code(&user.registers("sip", "2342").await), "RESTRICTED");
    user.registers("sip", "2343").await;
    operator.execute(bar, json!({ "n": "2343" })).await;
    let listed =
        app.guest().execute("{ directory(event: \"demo\", search: \"2343\") { nodes { number } } }", json!({})).await;
    assert_eq!(listed["data"]["directory"]["nodes"], json!([]));
}

pub async fn a_new_service_type_is_typed_at_once(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
    let create = "mutation($s: JSON!) { createServiceType(input: {slug: \"telex\", name: \"Telex\", parameterSchema: $s}) { serviceType { slug } errors { code message } } }";
    let schema = json!({ "type": "object", "properties": { "speed": { "type": "integer", "minimum": 50 } } });
    let made = admin.execute(create, json!({ "s": schema })).await;
    assert_eq!(made["data"]["createServiceType"]["errors"], json!([]), "{made}");
    let assign = "mutation { assignExtension(input: {event: \"demo\", serviceType: \"telex\", number: \"7777\", owner: \"user\", label: \"T\", typed: {telex: {speed: 75}}}) \
                  { extension { typedParameters { __typename ... on TelexParameters { speed } } } errors { code message } } }";
    let assigned = admin.execute(assign, json!({})).await;
    let typed = &assigned["data"]["assignExtension"]["extension"]["typedParameters"];
    assert_eq!(typed, &json!({ "__typename": "TelexParameters", "speed": 75 }), "{assigned}");
    let remote = json!({ "$ref": "https://example.org/schema.json" });
    let refused = admin.execute(&create.replace("telex", "telex2"), json!({ "s": remote })).await;
    assert_eq!(error_code(&refused["data"]["createServiceType"]), "INVALID");
}

pub async fn a_dry_run_that_fails_harms_nobody(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let dry = "mutation($n: PhoneNumber!) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: \"x\", dryRun: true}) \
               { extension { id } generated preview { number } errors { code } } }";
    let refused = user.execute(dry, json!({ "n": "5000" })).await;
    assert_eq!(error_code(&refused["data"]["registerExtension"]), "NUMBER_UNAVAILABLE");
    let told = user.execute(dry, json!({ "n": "2342" })).await;
    let told = &told["data"]["registerExtension"];
    assert_eq!(told["preview"]["number"], "2342", "{told}");
    assert!(told["extension"].is_null() && told["generated"].is_null());
    assert_eq!(error_code(&user.registers("sip", "2342").await), "none");
}

/// Makes a number of the event one of the world, as a carrier's will be: its row, with what restricts it, and its extension.
async fn becomes_international(app: &TestApp, number: &'static str, international: &'static str) {
    let statements = [
        format!("UPDATE numbers SET event_id = NULL, number = '{international}' WHERE number = '{number}'"),
        format!("UPDATE extensions SET number = '{international}' WHERE number = '{number}'"),
    ];
    let written = app.app.services.store.write(move |conn| {
        Box::pin(async move {
            for statement in statements {
                let rows = match conn {
                    Conn::Sqlite(conn) => diesel::sql_query(statement).execute(conn).await?,
                    Conn::Postgres(conn) => diesel::sql_query(statement).execute(conn).await?,
                };
                assert_eq!(rows, 1);
            }
            Ok(())
        })
    });
    written.await.unwrap();
}

pub async fn a_bar_of_an_international_number_bites_everywhere(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = operator.registers("sip", "2342").await["extension"]["id"].clone();
    let group = operator.registers("group", "2400").await;
    assert_eq!(error_code(&group), "none");
    let key = "mutation { createApiKey(input: {label: \"ivr\", scopes: [MANAGE_GROUPS], serviceTypes: [\"group\"], events: [\"demo\"]}) { secret errors { code } } }";
    let key = admin.execute(key, json!({})).await["data"]["createApiKey"]["secret"].as_str().unwrap().to_owned();
    becomes_international(&app, "2342", "+441144960123").await;
    let directory = "{ directory(event: \"demo\", search: \"+441144960123\") { nodes { number } totalCount } }";
    let listed = async || app.guest().execute(directory, json!({})).await["data"]["directory"]["totalCount"].clone();
    let seen = "{ extension(event: \"demo\", number: \"+441144960123\") { id active restrictions { source } } }";
    let seen = async || operator.execute(seen, json!({})).await["data"]["extension"].clone();
    assert_eq!((listed().await, seen().await), (json!(1), json!({ "id": id, "active": true, "restrictions": [] })));
    let bar = "INSERT INTO restrictions SELECT id, 'NUMBER', id, 'BAR', 'NO_CALLS', 'noise', 0, NULL FROM numbers WHERE number = '+441144960123'";
    let barred = app.app.services.store.write(move |conn| {
        Box::pin(async move {
            Ok(match conn {
                Conn::Sqlite(conn) => diesel::sql_query(bar).execute(conn).await?,
                Conn::Postgres(conn) => diesel::sql_query(bar).execute(conn).await?,
            })
        })
    });
    assert_eq!(barred.await.unwrap(), 1);
    let expected = json!({ "id": id, "active": false, "restrictions": [{ "source": "BAR" }] });
    assert_eq!((listed().await, seen().await), (json!(0), expected));
    let filtered =
        "query($a: Boolean!) { extensions(event: \"demo\", active: $a, search: \"+44\") { nodes { number } } }";
    let filtered = async |active: bool| {
        let found = operator.execute(filtered, json!({ "a": active })).await;
        found["data"]["extensions"]["nodes"].as_array().unwrap().len()
    };
    assert_eq!((filtered(true).await, filtered(false).await), (0, 1), "the list knows the world's plan too");
    let join = "mutation { joinGroup(input: {event: \"demo\", groupNumber: \"2400\", number: \"+441144960123\"}) { member { id } errors { code path } } }";
    let refused = app.with_token(&key).execute(join, json!({})).await;
    assert_eq!(error_code(&refused["data"]["joinGroup"]), "RESTRICTED", "{refused}");
}

async fn changes(key: &Actor, query: &str) -> Value {
    key.get(&format!("/feed/demo/sip/changes{query}")).send().await.unwrap().json().await.unwrap()
}

/// Whose feed shows the bearer of a number of the world is told that it is barred, and that it is no longer.
pub async fn a_bar_of_an_international_number_is_told(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    operator.registers("sip", "2342").await;
    becomes_international(&app, "2342", "+441144960123").await;
    let key = super::feed::key(&admin, "READ_CONFIG").await;
    let mut cursor = changes(&key, "").await["cursor"].as_str().unwrap().to_owned();
    for (mutation, reason, active) in [("barNumber", ", reason: \"noise\"", false), ("unbarNumber", "", true)] {
        let query = format!(
            "mutation {{ {mutation}(input: {{number: \"+441144960123\"{reason}}}) {{ errors {{ code message }} }} }}"
        );
        operator.execute_ok(&query, json!({})).await;
        let told = changes(&key, &format!("?since={cursor}")).await;
        let upsert = &told["changes"][0]["upsert"];
        assert_eq!(
            (&upsert["number"], &upsert["active"]),
            (&json!("+441144960123"), &json!(active)),
            "{mutation}: {told}"
        );
        cursor = told["cursor"].as_str().unwrap().to_owned();
    }
}

/// On PostgreSQL the clock's job may wait for the event's lock while somebody registers the number that it has read as free.
pub async fn a_number_taken_back_while_its_hold_ends_stays_in_service(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let delete = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { errors { code } } }";
    for round in 0..8 {
        let number = format!("24{round:02}");
        let id = user.registers("sip", &number).await["extension"]["id"].clone();
        user.execute(delete, json!({ "i": id })).await;
    }
    app.clock.advance(Duration::from_secs(1801));
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let registers: Vec<_> = (0..8)
        .map(|round| {
            let user = user.clone();
            tokio::spawn(async move { error_code(&user.registers("sip", &format!("24{round:02}")).await).to_owned() })
        })
        .collect();
    let settles: Vec<_> = (0..8)
        .map(|_| {
            let services = app.app.services.clone();
            tokio::spawn(async move { switchboard::numbers::rules::settle_due(&services).await })
        })
        .collect();
    for registers in registers {
        assert_eq!(registers.await.unwrap(), "none");
    }
    for settles in settles {
        assert!(settles.await.unwrap().is_ok());
    }
    for round in 0..8 {
        let number = format!("24{round:02}");
        let seen = operator
            .execute(
                "query($n: PhoneNumber!) { number(event: \"demo\", number: $n) { state } }",
                json!({ "n": number }),
            )
            .await;
        assert_eq!(seen["data"]["number"]["state"], "IN_SERVICE", "{number}");
    }
}

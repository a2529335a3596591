//! Numbers before and after their service: reserved, held, ageing.

use std::time::Duration;

use serde_json::{Value, json};

use super::actors::{newcomer, system};
use crate::support::{Actor, TestApp, error_code};

const RESERVE: &str = "mutation($n: PhoneNumber!, $o: String!, $u: DateTime, $v: Int) { reserveNumber(input: {event: \"demo\", number: $n, owner: $o, until: $u, expectedVersion: $v}) \
                       { number { state until version account { username } } errors { code path ... on StaleVersion { currentVersion } ... on InvalidTransition { from to } } } }";
const RELEASE: &str = "mutation($n: PhoneNumber!) { releaseReservation(input: {event: \"demo\", number: $n}) { number { state } errors { code ... on InvalidTransition { from to } } } }";
const RELEASE_HOLD: &str = "mutation($n: PhoneNumber!) { releaseHold(input: {event: \"demo\", number: $n}) { number { state } errors { code path } } }";
const NUMBER: &str = "query($n: PhoneNumber!) { number(event: \"demo\", number: $n) { state until version account { username } extension { number } \
                      history { nodes { from to actor account { username } } } } }";
const DELETE: &str = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { heldUntil errors { code } } }";

async fn reserve(operator: &Actor, number: &str, owner: &str) -> Value {
    operator.execute(RESERVE, json!({ "n": number, "o": owner })).await["data"]["reserveNumber"].clone()
}

async fn number(person: &Actor, number: &str) -> Value {
    person.execute(NUMBER, json!({ "n": number })).await["data"]["number"].clone()
}

/// The steps of a number's life, as far as the person sees them.
async fn steps(person: &Actor, text: &str) -> Vec<String> {
    let seen = number(person, text).await;
    let steps = seen["history"]["nodes"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}", step["to"].as_str().unwrap(), step["actor"].as_str().unwrap_or("?"))).collect()
}

async fn settle(app: &TestApp) {
    switchboard::numbers::rules::settle_due(&app.app.services).await.unwrap();
}

/// Registers 2342 for `user`, and deletes it again.
async fn leaves_2342(user: &Actor) {
    let id = user.registers("sip", "2342").await["extension"]["id"].clone();
    assert_eq!(error_code(&user.execute(DELETE, json!({ "i": id })).await["data"]["deleteExtension"]), "none");
}

pub async fn a_reserved_number_is_its_owners_alone(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let reserved = reserve(&operator, "2342", "USER").await;
    assert_eq!(
        reserved["number"],
        json!({ "state": "RESERVED", "until": null, "version": 1, "account": { "username": "user" } }),
        "{reserved}"
    );
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    assert_eq!(number(&app.guest(), "2342").await["account"], Value::Null);
    assert_eq!(error_code(&user.registers("sip", "2342").await), "none");
    let seen = number(&operator, "2342").await;
    assert_eq!((&seen["state"], &seen["version"]), (&json!("IN_SERVICE"), &json!(2)), "{seen}");
    assert_eq!(steps(&operator, "2342").await, ["RESERVED operator", "IN_SERVICE user"]);
    assert_eq!(steps(&user, "2342").await, ["RESERVED ?", "IN_SERVICE ?"]);
    assert_eq!(steps(&app.guest(), "2342").await, Vec::<String>::new());
}

pub async fn a_reservation_lapses_moves_or_is_released(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let until = json!({ "n": "2342", "o": "user", "u": "2026-08-20T10:30:00Z" });
    let reserved = operator.execute(RESERVE, until).await;
    assert_eq!(reserved["data"]["reserveNumber"]["number"]["until"], "2026-08-20T10:30:00Z", "{reserved}");
    assert_eq!(reserve(&operator, "2342", "operator").await["number"]["account"]["username"], "operator");
    assert_eq!(error_code(&user.registers("sip", "2342").await), "NUMBER_UNAVAILABLE");
    let released = operator.execute(RELEASE, json!({ "n": "2342" })).await;
    assert_eq!(released["data"]["releaseReservation"], json!({ "number": { "state": "AVAILABLE" }, "errors": [] }));
    let again = operator.execute(RELEASE, json!({ "n": "2342" })).await;
    let expected = json!([{ "code": "INVALID_TRANSITION", "from": "AVAILABLE", "to": "AVAILABLE" }]);
    assert_eq!(again["data"]["releaseReservation"]["errors"], expected);
    operator.execute(RESERVE, json!({ "n": "2343", "o": "operator", "u": "2026-08-20T10:30:00Z" })).await;
    assert_eq!(error_code(&user.registers("sip", "2343").await), "NUMBER_UNAVAILABLE");
    app.clock.advance(Duration::from_secs(3600));
    settle(&app).await;
    assert_eq!(steps(&operator, "2343").await, ["RESERVED operator", "AVAILABLE system"]);
    assert_eq!(error_code(&user.registers("sip", "2343").await), "none");
}

pub async fn what_cannot_be_reserved_says_why(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    leaves_2342(&user).await;
    user.registers("sip", "2343").await;
    let bar =
        "mutation { barNumber(input: {event: \"demo\", number: \"2344\", reason: \"noise\"}) { errors { code } } }";
    operator.execute(bar, json!({})).await;
    for (number, owner, expected, path) in [
        ("2342", "user", "INVALID_TRANSITION", "number"),
        ("2343", "user", "INVALID_TRANSITION", "number"),
        ("2344", "user", "RESTRICTED", "number"),
        ("1121", "user", "NUMBER_OUT_OF_RANGE", "number"),
        ("23", "user", "CONFLICT", "number"),
        ("+441144960123", "user", "INVALID", "number"),
        ("2345", "nobody", "NOT_FOUND", "owner"),
    ] {
        let refused = reserve(&operator, number, owner).await;
        assert_eq!(error_code(&refused), expected, "{number}: {refused}");
        assert_eq!(refused["errors"][0]["path"], json!([path]), "{number}");
    }
    let past = operator.execute(RESERVE, json!({ "n": "2345", "o": "user", "u": "2026-08-20T09:30:00Z" })).await;
    assert_eq!(past["data"]["reserveNumber"]["errors"], json!([{ "code": "INVALID", "path": ["until"] }]));
    let stale = operator.execute(RESERVE, json!({ "n": "2345", "o": "user", "v": 7 })).await;
    assert_eq!(stale["data"]["reserveNumber"]["errors"][0]["currentVersion"], 0, "{stale}");
    assert_eq!(
        error_code(
            &operator.execute(RESERVE, json!({ "n": "2345", "o": "user", "v": 0 })).await["data"]["reserveNumber"]
        ),
        "none"
    );
    for (person, expected) in [(user, "FORBIDDEN"), (app.guest(), "UNAUTHENTICATED")] {
        for (mutation, input) in [(RESERVE, json!({ "n": "2346", "o": "user" })), (RELEASE, json!({ "n": "2345" }))] {
            let refused = person.execute(mutation, input).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], expected, "{refused}");
        }
    }
}

pub async fn a_number_of_the_world_is_reserved_without_an_event(app: TestApp) {
    let operator = app.sign_in("operator", "numberwang").await;
    let reserve = "mutation($n: PhoneNumber!) { reserveNumber(input: {number: $n, owner: \"user\"}) { number { id number state event { slug } } errors { code path } } }";
    let reserved = operator.execute(reserve, json!({ "n": "+44 1144 960123" })).await;
    let expected =
        json!({ "id": "Number:+441144960123", "number": "+441144960123", "state": "RESERVED", "event": null });
    assert_eq!(reserved["data"]["reserveNumber"]["number"], expected, "{reserved}");
    let own = operator.execute(reserve, json!({ "n": "2342" })).await;
    assert_eq!(own["data"]["reserveNumber"]["errors"], json!([{ "code": "INVALID", "path": ["number"] }]));
    let listed = operator.execute("{ numbers(state: RESERVED) { totalCount nodes { number } } }", json!({})).await;
    let expected = json!({ "totalCount": 1, "nodes": [{ "number": "+441144960123" }] });
    assert_eq!(listed["data"]["numbers"], expected, "{listed}");
}

pub async fn a_hold_is_its_owners_to_give_up(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    leaves_2342(&user).await;
    let mallory = newcomer(&app, "mallory").await;
    let refused = mallory.execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(refused["data"]["releaseHold"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["number"] }]));
    let guest = app.guest().execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(guest["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(number(&user, "2342").await["state"], "HELD");
    let released = user.execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(released["data"]["releaseHold"]["number"]["state"], "AVAILABLE", "{released}");
    let again = user.execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(error_code(&again["data"]["releaseHold"]), "NOT_FOUND");
    let operators = operator.execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(error_code(&operators["data"]["releaseHold"]), "INVALID_TRANSITION");
    assert_eq!(error_code(&operator.registers("sip", "2342").await), "none");
}

pub async fn a_freed_number_ages_until_the_telephone_systems_know(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let operator = app.sign_in("operator", "numberwang").await;
    let pbx = system(&admin, "READ_CONFIG", "sip").await;
    pbx.named(&admin, "pbx").await;
    leaves_2342(&user).await;
    let released = user.execute(RELEASE_HOLD, json!({ "n": "2342" })).await;
    assert_eq!(released["data"]["releaseHold"]["number"]["state"], "AGING", "{released}");
    assert_eq!(
        error_code(&user.registers("sip", "2342").await),
        "NUMBER_UNAVAILABLE",
        "ageing keeps a number from its last owner too"
    );
    let refused = reserve(&operator, "2342", "user").await;
    assert_eq!((&refused["errors"][0]["from"], &refused["errors"][0]["to"]), (&json!("AGING"), &json!("RESERVED")));
    pbx.acknowledges("pbx").await;
    settle(&app).await;
    assert_eq!(steps(&operator, "2342").await, ["IN_SERVICE user", "HELD user", "AGING user", "AVAILABLE system"]);
    leaves_2342(&user).await;
    app.clock.advance(Duration::from_secs(1801));
    settle(&app).await;
    let ageing = number(&operator, "2342").await;
    assert_eq!((&ageing["state"], &ageing["until"]), (&json!("AGING"), &json!("2026-08-21T10:00:00Z")), "{ageing}");
    app.clock.advance(Duration::from_secs(24 * 3600));
    settle(&app).await;
    assert_eq!(number(&operator, "2342").await["state"], "AVAILABLE", "a day is the longest");
}

pub async fn touched_numbers_are_listed_for_operators(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    for number in ["2344", "2342", "2343"] {
        reserve(&operator, number, "user").await;
    }
    reserve(&operator, "2345", "operator").await;
    user.registers("sip", "2342").await;
    let list = "query($f: PhoneNumber, $t: PhoneNumber, $s: NumberState, $a: String, $n: Int, $c: String) \
                { numbers(event: \"demo\", from: $f, to: $t, state: $s, account: $a, first: $n, after: $c) { totalCount nodes { number } pageInfo { hasNextPage endCursor } } }";
    let listed = |seen: &Value| -> Vec<String> {
        let nodes = seen["data"]["numbers"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}")).iter();
        nodes.map(|node| node["number"].as_str().unwrap().to_owned()).collect()
    };
    let reserved = operator.execute(list, json!({ "s": "RESERVED" })).await;
    assert_eq!(listed(&reserved), ["2343", "2344", "2345"]);
    assert_eq!(listed(&operator.execute(list, json!({ "a": "User" })).await), ["2342", "2343", "2344"]);
    assert_eq!(listed(&operator.execute(list, json!({ "f": "2343", "t": "2344" })).await), ["2343", "2344"]);
    assert_eq!(listed(&operator.execute(list, json!({ "a": "nobody" })).await), Vec::<String>::new());
    let first = operator.execute(list, json!({ "s": "RESERVED", "n": 2 })).await;
    assert_eq!((listed(&first).len(), &first["data"]["numbers"]["totalCount"]), (2, &json!(3)));
    let cursor = &first["data"]["numbers"]["pageInfo"]["endCursor"];
    assert_eq!(listed(&operator.execute(list, json!({ "s": "RESERVED", "n": 2, "c": cursor })).await), ["2345"]);
    for (person, expected) in [(user, "FORBIDDEN"), (app.guest(), "UNAUTHENTICATED")] {
        assert_eq!(person.execute(list, json!({})).await["errors"][0]["extensions"]["code"], expected);
    }
}

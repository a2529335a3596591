//! Another owner for an extension.

use serde_json::{Value, json};

use super::follower::{Follower, key};
use super::{
    BAN, FALL_BACK, INVITE, TRANSFER, assigned, denied, done, extension, make_type, number, payload, refused,
    registered,
};
use crate::support::{Actor, TestApp, error_code};

async fn password(person: &Actor, text: &str) -> Value {
    let query = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) { credentials } }";
    person.execute(query, json!({ "n": text })).await["data"]["extension"]["credentials"]["password"].clone()
}

pub async fn the_new_owner_has_it_with_new_secrets(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    let old = password(&user, "2342").await;
    done(&user, FALL_BACK, json!({ "i": id, "n": "+441144960123" })).await;
    let key = key(&admin, &["sip"]).await;
    let mut copy = Follower::start(&key, "sip").await;
    let given = done(&operator, TRANSFER, json!({ "i": id, "o": "Admin", "v": 2 })).await;
    let now = &given["extension"];
    assert_eq!((&now["id"], &now["number"], &now["label"]), (&json!(id), &json!("2342"), &json!("Test")));
    assert_eq!((&now["owner"]["username"], &now["version"]), (&json!("admin"), &json!(3)));
    assert!(now["fallbackNumber"].is_null(), "the old owner's number outside rang on");
    let new = password(&admin, "2342").await;
    assert!(old.is_string() && new.is_string() && new != old);
    assert_eq!(given["generated"], json!({ "password": new }));
    assert!(extension(&user, "2342").await.is_null(), "the old owner still sees it");
    assert_eq!(number(&operator, "2342").await["account"]["username"], "admin");
    copy.demand_state().await;
    assert_eq!(copy.told(), ["2342[]"]);
    assert_eq!(copy.entry("2342")["ownerUsername"], "admin");
    // To whoever owns it already: nothing changes.
    let same = done(&operator, TRANSFER, json!({ "i": id, "o": "admin" })).await;
    assert_eq!((&same["extension"]["version"], &same["generated"]), (&json!(3), &Value::Null));
}

pub async fn who_may_not_have_it_is_refused(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&operator, "sip", "2342").await;
    let own = registered(&user, "sip", "2343").await;
    for (person, expected) in [(&user, "FORBIDDEN"), (&app.guest(), "UNAUTHENTICATED")] {
        assert_eq!(denied(person, TRANSFER, json!({ "i": own, "o": "admin" })).await, expected);
    }
    let register = "mutation { registerAccount(input: {username: \"newcomer\", displayName: \"N\", email: \"n@example.org\", password: \"long enough 42\"}) { errors { code } } }";
    app.guest().execute(register, json!({})).await;
    let limit =
        "mutation { updateServiceType(input: {slug: \"sip\", quota: 1}) { serviceType { slug } errors { code } } }";
    done(&admin, limit, json!({})).await;
    for (i, owner, expected) in [
        (id.as_str(), "nobody", "NOT_FOUND at owner"),
        (id.as_str(), "", "NOT_FOUND at owner"),
        (id.as_str(), "newcomer", "EMAIL_UNVERIFIED at owner"),
        (id.as_str(), "user", "QUOTA_EXCEEDED at owner"),
        ("Extension:01919191919191919191919191919191", "admin", "NOT_FOUND at id"),
        ("Account:01919191919191919191919191919191", "admin", "INVALID at id"),
    ] {
        assert_eq!(refused(&operator, TRANSFER, json!({ "i": i, "o": owner })).await, expected);
    }
    let stale = json!({ "i": id, "o": "admin", "v": 9 });
    assert_eq!(refused(&operator, TRANSFER, stale).await, "STALE_VERSION at expectedVersion");
    done(&operator, BAN, json!({})).await;
    assert_eq!(refused(&operator, TRANSFER, json!({ "i": id, "o": "user" })).await, "RESTRICTED at owner");
    let now = extension(&operator, "2342").await;
    assert_eq!((&now["owner"]["username"], &now["version"]), (&json!("operator"), &json!(1)));
}

pub async fn a_repeated_request_rotates_once(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let id = registered(&user, "sip", "2342").await;
    let wanted = json!({ "i": id, "o": "operator" });
    let first = payload(&operator.execute_with_key(TRANSFER, wanted.clone(), Some("give-1")).await);
    assert!(first["generated"]["password"].is_string(), "{first}");
    let second = payload(&operator.execute_with_key(TRANSFER, wanted, Some("give-1")).await);
    assert_eq!(first["extension"], second["extension"]);
    assert!(second["generated"].is_null(), "a one-time secret was shown twice");
    assert_eq!(password(&operator, "2342").await, first["generated"]["password"]);
}

pub async fn groups_of_others_ask_the_new_owner(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let member = registered(&user, "sip", "2342").await;
    let (theirs, own) = (registered(&user, "group", "2400").await, registered(&operator, "group", "2401").await);
    done(&user, INVITE, json!({ "g": theirs, "n": "2342" })).await;
    let invited = done(&operator, INVITE, json!({ "g": own, "n": "2342" })).await["member"]["id"].clone();
    done(&user, super::ACCEPT, json!({ "i": invited })).await;
    let key = key(&admin, &["group"]).await;
    let mut groups = Follower::start(&key, "group").await;
    assert_eq!(groups.entry("2400")["members"].as_array().map(Vec::len), Some(1));
    done(&operator, TRANSFER, json!({ "i": member, "o": "operator" })).await;
    groups.demand_state().await;
    assert_eq!(groups.entry("2400")["members"], json!([]), "the new owner never agreed");
    assert_eq!(groups.entry("2401")["members"][0]["number"], "2342", "his own group keeps it");
    let memberships = extension(&operator, "2342").await["memberOf"].clone();
    let states: Vec<_> =
        memberships.as_array().unwrap().iter().map(|one| (&one["groupNumber"], &one["membership"])).collect();
    assert_eq!(states, [(&json!("2400"), &json!("PENDING")), (&json!("2401"), &json!("ACTIVE"))]);
    done(&operator, super::ACCEPT, json!({ "i": memberships[0]["id"] })).await;
    groups.demand_state().await;
    assert_eq!(groups.entry("2400")["members"][0]["number"], "2342");
}

pub async fn generated_secrets_are_shown_to_whom_they_are_visible(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let secret = |visible: &str| json!({ "type": "string", "x-secret": true, "x-generate": { "kind": "hex", "bytes": 16 }, "x-visible-to": visible });
    let copied = json!({ "type": "string", "x-generate": { "kind": "username" } });
    let parameters =
        json!({ "pin": secret("OWNER"), "ki": secret("OPERATOR"), "seed": secret("CONSUMER"), "login": copied });
    make_type(&admin, "card", parameters).await;
    let offer = "mutation { updateEvent(input: {slug: \"demo\", serviceTypes: [\"sip\", \"card\"]}) { event { slug } errors { code } } }";
    done(&admin, offer, json!({})).await;
    let names = |payload: &Value| -> Vec<String> {
        payload["generated"].as_object().into_iter().flat_map(|made| made.keys().cloned()).collect()
    };
    let mine = user.registers("card", "2342").await;
    assert_eq!((error_code(&mine), names(&mine)), ("none", vec!["pin".to_owned()]));
    let made = assigned(&operator, "card", "2343", "user", json!({})).await;
    assert_eq!(names(&made), ["ki", "pin"]);
    let given = done(&operator, TRANSFER, json!({ "i": mine["extension"]["id"], "o": "operator" })).await;
    assert_eq!(names(&given), ["ki", "pin"]);
    assert_eq!(given["extension"]["parameters"], json!({ "login": "operator" }), "a copy of the name follows");
    assert_ne!(given["generated"]["pin"], mine["generated"]["pin"]);
}

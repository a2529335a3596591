//! Where calls go when an extension does not answer.

use serde_json::{Value, json};

use super::follower::{Follower, key};
use super::{ACCEPT, BAR, DELETE, FALL_BACK, INVITE, RENUMBER, SWAP, done, extension, payload, refused, registered};
use crate::support::{Actor, TestApp, error_code};

pub async fn a_fallback_follows_its_extension_and_ends_with_it(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let target = registered(&operator, "dect", "2342").await;
    let other = registered(&operator, "dect", "2350").await;
    let register = "mutation { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2400\", label: \"F\", fallbackNumber: \"23 42\"}) { extension { id fallbackNumber version } errors { code path } } }";
    let made = done(&user, register, json!({})).await["extension"].clone();
    assert_eq!((&made["fallbackNumber"], &made["version"]), (&json!("2342"), &json!(1)));
    let key = key(&admin, &["sip"]).await;
    let mut sip = Follower::start(&key, "sip").await;
    assert_eq!(sip.entry("2400")["fallbackNumber"], "2342");
    done(&operator, RENUMBER, json!({ "i": target, "n": "2343" })).await;
    sip.demand_state().await;
    assert_eq!((sip.told(), &sip.entry("2400")["fallbackNumber"]), (vec!["2400[]".to_owned()], &json!("2343")));
    done(&operator, SWAP, json!({ "a": target, "b": other })).await;
    sip.demand_state().await;
    assert_eq!((sip.told(), &sip.entry("2400")["fallbackNumber"]), (vec!["2400[]".to_owned()], &json!("2350")));
    assert_eq!(extension(&user, "2400").await["fallbackNumber"], "2350");
    done(&operator, BAR, json!({ "n": "2350" })).await;
    sip.demand_state().await;
    assert_eq!(sip.told(), ["2400[]"]);
    let before = extension(&user, "2400").await["version"].as_i64().unwrap();
    done(&operator, DELETE, json!({ "i": target })).await;
    sip.demand_state().await;
    assert_eq!((sip.told(), &sip.entry("2400")["fallbackNumber"]), (vec!["2400[]".to_owned()], &Value::Null));
    let after = extension(&user, "2400").await;
    assert_eq!((&after["fallbackNumber"], after["version"].as_i64()), (&Value::Null, Some(before + 1)));
}

pub async fn a_fallback_is_an_extension_or_a_number_outside(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    for (wanted, expected) in [
        ("2399", "NOT_FOUND at fallbackNumber"),
        ("112", "NOT_FOUND at fallbackNumber"),
        ("٢٣٤٢", "INVALID at fallbackNumber"),
    ] {
        assert_eq!(refused(&user, FALL_BACK, json!({ "i": id, "n": wanted })).await, expected, "{wanted:?}");
    }
    let register = "mutation { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2343\", label: \"F\", fallbackNumber: \"2399\"}) { extension { id } errors { code path } } }";
    assert_eq!(refused(&user, register, json!({})).await, "NOT_FOUND at fallbackNumber");
    assert!(extension(&user, "2343").await.is_null(), "half a registration stayed");
    // Another's number may be one, whether or not one may see the extension: anybody can dial it.
    for (wanted, stored) in [("5011", "5011"), ("+44 114-496 0123", "+441144960123")] {
        let set = done(&user, FALL_BACK, json!({ "i": id, "n": wanted })).await;
        assert_eq!(set["extension"]["fallbackNumber"], stored);
    }
    let rest = "mutation($i: ID!) { updateExtension(input: {id: $i, label: \"L\"}) { extension { fallbackNumber } errors { code } } }";
    assert_eq!(done(&user, rest, json!({ "i": id })).await["extension"]["fallbackNumber"], "+441144960123");
    let cleared = done(&user, FALL_BACK, json!({ "i": id, "n": null })).await;
    assert!(cleared["extension"]["fallbackNumber"].is_null());
}

async fn cycle(person: &Actor, query: &str, variables: Value) -> Vec<String> {
    let payload = payload(&person.execute(query, variables).await);
    assert_eq!(error_code(&payload), "GROUP_LOOP", "{payload}");
    let cycle = payload["errors"][0]["cycle"].as_array().unwrap();
    cycle.iter().map(|number| number.as_str().unwrap().to_owned()).collect()
}

pub async fn loops_are_refused_with_the_way_shown(app: TestApp) {
    let user = app.sign_in("user", "numberwang").await;
    let mut ids = Vec::new();
    for text in ["2341", "2342", "2343"] {
        ids.push(registered(&user, "sip", text).await);
    }
    assert_eq!(cycle(&user, FALL_BACK, json!({ "i": ids[0], "n": "2341" })).await, ["2341", "2341"]);
    let own = "mutation { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: \"2349\", label: \"F\", fallbackNumber: \"2349\"}) { extension { id } errors { code ... on GroupLoop { cycle } } } }";
    assert_eq!(cycle(&user, own, json!({})).await, ["2349", "2349"]);
    done(&user, FALL_BACK, json!({ "i": ids[0], "n": "2342" })).await;
    done(&user, FALL_BACK, json!({ "i": ids[1], "n": "2343" })).await;
    assert_eq!(cycle(&user, FALL_BACK, json!({ "i": ids[2], "n": "2341" })).await, ["2343", "2341", "2342", "2343"]);
    // A group whose member falls back to it, made from either side, through a group in between.
    let nest = "mutation { updateServiceType(input: {slug: \"group\", groupCapable: true}) { serviceType { slug } errors { code } } }";
    done(&app.sign_in("admin", "numberwang").await, nest, json!({})).await;
    let (outer, inner) = (registered(&user, "group", "2401").await, registered(&user, "group", "2402").await);
    done(&user, INVITE, json!({ "g": inner, "n": "2341" })).await;
    done(&user, FALL_BACK, json!({ "i": ids[2], "n": "2401" })).await;
    let expected = ["2401", "2402", "2341", "2342", "2343", "2401"];
    assert_eq!(cycle(&user, INVITE, json!({ "g": outer, "n": "2402" })).await, expected);
    done(&user, FALL_BACK, json!({ "i": ids[2], "n": null })).await;
    done(&user, INVITE, json!({ "g": outer, "n": "2402" })).await;
    let expected = ["2343", "2401", "2402", "2341", "2342", "2343"];
    assert_eq!(cycle(&user, FALL_BACK, json!({ "i": ids[2], "n": "2401" })).await, expected);
    // A group may fall back to its member, which is then rung once more.
    done(&user, FALL_BACK, json!({ "i": outer, "n": "2343" })).await;
}

pub async fn an_invitation_is_looked_at_again_when_it_is_accepted(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let member = registered(&user, "sip", "2342").await;
    let group = registered(&operator, "group", "2400").await;
    let invited = done(&operator, INVITE, json!({ "g": group, "n": "2342" })).await["member"].clone();
    assert_eq!(invited["membership"], "PENDING");
    done(&user, FALL_BACK, json!({ "i": member, "n": "2400" })).await;
    assert_eq!(cycle(&user, ACCEPT, json!({ "i": invited["id"] })).await, ["2400", "2342", "2400"]);
    done(&user, FALL_BACK, json!({ "i": member, "n": null })).await;
    done(&user, ACCEPT, json!({ "i": invited["id"] })).await;
}

pub async fn two_halves_of_a_loop_at_once_leave_one(app: TestApp) {
    let (user, operator) = (app.sign_in("user", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let one = registered(&user, "sip", "2342").await;
    let group = registered(&operator, "group", "2400").await;
    let invited = done(&operator, INVITE, json!({ "g": group, "n": "2342" })).await["member"]["id"].clone();
    let other = user.clone();
    let (falls_back, accepts) = tokio::join!(
        user.execute(FALL_BACK, json!({ "i": one, "n": "2400" })),
        other.execute(ACCEPT, json!({ "i": invited })),
    );
    let mut outcomes = [error_code(&payload(&falls_back)).to_owned(), error_code(&payload(&accepts)).to_owned()];
    outcomes.sort();
    assert_eq!(outcomes, ["GROUP_LOOP", "none"]);
}

//! `fallbackNumber`: where calls go when an extension does not answer.

use serde_json::{Value, json};

use crate::api::provisioning::replica::FeedReplica;
use crate::support::{Response, TestApp, string};

pub async fn a_fallback_follows_its_target_and_is_cleared_with_it(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let target = operator.registers("dect", "2342").await.id();
    let other = operator.registers("dect", "2350").await.id();
    let caller = user.registers_with(json!({ "number": "2400", "fallbackNumber": "23 42" })).await.ok();
    let caller = &caller["extension"];
    assert_eq!((&caller["fallbackNumber"], &caller["version"]), (&json!("2342"), &json!(1)));
    let [mut sip] = FeedReplica::of_feeds(&admin, ["sip"]).await;
    assert_eq!(sip.entry("2400")["fallbackNumber"], "2342");
    operator.renumbers(&target, "2343").await.ok();
    assert_only_the_fallback_changed(&mut sip, json!("2343")).await;
    operator.swaps(&target, &other).await.ok();
    assert_only_the_fallback_changed(&mut sip, json!("2350")).await;
    assert_eq!(user.extension("2400").await["fallbackNumber"], "2350");
    operator.bars("2350").await.ok();
    sip.assert_in_sync().await;
    assert_eq!(sip.last_changes(), ["2400[]"]);
    let version = user.extension("2400").await["version"].as_i64().unwrap();
    operator.deletes(&target).await.ok();
    assert_only_the_fallback_changed(&mut sip, Value::Null).await;
    let caller = user.extension("2400").await;
    assert_eq!((&caller["fallbackNumber"], caller["version"].as_i64()), (&Value::Null, Some(version + 1)));
}

/// Asserts that the last change is of extension 2400, which now has this fallback.
async fn assert_only_the_fallback_changed(sip: &mut FeedReplica, fallback: Value) {
    sip.assert_in_sync().await;
    assert_eq!(sip.last_changes(), ["2400[]"]);
    assert_eq!(sip.entry("2400")["fallbackNumber"], fallback);
}

pub async fn a_fallback_is_an_extension_or_an_external_number(app: TestApp) {
    let user = app.user().await;
    let id = user.registers("sip", "2342").await.id();
    for (number, refusal) in [
        ("2399", "NOT_FOUND at fallbackNumber"),
        ("112", "NOT_FOUND at fallbackNumber"),
        ("٢٣٤٢", "INVALID at fallbackNumber"),
    ] {
        assert_eq!(user.sets_fallback(&id, Some(number)).await.refusal(), refusal, "{number:?}");
    }
    let refused = user.registers_with(json!({ "number": "2343", "fallbackNumber": "2399" })).await;
    assert_eq!(refused.refusal(), "NOT_FOUND at fallbackNumber");
    assert!(user.extension("2343").await.is_null(), "a refused registration left an extension");
    // Another account's number is allowed even where the caller cannot see its extension: anyone can dial it.
    for (number, stored) in [("5011", "5011"), ("+44 114-496 0123", "+441144960123")] {
        let updated = user.sets_fallback(&id, Some(number)).await.ok();
        assert_eq!(updated["extension"]["fallbackNumber"], stored);
    }
    let relabelled = user.relabels(&id, "L").await.ok();
    assert_eq!(relabelled["extension"]["fallbackNumber"], "+441144960123");
    let cleared = user.sets_fallback(&id, None).await.ok();
    assert!(cleared["extension"]["fallbackNumber"].is_null());
}

/// The loop that a `GROUP_LOOP` error names.
fn call_loop(refused: &Response) -> Vec<String> {
    assert_eq!(refused.code(), "GROUP_LOOP", "{refused}");
    let cycle = refused["errors"][0]["cycle"].as_array().unwrap();
    cycle.iter().map(|number| string(number).to_owned()).collect()
}

pub async fn a_call_loop_is_refused_with_its_path(app: TestApp) {
    let user = app.user().await;
    let first = user.registers("sip", "2341").await.id();
    let second = user.registers("sip", "2342").await.id();
    let third = user.registers("sip", "2343").await.id();
    assert_eq!(call_loop(&user.sets_fallback(&first, Some("2341")).await), ["2341", "2341"]);
    let to_itself = user.registers_with(json!({ "number": "2349", "fallbackNumber": "2349" })).await;
    assert_eq!(call_loop(&to_itself), ["2349", "2349"]);
    user.sets_fallback(&first, Some("2342")).await.ok();
    user.sets_fallback(&second, Some("2343")).await.ok();
    let closing = user.sets_fallback(&third, Some("2341")).await;
    assert_eq!(call_loop(&closing), ["2343", "2341", "2342", "2343"]);
    // A member that falls back to its group, through a nested group, closed from either side.
    app.admin().await.updates_service_type("group", json!({ "groupCapable": true })).await.ok();
    let outer = user.registers("group", "2401").await.id();
    let inner = user.registers("group", "2402").await.id();
    user.invites(&inner, "2341").await.ok();
    user.sets_fallback(&third, Some("2401")).await.ok();
    let closing = user.invites(&outer, "2402").await;
    assert_eq!(call_loop(&closing), ["2401", "2402", "2341", "2342", "2343", "2401"]);
    user.sets_fallback(&third, None).await.ok();
    user.invites(&outer, "2402").await.ok();
    let closing = user.sets_fallback(&third, Some("2401")).await;
    assert_eq!(call_loop(&closing), ["2343", "2401", "2402", "2341", "2342", "2343"]);
    // A group may fall back to its own member, which then rings once more.
    user.sets_fallback(&outer, Some("2343")).await.ok();
}

pub async fn accepting_an_invitation_checks_for_call_loops(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let member = user.registers("sip", "2342").await.id();
    let group = operator.registers("group", "2400").await.id();
    let invited = operator.invites(&group, "2342").await;
    assert_eq!(invited["member"]["membership"], "PENDING");
    let invitation = invited.id();
    user.sets_fallback(&member, Some("2400")).await.ok();
    assert_eq!(call_loop(&user.accepts(&invitation).await), ["2400", "2342", "2400"]);
    user.sets_fallback(&member, None).await.ok();
    user.accepts(&invitation).await.ok();
}

pub async fn of_two_concurrent_halves_of_a_call_loop_one_succeeds(app: TestApp) {
    let (user, operator) = (app.user().await, app.operator().await);
    let member = user.registers("sip", "2342").await.id();
    let group = operator.registers("group", "2400").await.id();
    let invitation = operator.invites(&group, "2342").await.id();
    let (fallback, acceptance) = tokio::join!(user.sets_fallback(&member, Some("2400")), user.accepts(&invitation));
    let mut codes = [fallback.code(), acceptance.code()];
    codes.sort_unstable();
    assert_eq!(codes, ["GROUP_LOOP", "none"]);
}

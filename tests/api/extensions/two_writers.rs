//! Two writers at once, whose extensions show each other: whoever reads the feed meanwhile ends with what the database holds.

use serde_json::json;

use super::follower::{Follower, key};
use super::{BAN, BAR, DELETE, FALL_BACK, INVITE, RENUMBER, SWAP, UNBAN, done, extension, payload, registered};
use crate::support::{Actor, TestApp, error_code};

const PAUSE: &str = "mutation($i: ID!, $p: Boolean!) { updateGroupMember(input: {id: $i, paused: $p}) { member { paused } errors { code } } }";
const LABEL: &str = "mutation($i: ID!, $l: String!) { updateExtension(input: {id: $i, label: $l}) { extension { id } errors { code } } }";
const UNBAR: &str = "mutation($n: PhoneNumber!) { unbarNumber(input: {event: \"demo\", number: $n}) { number { number } errors { code } } }";

/// How often each writer writes.
const ROUNDS: usize = 12;

/// Follows the feeds until the writers are done, and then demands that the copies are the state.
async fn follow(writers: Vec<tokio::task::JoinHandle<()>>, copies: &mut [Follower]) {
    while writers.iter().any(|writer| !writer.is_finished()) {
        for copy in &mut *copies {
            copy.catch_up().await;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for copy in copies {
        copy.demand_state().await;
    }
}

/// What came of a request that another writer may have crossed: done, or one of these refusals.
async fn tries(person: &Actor, query: &str, variables: serde_json::Value, refusals: &[&str]) {
    let payload = payload(&person.execute(query, variables).await);
    let outcome = error_code(&payload);
    assert!(outcome == "none" || refusals.contains(&outcome), "{query}: {payload}");
}

pub async fn a_group_and_its_member(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let member = registered(&user, "sip", "2342").await;
    let group = registered(&operator, "group", "2400").await;
    let membership = done(&operator, INVITE, json!({ "g": group, "n": "2342" })).await["member"]["id"].clone();
    done(&user, super::ACCEPT, json!({ "i": membership })).await;
    let key = key(&admin, &["sip", "group"]).await;
    let mut copies = [Follower::start(&key, "sip").await, Follower::start(&key, "group").await];
    let moves = tokio::spawn({
        let (user, member) = (user.clone(), member.clone());
        async move {
            for round in 0..ROUNDS {
                done(&user, RENUMBER, json!({ "i": member, "n": format!("25{round:02}") })).await;
            }
        }
    });
    let writes = tokio::spawn(async move {
        for round in 0..ROUNDS {
            done(&operator, PAUSE, json!({ "i": membership, "p": round % 2 == 0 })).await;
            done(&operator, LABEL, json!({ "i": group, "l": format!("Round {round}") })).await;
        }
    });
    follow(vec![moves, writes], &mut copies).await;
    let number = format!("25{:02}", ROUNDS - 1);
    let shown = &copies[1].entry("2400")["members"][0];
    assert_eq!((&shown["number"], &shown["paused"]), (&json!(number), &json!(false)));
    // The member goes while the group is told of: it is in neither feed.
    let admin_bars = tokio::spawn(async move { done(&admin, BAR, json!({ "n": number })).await });
    let goes = tokio::spawn(async move { done(&user, DELETE, json!({ "i": member })).await });
    let (barred, gone) = (admin_bars.await, goes.await);
    assert!(barred.is_ok() && gone.is_ok());
    for copy in &mut copies {
        copy.demand_state().await;
    }
    assert_eq!(copies[1].entry("2400")["members"], json!([]));
}

pub async fn a_fallback_and_its_target(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let caller = registered(&user, "sip", "2342").await;
    let target = registered(&operator, "dect", "2400").await;
    let other = registered(&operator, "dect", "2401").await;
    let key = key(&admin, &["sip", "dect"]).await;
    let mut copies = [Follower::start(&key, "sip").await, Follower::start(&key, "dect").await];
    let points = tokio::spawn({
        let (user, caller) = (user.clone(), caller.clone());
        async move {
            for round in 0..2 * ROUNDS {
                // A number between two moves is nobody's for the moment.
                let wanted = ["2400", "2401", "2402"][round % 3];
                tries(&user, FALL_BACK, json!({ "i": caller, "n": wanted }), &["NOT_FOUND"]).await;
            }
        }
    });
    let moves = tokio::spawn({
        let (operator, target, other) = (operator.clone(), target.clone(), other.clone());
        async move {
            for round in 0..ROUNDS {
                done(&operator, SWAP, json!({ "a": target, "b": other })).await;
                let wanted = ["2402", "2400"][round % 2];
                tries(&operator, RENUMBER, json!({ "i": target, "n": wanted }), &["NUMBER_UNAVAILABLE"]).await;
            }
        }
    });
    follow(vec![points, moves], &mut copies).await;
    let stands = extension(&operator, "2342").await["fallbackNumber"].clone();
    assert_eq!(copies[0].entry("2342")["fallbackNumber"], stands);
    assert!(stands.is_string(), "every fallback asked for was refused");
    // Both targets go while the fallback is set once more.
    let sets = tokio::spawn(async move {
        for wanted in ["2400", "2401", "2402"] {
            tries(&user, FALL_BACK, json!({ "i": caller, "n": wanted }), &["NOT_FOUND"]).await;
        }
    });
    let goes = tokio::spawn(async move {
        for id in [target, other] {
            done(&operator, DELETE, json!({ "i": id })).await;
        }
    });
    follow(vec![sets, goes], &mut copies).await;
    assert!(copies[0].entry("2342")["fallbackNumber"].is_null(), "a fallback to nobody stayed");
}

pub async fn a_number_and_a_label_of_one_extension(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    let key = key(&admin, &["sip"]).await;
    let mut copies = [Follower::start(&key, "sip").await];
    let moves = tokio::spawn({
        let (user, id) = (user.clone(), id.clone());
        async move {
            for round in 0..ROUNDS {
                done(&user, RENUMBER, json!({ "i": id, "n": format!("25{round:02}") })).await;
            }
        }
    });
    let names = tokio::spawn({
        let (operator, id) = (operator.clone(), id.clone());
        async move {
            for round in 0..ROUNDS {
                done(&operator, LABEL, json!({ "i": id, "l": format!("Round {round}") })).await;
            }
        }
    });
    follow(vec![moves, names], &mut copies).await;
    // Neither wrote over what the other had written meanwhile.
    let number = format!("25{:02}", ROUNDS - 1);
    assert_eq!(copies[0].entry(&number)["label"], format!("Round {}", ROUNDS - 1));
    assert_eq!(extension(&operator, &number).await["version"], 1 + 2 * ROUNDS);
}

pub async fn a_ban_and_a_registration(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let key = key(&admin, &["sip"]).await;
    let mut copies = [Follower::start(&key, "sip").await];
    for round in 0..ROUNDS {
        let user = app.sign_in("user", "numberwang").await;
        let (own, assigned) = (format!("26{round:02}"), format!("27{round:02}"));
        let registers = tokio::spawn({
            let own = own.clone();
            async move {
                // Whoever is banned in between has no session any more, or may not write.
                let query = "mutation($n: PhoneNumber!) { registerExtension(input: {event: \"demo\", serviceType: \"sip\", number: $n, label: \"R\"}) { extension { id } errors { code } } }";
                let answer = user.execute(query, json!({ "n": own })).await;
                let denied = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none");
                let refused = error_code(&answer["data"]["registerExtension"]);
                assert!(denied == "UNAUTHENTICATED" || ["none", "RESTRICTED"].contains(&refused), "{answer}");
            }
        });
        let assigns = tokio::spawn({
            let (admin, assigned) = (admin.clone(), assigned.clone());
            async move { super::assigned(&admin, "sip", &assigned, "user", json!({})).await }
        });
        let bans = tokio::spawn({
            let operator = operator.clone();
            async move { done(&operator, BAN, json!({})).await }
        });
        copies[0].catch_up().await;
        registers.await.unwrap();
        assert!(assigns.await.is_ok() && bans.await.is_ok());
        copies[0].demand_state().await;
        let theirs: Vec<_> = copies[0].entries.values().filter(|entry| entry["ownerUsername"] == "user").collect();
        assert!(
            theirs.len() > round && theirs.iter().all(|entry| entry["active"] == false),
            "round {round}: {theirs:?}"
        );
        done(&operator, UNBAN, json!({})).await;
    }
    copies[0].demand_state().await;
    assert!(copies[0].entries.values().all(|entry| entry["active"] == true));
}

pub async fn a_bar_and_a_move(app: TestApp) {
    let (admin, operator) = (app.sign_in("admin", "numberwang").await, app.sign_in("operator", "numberwang").await);
    let user = app.sign_in("user", "numberwang").await;
    let id = registered(&user, "sip", "2342").await;
    let key = key(&admin, &["sip"]).await;
    let mut copies = [Follower::start(&key, "sip").await];
    let moves = tokio::spawn({
        let (user, id) = (user.clone(), id.clone());
        async move {
            for round in 0..2 * ROUNDS {
                let wanted = ["2343", "2342"][round % 2];
                tries(&user, RENUMBER, json!({ "i": id, "n": wanted }), &["RESTRICTED"]).await;
            }
        }
    });
    let bars = tokio::spawn(async move {
        for round in 0..ROUNDS {
            let number = ["2342", "2343"][round % 2];
            let wanted = json!({ "n": number });
            done(&operator, BAR, wanted.clone()).await;
            done(&operator, UNBAR, wanted).await;
        }
    });
    follow(vec![moves, bars], &mut copies).await;
    assert!(copies[0].entries.values().all(|entry| entry["active"] == true));
}

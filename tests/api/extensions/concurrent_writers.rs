//! Two concurrent writers of extensions that show each other. A consumer that reads the feed meanwhile ends with a
//! replica that equals the database.

use serde_json::json;
use tokio::task::JoinHandle;

use crate::api::provisioning::replica::FeedReplica;
use crate::support::{Response, TestApp};

/// How often each writer writes.
const ROUNDS: usize = 12;

/// Updates the replicas until the writers have finished, and then asserts that they equal the feeds.
async fn replicate_until_finished(writers: Vec<JoinHandle<()>>, replicas: &mut [FeedReplica]) {
    while writers.iter().any(|writer| !writer.is_finished()) {
        for replica in &mut *replicas {
            replica.update().await;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for replica in replicas {
        replica.assert_in_sync().await;
    }
}

/// Asserts that an operation succeeded, or was refused because of the other writer.
fn assert_ok_or(refusal: &str, response: &Response) {
    assert!(["none", refusal].contains(&response.code()), "{response}");
}

pub async fn replicas_follow_a_group_and_its_member(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let member = user.registers("sip", "2342").await.id();
    let group = operator.registers("group", "2400").await.id();
    let membership = operator.invites(&group, "2342").await.id();
    user.accepts(&membership).await.ok();
    let mut replicas = FeedReplica::of_feeds(&admin, ["sip", "group"]).await;
    let renumbering = tokio::spawn({
        let (user, member) = (user.clone(), member.clone());
        async move {
            for round in 0..ROUNDS {
                user.renumbers(&member, &format!("25{round:02}")).await.ok();
            }
        }
    });
    let group_changes = tokio::spawn(async move {
        for round in 0..ROUNDS {
            operator.pauses_membership(&membership, round % 2 == 0).await.ok();
            operator.relabels(&group, &format!("Round {round}")).await.ok();
        }
    });
    replicate_until_finished(vec![renumbering, group_changes], &mut replicas).await;
    let number = format!("25{:02}", ROUNDS - 1);
    let shown = &replicas[1].entry("2400")["members"][0];
    assert_eq!((&shown["number"], &shown["paused"]), (&json!(number), &json!(false)));
    // The member is deleted while a bar changes the group's entry: the member is in neither feed.
    let bar = tokio::spawn(async move { admin.bars(&number).await.ok() });
    let deletion = tokio::spawn(async move { user.deletes(&member).await.ok() });
    let (bar, deletion) = (bar.await, deletion.await);
    assert!(bar.is_ok() && deletion.is_ok());
    for replica in &mut replicas {
        replica.assert_in_sync().await;
    }
    assert_eq!(replicas[1].entry("2400")["members"], json!([]));
}

pub async fn replicas_follow_a_fallback_and_its_target(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let caller = user.registers("sip", "2342").await.id();
    let target = operator.registers("dect", "2400").await.id();
    let other = operator.registers("dect", "2401").await.id();
    let mut replicas = FeedReplica::of_feeds(&admin, ["sip", "dect"]).await;
    let fallbacks = tokio::spawn({
        let (user, caller) = (user.clone(), caller.clone());
        async move {
            for round in 0..2 * ROUNDS {
                // Between two renumberings a number has no extension for a moment.
                let number = ["2400", "2401", "2402"][round % 3];
                assert_ok_or("NOT_FOUND", &user.sets_fallback(&caller, Some(number)).await);
            }
        }
    });
    let renumberings = tokio::spawn({
        let (operator, target, other) = (operator.clone(), target.clone(), other.clone());
        async move {
            for round in 0..ROUNDS {
                operator.swaps(&target, &other).await.ok();
                let number = ["2402", "2400"][round % 2];
                assert_ok_or("NUMBER_UNAVAILABLE", &operator.renumbers(&target, number).await);
            }
        }
    });
    replicate_until_finished(vec![fallbacks, renumberings], &mut replicas).await;
    let fallback = operator.extension("2342").await["fallbackNumber"].clone();
    assert_eq!(replicas[0].entry("2342")["fallbackNumber"], fallback);
    assert!(fallback.is_string(), "every fallback was refused");
    // Both targets are deleted while the fallback is set once more.
    let fallbacks = tokio::spawn(async move {
        for number in ["2400", "2401", "2402"] {
            assert_ok_or("NOT_FOUND", &user.sets_fallback(&caller, Some(number)).await);
        }
    });
    let deletions = tokio::spawn(async move {
        for id in [target, other] {
            operator.deletes(&id).await.ok();
        }
    });
    replicate_until_finished(vec![fallbacks, deletions], &mut replicas).await;
    assert!(replicas[0].entry("2342")["fallbackNumber"].is_null(), "the fallback outlived its target");
}

pub async fn a_renumbering_and_a_relabelling_keep_both_changes(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let id = user.registers("sip", "2342").await.id();
    let mut replicas = FeedReplica::of_feeds(&admin, ["sip"]).await;
    let renumberings = tokio::spawn({
        let id = id.clone();
        async move {
            for round in 0..ROUNDS {
                user.renumbers(&id, &format!("25{round:02}")).await.ok();
            }
        }
    });
    let relabellings = tokio::spawn({
        let operator = operator.clone();
        async move {
            for round in 0..ROUNDS {
                operator.relabels(&id, &format!("Round {round}")).await.ok();
            }
        }
    });
    replicate_until_finished(vec![renumberings, relabellings], &mut replicas).await;
    // Neither writer has overwritten a change of the other.
    let number = format!("25{:02}", ROUNDS - 1);
    assert_eq!(replicas[0].entry(&number)["label"], format!("Round {}", ROUNDS - 1));
    assert_eq!(operator.extension(&number).await["version"], 1 + 2 * ROUNDS);
}

pub async fn replicas_follow_a_ban_beside_a_registration(app: TestApp) {
    let (admin, operator) = (app.admin().await, app.operator().await);
    let [mut replica] = FeedReplica::of_feeds(&admin, ["sip"]).await;
    for round in 0..ROUNDS {
        let user = app.user().await;
        let registration = tokio::spawn(async move {
            // A ban before it ends the session or refuses the registration.
            let response = user.registers_with(json!({ "number": format!("26{round:02}") })).await;
            if response.rejection() != "UNAUTHENTICATED" {
                assert_ok_or("RESTRICTED", &response);
            }
        });
        let assignment = tokio::spawn({
            let admin = admin.clone();
            async move { admin.assigns("sip", &format!("27{round:02}"), "user", json!({})).await.ok() }
        });
        let ban = tokio::spawn({
            let operator = operator.clone();
            async move { operator.bans("user").await.ok() }
        });
        replica.update().await;
        registration.await.unwrap();
        assert!(assignment.await.is_ok() && ban.await.is_ok());
        replica.assert_in_sync().await;
        let of_user: Vec<_> = replica.entries.values().filter(|entry| entry["ownerUsername"] == "user").collect();
        assert!(
            of_user.len() > round && of_user.iter().all(|entry| entry["active"] == false),
            "round {round}: {of_user:?}"
        );
        operator.unbans("user").await.ok();
    }
    replica.assert_in_sync().await;
    assert!(replica.entries.values().all(|entry| entry["active"] == true));
}

pub async fn replicas_follow_a_bar_beside_a_renumbering(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let id = user.registers("sip", "2342").await.id();
    let mut replicas = FeedReplica::of_feeds(&admin, ["sip"]).await;
    let renumberings = tokio::spawn(async move {
        for round in 0..2 * ROUNDS {
            let number = ["2343", "2342"][round % 2];
            assert_ok_or("RESTRICTED", &user.renumbers(&id, number).await);
        }
    });
    let bars = tokio::spawn(async move {
        for round in 0..ROUNDS {
            let number = ["2342", "2343"][round % 2];
            operator.bars(number).await.ok();
            operator.unbars(number).await.ok();
        }
    });
    replicate_until_finished(vec![renumberings, bars], &mut replicas).await;
    assert!(replicas[0].entries.values().all(|entry| entry["active"] == true));
}

//! The ten steps with real telephone systems.

use std::time::Duration;

use serde_json::json;

use super::hlr::{Hlr, Subscriber};
use super::kamailio::Registrar;
use super::programs::within;
use super::radius::Radius;
use super::server::Server;
use super::sip::sipp_registers;

/// The limit for a change to reach the telephone system.
const PROPAGATION_LIMIT: Duration = Duration::from_secs(2);
/// The limit for everything else.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The status codes of a REGISTER and of its repetition with the answered challenge.
const ACCEPTED: [u16; 2] = [401, 200];
const REJECTED: [u16; 2] = [401, 403];

const HOSTILE: &str = "Bob \"B\" <x>; [evil] '); DROP TABLE subscriber; -- %{User-Name}";

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// A server, and a registrar that has the demo's numbers.
async fn server_and_registrar() -> (Server, Registrar) {
    let server = Server::start().await;
    let registrar = Registrar::start(&server).await;
    within(TIMEOUT, "the first snapshot", async || server.is_caught_up("kamailio").await).await;
    (server, registrar)
}

pub async fn step_01_a_new_number_registers() -> String {
    let (server, registrar) = server_and_registrar().await;
    let user = server.sign_in("user").await;
    let extension = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    let took =
        within(PROPAGATION_LIMIT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    assert!(
        sipp_registers(&registrar.folder, registrar.sip_port, "2342", &extension.password).await,
        "sipp is rejected"
    );
    assert!(
        !sipp_registers(&registrar.folder, registrar.sip_port, "2342", "wrong").await,
        "sipp is accepted with a wrong password"
    );
    format!("401, 200 after {}; the same with sipp", milliseconds(took))
}

pub async fn step_02_a_wrong_password_and_an_unknown_number_are_refused() -> String {
    let (server, registrar) = server_and_registrar().await;
    let extension = server.sign_in("user").await.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(PROPAGATION_LIMIT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    assert_eq!(phone.register("wrong").await, REJECTED);
    assert_eq!(registrar.phone("2999").await.register(&extension.password).await, REJECTED);
    // 5001 is an extension of another service type.
    assert_eq!(registrar.phone("5001").await.register(&extension.password).await, REJECTED);
    "401, 403 for a wrong password, an unknown number and a number of another service type".to_owned()
}

pub async fn step_03_a_rotated_secret_replaces_the_old_one() -> String {
    let (server, registrar) = server_and_registrar().await;
    let user = server.sign_in("user").await;
    let extension = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(PROPAGATION_LIMIT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    let new = user.rotates(&extension.id).await;
    assert_ne!(new, extension.password);
    let took = within(PROPAGATION_LIMIT, "the new secret", async || phone.register(&new).await == ACCEPTED).await;
    assert_eq!(phone.register(&extension.password).await, REJECTED);
    format!("new 200, old 403 after {}", milliseconds(took))
}

pub async fn step_04_a_renumbering_and_a_swap_reach_the_hlr() -> String {
    let server = Server::start().await;
    let hlr = Hlr::start(&server, &[]).await;
    let operator = server.sign_in("operator").await;
    let cards = [("2401", "901700000000001"), ("2402", "901700000000002")];
    let mut ids = Vec::new();
    for (number, imsi) in cards {
        let extension = operator.assigns("cellular", number).await;
        hlr.register_card(&extension.id, imsi).await;
        ids.push(extension.id);
    }
    let has_numbers = async |first: &str, second: &str| {
        let expected = [Subscriber::new(cards[0].1, first), Subscriber::new(cards[1].1, second)];
        hlr.subscribers().await == expected
    };
    within(TIMEOUT, "both cards", async || has_numbers("2401", "2402").await).await;
    let renumber = json!({ "id": ids[0], "number": "2403" });
    operator.execute_ok("renumberExtension", "id: $id, number: $number", "extension { number }", renumber).await;
    let renumbered = within(PROPAGATION_LIMIT, "the new number", async || has_numbers("2403", "2402").await).await;
    let swap = json!({ "first": ids[0], "second": ids[1] });
    operator.execute_ok("swapNumbers", "first: $first, second: $second", "first { number }", swap).await;
    let swapped = within(PROPAGATION_LIMIT, "the swap", async || has_numbers("2402", "2403").await).await;
    within(TIMEOUT, "the acknowledgement", async || server.is_caught_up("osmo-hlr").await).await;
    assert_eq!(server.consumer_status("osmo-hlr").await["errors"], json!([]));
    // A replaced card and a deleted extension leave no subscriber.
    hlr.register_card(&ids[0], "901700000000003").await;
    operator.deletes(&ids[1]).await;
    let left = [Subscriber::new("901700000000003", "2402")];
    within(PROPAGATION_LIMIT, "the replaced card", async || hlr.subscribers().await == left).await;
    format!("renumbered after {}, swapped after {}", milliseconds(renumbered), milliseconds(swapped))
}

pub async fn step_05_a_bar_refuses_and_a_delete_ends_the_live_binding() -> String {
    let (server, registrar) = server_and_registrar().await;
    let (user, operator) = (server.sign_in("user").await, server.sign_in("operator").await);
    let extension = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(PROPAGATION_LIMIT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    assert!(registrar.is_bound("2342").await);
    let number = json!({ "number": "2342" });
    operator
        .execute_ok("barNumber", "event: \"demo\", number: $number, reason: \"noise\"", "__typename", number.clone())
        .await;
    let barred_after =
        within(PROPAGATION_LIMIT, "the bar", async || phone.register(&extension.password).await == REJECTED).await;
    within(PROPAGATION_LIMIT, "the end of the binding", async || !registrar.is_bound("2342").await).await;
    operator.execute_ok("unbarNumber", "event: \"demo\", number: $number", "__typename", number).await;
    let unbarred_after =
        within(PROPAGATION_LIMIT, "the end of the bar", async || phone.register(&extension.password).await == ACCEPTED)
            .await;
    assert!(registrar.is_bound("2342").await);
    user.deletes(&extension.id).await;
    let deleted_after =
        within(PROPAGATION_LIMIT, "the delete", async || phone.register(&extension.password).await == REJECTED).await;
    within(PROPAGATION_LIMIT, "the end of the binding", async || !registrar.is_bound("2342").await).await;
    format!(
        "barred after {}, unbarred after {}, deleted after {}, no binding left",
        milliseconds(barred_after),
        milliseconds(unbarred_after),
        milliseconds(deleted_after)
    )
}

pub async fn step_06_a_killed_agent_catches_up() -> String {
    let (server, mut registrar) = server_and_registrar().await;
    let operator = server.sign_in("operator").await;
    let mut extensions = Vec::new();
    for number in 3000..3050 {
        extensions.push(operator.assigns("sip", &number.to_string()).await);
    }
    within(TIMEOUT, "50 numbers", async || server.is_caught_up("kamailio").await).await;
    registrar.agent.as_mut().unwrap().kill();
    for extension in &extensions[..10] {
        operator.deletes(&extension.id).await;
    }
    let mut rotated = String::new();
    for extension in &extensions[10..] {
        rotated = operator.rotates(&extension.id).await;
    }
    for number in 3100..3150 {
        operator.assigns("sip", &number.to_string()).await;
    }
    assert_eq!(server.consumer_status("kamailio").await["lagRecords"], 100);
    registrar.agent = Some(server.agent(&registrar.folder, &[]));
    let took = within(TIMEOUT, "100 changes", async || server.is_caught_up("kamailio").await).await;
    let subscribers = registrar.subscribers();
    let demo = ["5000", "5003", "5008"].map(str::to_owned);
    let expected = (3010..3050).chain(3100..3150).map(|number| number.to_string()).chain(demo);
    assert_eq!(registrar.numbers(), expected.collect::<Vec<_>>());
    // One write for a new number, and one more for a rotation. A snapshot after the kill would write every number
    // again.
    let expected_writes = |number: &str| if ("3010".."3050").contains(&number) { 2 } else { 1 };
    for subscriber in subscribers {
        let number = subscriber.username;
        assert_eq!(subscriber.writes, expected_writes(&number), "the writes of {number}");
    }
    assert_eq!(registrar.phone("3049").await.register(&rotated).await, ACCEPTED);
    format!("100 changes applied once each, lag 0 after {}", milliseconds(took))
}

pub async fn step_07_phones_register_without_switchboard() -> String {
    let (mut server, registrar) = server_and_registrar().await;
    let extension = server.sign_in("user").await.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(PROPAGATION_LIMIT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    server.stop();
    assert_eq!(registrar.phone("2342").await.register(&extension.password).await, ACCEPTED);
    // After a restart of the server, the agent continues without a restart.
    server.run().await;
    let user = server.sign_in("user").await;
    let other = user.registers("sip", "2343", "Arthur").await;
    let phone = registrar.phone("2343").await;
    let took = within(TIMEOUT, "REGISTER", async || phone.register(&other.password).await == ACCEPTED).await;
    format!("401, 200 while the server is down; a new number {} after its restart", milliseconds(took))
}

pub async fn step_08_a_restored_database_is_detected_and_the_guard_stops() -> String {
    let (mut server, mut registrar) = server_and_registrar().await;
    let copy = server.folder.path().join("older.db");
    server.backup(&copy);
    let operator = server.sign_in("operator").await;
    for number in 3000..3020 {
        operator.assigns("sip", &number.to_string()).await;
    }
    within(TIMEOUT, "20 numbers", async || server.is_caught_up("kamailio").await).await;
    let before = registrar.numbers();
    server.stop();
    server.restore(&copy);
    server.run().await;
    let agent = registrar.agent.as_mut().unwrap();
    assert!(!agent.wait().await, "the agent does not stop");
    let log = agent.log();
    assert!(log.contains("EPOCH") && log.contains("prune guard: 20 of 23"), "{log}");
    assert_eq!(registrar.numbers(), before, "the guard did not prevent a deletion");
    let printed = server.guarded_dry_run(&registrar.folder);
    for expected in ["20 gone", "--allow-prune", "- 3019"] {
        assert!(printed.contains(expected), "{printed}");
    }
    assert_eq!(registrar.numbers(), before, "a dry run has changed the database");
    registrar.agent = Some(server.agent(&registrar.folder, &["--allow-prune"]));
    within(TIMEOUT, "the snapshot", async || registrar.numbers() == ["5000", "5003", "5008"]).await;
    within(TIMEOUT, "the acknowledgement", async || server.is_caught_up("kamailio").await).await;
    "reset EPOCH; the guard stopped 20 of 23 deletions, and --allow-prune permitted them".to_owned()
}

pub async fn step_09_radius_accepts_and_rejects() -> String {
    let server = Server::start().await;
    let radius = Radius::start(&server).await;
    within(TIMEOUT, "the first snapshot", async || server.is_caught_up("freeradius").await).await;
    let user = server.sign_in("user").await;
    let extension = user.registers("sip", "2342", "Ford").await;
    let took =
        within(PROPAGATION_LIMIT, "PAP", async || radius.pap("2342", &extension.password).contains("Access-Accept"))
            .await;
    assert!(radius.chap("2342", &extension.password).contains("Access-Accept"));
    assert!(radius.digest("2342", &extension.password).contains("Access-Accept"));
    for answer in [radius.pap("2342", "wrong"), radius.chap("2342", "wrong"), radius.digest("2342", "wrong")] {
        assert!(answer.contains("Access-Reject"), "{answer}");
    }
    user.deletes(&extension.id).await;
    within(PROPAGATION_LIMIT, "the delete", async || radius.pap("2342", &extension.password).contains("Access-Reject"))
        .await;
    for answer in [radius.chap("2342", &extension.password), radius.digest("2342", &extension.password)] {
        assert!(answer.contains("Access-Reject"), "{answer}");
    }
    format!("PAP, CHAP and digest: Accept after {}, Reject when wrong and when deleted", milliseconds(took))
}

pub async fn step_10_a_hostile_label_is_data() -> String {
    let server = Server::start().await;
    let registrar = Registrar::start(&server).await;
    let radius = Radius::start(&server).await;
    // A command with a label: `!` starts a comment on a VTY, but text after a line break would be a command.
    let replacement = ("release = [", "release = [{ send = \"! {{ label }}\" }, ");
    let hlr = Hlr::start(&server, &[replacement]).await;
    let operator = server.sign_in("operator").await;
    let valid = operator.assigns("cellular", "2401").await;
    hlr.register_card(&valid.id, "901700000000001").await;
    let kept = [Subscriber::new("901700000000001", "2401")];
    within(TIMEOUT, "the valid card", async || hlr.subscribers().await == kept).await;

    let user = server.sign_in("user").await;
    let extension = user.registers("sip", "2342", HOSTILE).await;
    let phone = registrar.phone("2342").await;
    within(TIMEOUT, "REGISTER", async || phone.register(&extension.password).await == ACCEPTED).await;
    assert_eq!(registrar.numbers(), ["2342", "5000", "5003", "5008"]);
    within(TIMEOUT, "PAP", async || radius.pap("2342", &extension.password).contains("Access-Accept")).await;
    let answer = radius.pap("2342", &extension.password);
    let shown = HOSTILE.replace('"', "\\\"");
    assert!(answer.contains(&format!("Reply-Message = \"{shown}\"")), "{answer}");
    let hostile = user.registers("cellular", "2402", "x subscriber imsi 901700000000009 create").await;
    hlr.register_card(&hostile.id, "901700000000002").await;
    // The agent reports the record as an error and sends none of it; other records continue.
    let is_reported = async || {
        let consumer = server.consumer_status("osmo-hlr").await;
        consumer["errors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|error| error["number"] == "2402" && error["code"] == "TEMPLATE")
    };
    within(TIMEOUT, "the error", is_reported).await;
    assert_eq!(hlr.subscribers().await, kept);
    hlr.register_card(&valid.id, "901700000000003").await;
    let replaced = [Subscriber::new("901700000000003", "2401")];
    within(TIMEOUT, "other records", async || hlr.subscribers().await == replaced).await;
    "data in SQL and RADIUS, rejected in a VTY command, other records continue".to_owned()
}

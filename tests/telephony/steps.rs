//! The ten things that must hold with real telephone systems.

use std::time::Duration;

use serde_json::json;

use super::ground::within;
use super::hlr::Hlr;
use super::kamailio::Registrar;
use super::radius::Radius;
use super::sip::sipp_registers;
use super::switchboard::Switchboard;

/// How soon a change must have reached the telephone system.
const SOON: Duration = Duration::from_secs(2);
/// How long what has no limit of its own may take.
const LONG: Duration = Duration::from_secs(30);

const HOSTILE: &str = "Bob \"B\" <x>; [evil] '); DROP TABLE subscriber; -- %{User-Name}";

fn ms(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// A server, and a registrar that holds the demo's numbers.
async fn registrar() -> (Switchboard, Registrar) {
    let server = Switchboard::start().await;
    let registrar = Registrar::start(&server).await;
    within(LONG, "the first snapshot", async || server.is_in_step("kamailio").await).await;
    (server, registrar)
}

pub async fn step_01_a_new_number_registers() -> String {
    let (server, registrar) = registrar().await;
    let user = server.sign_in("user").await;
    let made = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    let took = within(SOON, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    assert!(sipp_registers(&registrar.folder, registrar.sip, "2342", &made.password).await, "sipp is refused");
    assert!(!sipp_registers(&registrar.folder, registrar.sip, "2342", "wrong").await, "sipp may do everything");
    format!("401, 200 after {}; sipp too", ms(took))
}

pub async fn step_02_a_wrong_password_and_an_unknown_number_are_refused() -> String {
    let (server, registrar) = registrar().await;
    let made = server.sign_in("user").await.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(SOON, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    assert_eq!(phone.registers("wrong").await, [401, 403]);
    assert_eq!(registrar.phone("2999").await.registers(&made.password).await, [401, 403]);
    // 5001 is a number, of another service.
    assert_eq!(registrar.phone("5001").await.registers(&made.password).await, [401, 403]);
    "401, 403 for a wrong password, an unknown number and another service's".to_owned()
}

pub async fn step_03_a_rotated_secret_takes_the_old_ones_place() -> String {
    let (server, registrar) = registrar().await;
    let user = server.sign_in("user").await;
    let made = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(SOON, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    let new = user.rotates(&made.id).await;
    assert_ne!(new, made.password);
    let took = within(SOON, "the new secret", async || phone.registers(&new).await == [401, 200]).await;
    assert_eq!(phone.registers(&made.password).await, [401, 403]);
    format!("new 200, old 403 after {}", ms(took))
}

pub async fn step_04_a_renumbering_and_a_swap_reach_the_hlr() -> String {
    let server = Switchboard::start().await;
    let hlr = Hlr::start(&server, &[]).await;
    let operator = server.sign_in("operator").await;
    let cards = [("2401", "901700000000001"), ("2402", "901700000000002")];
    let mut ids = Vec::new();
    for (number, imsi) in cards {
        let made = operator.assigns("cellular", number).await;
        hlr.sees(&made.id, imsi).await;
        ids.push(made.id);
    }
    let is = async |first: &str, second: &str| {
        let expected =
            [("901700000000001".to_owned(), first.to_owned()), ("901700000000002".to_owned(), second.to_owned())];
        hlr.subscribers().await == expected
    };
    within(LONG, "both cards", async || is("2401", "2402").await).await;
    let renumber = json!({ "id": ids[0], "number": "2403" });
    operator.does("renumberExtension", "id: $id, number: $number", "extension { number }", renumber).await;
    let renumbered = within(SOON, "the new number", async || is("2403", "2402").await).await;
    let swap = json!({ "first": ids[0], "second": ids[1] });
    operator.does("swapNumbers", "first: $first, second: $second", "first { number }", swap).await;
    let swapped = within(SOON, "the swap", async || is("2402", "2403").await).await;
    within(LONG, "the acknowledgement", async || server.is_in_step("osmo-hlr").await).await;
    assert_eq!(server.consumer("osmo-hlr").await["errors"], json!([]));
    // A card that is replaced leaves nothing behind; one that is gone neither.
    hlr.sees(&ids[0], "901700000000003").await;
    operator.deletes(&ids[1]).await;
    let left = [("901700000000003".to_owned(), "2402".to_owned())];
    within(SOON, "the replaced card", async || hlr.subscribers().await == left).await;
    format!("renumbered after {}, swapped after {}", ms(renumbered), ms(swapped))
}

pub async fn step_05_a_bar_refuses_and_a_delete_ends_the_live_binding() -> String {
    let (server, registrar) = registrar().await;
    let (user, operator) = (server.sign_in("user").await, server.sign_in("operator").await);
    let made = user.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(SOON, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    assert!(registrar.is_bound("2342").await);
    let number = json!({ "number": "2342" });
    operator
        .does("barNumber", "event: \"demo\", number: $number, reason: \"noise\"", "__typename", number.clone())
        .await;
    let barred = within(SOON, "the bar", async || phone.registers(&made.password).await == [401, 403]).await;
    within(SOON, "the end of the binding", async || !registrar.is_bound("2342").await).await;
    operator.does("unbarNumber", "event: \"demo\", number: $number", "__typename", number).await;
    let free = within(SOON, "the end of the bar", async || phone.registers(&made.password).await == [401, 200]).await;
    assert!(registrar.is_bound("2342").await);
    user.deletes(&made.id).await;
    let gone = within(SOON, "the delete", async || phone.registers(&made.password).await == [401, 403]).await;
    within(SOON, "the end of the binding", async || !registrar.is_bound("2342").await).await;
    format!("barred after {}, free after {}, gone after {}, no binding left", ms(barred), ms(free), ms(gone))
}

pub async fn step_06_a_killed_agent_catches_up() -> String {
    let (server, mut registrar) = registrar().await;
    let operator = server.sign_in("operator").await;
    let mut made = Vec::new();
    for number in 3000..3050 {
        made.push(operator.assigns("sip", &number.to_string()).await);
    }
    within(LONG, "50 numbers", async || server.is_in_step("kamailio").await).await;
    registrar.agent.as_mut().unwrap().kill();
    for extension in &made[..10] {
        operator.deletes(&extension.id).await;
    }
    let mut rotated = String::new();
    for extension in &made[10..] {
        rotated = operator.rotates(&extension.id).await;
    }
    for number in 3100..3150 {
        operator.assigns("sip", &number.to_string()).await;
    }
    assert_eq!(server.consumer("kamailio").await["lagRecords"], 100);
    registrar.agent = Some(server.agent(&registrar.folder, &[]));
    let took = within(LONG, "100 changes", async || server.is_in_step("kamailio").await).await;
    let subscribers = registrar.subscribers();
    let demo = ["5000", "5003", "5008"].map(str::to_owned);
    let expected = (3010..3050).chain(3100..3150).map(|number| number.to_string()).chain(demo);
    assert_eq!(registrar.numbers(), expected.collect::<Vec<_>>());
    // Once when it was new; those that were rotated once more. A snapshot after the kill would have written all again.
    let times = |number: &str| if ("3010".."3050").contains(&number) { 2 } else { 1 };
    for (number, written) in subscribers {
        assert_eq!(written, times(&number), "{number} was written {written} times");
    }
    assert_eq!(registrar.phone("3049").await.registers(&rotated).await, [401, 200]);
    format!("100 changes applied once each, lag 0 after {}", ms(took))
}

pub async fn step_07_phones_register_without_switchboard() -> String {
    let (mut server, registrar) = registrar().await;
    let made = server.sign_in("user").await.registers("sip", "2342", "Ford").await;
    let phone = registrar.phone("2342").await;
    within(SOON, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    server.stop();
    assert_eq!(registrar.phone("2342").await.registers(&made.password).await, [401, 200]);
    // When it is back, the agent goes on by itself.
    server.run().await;
    let user = server.sign_in("user").await;
    let other = user.registers("sip", "2343", "Arthur").await;
    let phone = registrar.phone("2343").await;
    let took = within(LONG, "REGISTER", async || phone.registers(&other.password).await == [401, 200]).await;
    format!("401, 200 while it is down; a new number {} after it is back", ms(took))
}

pub async fn step_08_an_older_database_is_noticed_and_the_guard_asks() -> String {
    let (mut server, mut registrar) = registrar().await;
    let copy = server.folder.path().join("older.db");
    server.backup(&copy);
    let operator = server.sign_in("operator").await;
    for number in 3000..3020 {
        operator.assigns("sip", &number.to_string()).await;
    }
    within(LONG, "20 numbers", async || server.is_in_step("kamailio").await).await;
    let before = registrar.numbers();
    server.stop();
    server.restore(&copy);
    server.run().await;
    let agent = registrar.agent.as_mut().unwrap();
    assert!(!agent.ends().await, "the agent does not ask");
    let log = agent.log();
    assert!(log.contains("EPOCH") && log.contains("prune guard: 20 of 23"), "{log}");
    assert_eq!(registrar.numbers(), before, "something was deleted all the same");
    let told = server.difference(&registrar.folder);
    assert!(told.contains("20 gone") && told.contains("--allow-prune") && told.contains("- 3019"), "{told}");
    assert_eq!(registrar.numbers(), before, "a dry run has changed something");
    registrar.agent = Some(server.agent(&registrar.folder, &["--allow-prune"]));
    within(LONG, "the snapshot", async || registrar.numbers() == ["5000", "5003", "5008"]).await;
    within(LONG, "the acknowledgement", async || server.is_in_step("kamailio").await).await;
    "reset EPOCH, the guard asked about 20 of 23, and let them pass when told".to_owned()
}

pub async fn step_09_radius_accepts_and_rejects() -> String {
    let server = Switchboard::start().await;
    let radius = Radius::start(&server).await;
    within(LONG, "the first snapshot", async || server.is_in_step("freeradius").await).await;
    let user = server.sign_in("user").await;
    let made = user.registers("sip", "2342", "Ford").await;
    let took = within(SOON, "PAP", async || radius.pap("2342", &made.password).contains("Access-Accept")).await;
    assert!(radius.chap("2342", &made.password).contains("Access-Accept"));
    assert!(radius.digest("2342", &made.password).contains("Access-Accept"));
    for answer in [radius.pap("2342", "wrong"), radius.chap("2342", "wrong"), radius.digest("2342", "wrong")] {
        assert!(answer.contains("Access-Reject"), "{answer}");
    }
    user.deletes(&made.id).await;
    within(SOON, "the delete", async || radius.pap("2342", &made.password).contains("Access-Reject")).await;
    for answer in [radius.chap("2342", &made.password), radius.digest("2342", &made.password)] {
        assert!(answer.contains("Access-Reject"), "{answer}");
    }
    format!("PAP, CHAP and digest: Accept after {}, Reject when wrong and when deleted", ms(took))
}

pub async fn step_10_a_hostile_label_stays_a_label() -> String {
    let server = Switchboard::start().await;
    let registrar = Registrar::start(&server).await;
    let radius = Radius::start(&server).await;
    // A line with a label in it, as somebody might want it. To a VTY `!` is a comment, and what follows a line's end is not.
    let label = ("release = [", "release = [{ send = \"! {{ label }}\" }, ");
    let hlr = Hlr::start(&server, &[label]).await;
    let operator = server.sign_in("operator").await;
    let good = operator.assigns("cellular", "2401").await;
    hlr.sees(&good.id, "901700000000001").await;
    let kept = [("901700000000001".to_owned(), "2401".to_owned())];
    within(LONG, "the good card", async || hlr.subscribers().await == kept).await;

    let user = server.sign_in("user").await;
    let made = user.registers("sip", "2342", HOSTILE).await;
    let phone = registrar.phone("2342").await;
    within(LONG, "REGISTER", async || phone.registers(&made.password).await == [401, 200]).await;
    assert_eq!(registrar.numbers(), ["2342", "5000", "5003", "5008"]);
    within(LONG, "PAP", async || radius.pap("2342", &made.password).contains("Access-Accept")).await;
    let answer = radius.pap("2342", &made.password);
    let shown = HOSTILE.replace('"', "\\\"");
    assert!(answer.contains(&format!("Reply-Message = \"{shown}\"")), "{answer}");
    let evil = user.registers("cellular", "2402", "x subscriber imsi 901700000000009 create").await;
    hlr.sees(&evil.id, "901700000000002").await;
    // The record is refused and named; nothing of it is said to the system, and the others go on.
    let is_refused = async || {
        let consumer = server.consumer("osmo-hlr").await;
        consumer["errors"].as_array().unwrap().iter().any(|e| e["number"] == "2402" && e["code"] == "TEMPLATE")
    };
    within(LONG, "the error", is_refused).await;
    assert_eq!(hlr.subscribers().await, kept);
    hlr.sees(&good.id, "901700000000003").await;
    let replaced = [("901700000000003".to_owned(), "2401".to_owned())];
    within(LONG, "the others", async || hlr.subscribers().await == replaced).await;
    "data in SQL and RADIUS, refused for a command line, and the rest goes on".to_owned()
}

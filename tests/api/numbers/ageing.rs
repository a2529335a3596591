//! Ageing: a released number is not assigned again before the telephone systems have removed it.

use std::time::Duration;

use serde_json::json;

use super::{history, registers_and_deletes_2342};
use crate::support::{Scope, TestApp};

pub async fn a_released_number_ages_until_its_systems_acknowledge(app: TestApp) {
    let (admin, user, operator) = (app.admin().await, app.user().await, app.operator().await);
    let system = admin.connects_system(Scope::ReadConfig, "sip").await;
    system.becomes_consumer(&admin, "pbx").await;
    registers_and_deletes_2342(&user).await;
    assert_eq!(user.releases_hold("2342").await.ok()["number"]["state"], "AGING");
    let by_last_owner = user.registers("sip", "2342").await;
    assert_eq!(by_last_owner.code(), "NUMBER_UNAVAILABLE", "ageing applies to the last owner too");
    let refused = operator.reserves("2342", "user").await;
    assert_eq!((&refused["errors"][0]["from"], &refused["errors"][0]["to"]), (&json!("AGING"), &json!("RESERVED")));
    system.acknowledges("pbx").await;
    app.expire_due_numbers().await;
    assert_eq!(history(&operator, "2342").await, ["IN_SERVICE user", "HELD user", "AGING user", "AVAILABLE system"]);
    registers_and_deletes_2342(&user).await;
    app.clock.advance(Duration::from_secs(1801));
    app.expire_due_numbers().await;
    let ageing = operator.number("2342").await;
    assert_eq!((&ageing["state"], &ageing["until"]), (&json!("AGING"), &json!("2026-08-21T10:00:00Z")), "{ageing}");
    app.clock.advance(Duration::from_secs(24 * 3600));
    app.expire_due_numbers().await;
    assert_eq!(operator.number("2342").await["state"], "AVAILABLE", "ageing ends after a day without acknowledgement");
}

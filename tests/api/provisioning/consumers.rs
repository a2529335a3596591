//! `consumersChanged`: the progress of consumers as it happens.

use std::time::Duration;

use crate::support::{Scope, TestApp};

const SUBSCRIPTION: &str = "subscription { consumersChanged(event: \"demo\") { slug } }";

pub async fn a_subscriber_gets_the_progress_of_a_consumer(app: TestApp) {
    let (admin, user) = (app.admin().await, app.user().await);
    let system = admin.connects_system(Scope::ReadConfig, "sip").await;
    let mut events = user.subscribe(SUBSCRIPTION).await;
    // The response's head can arrive before the subscription reads its first state; nothing shows when it has.
    tokio::time::sleep(Duration::from_millis(300)).await;
    system.becomes_consumer(&admin, "Kamailio").await;
    assert_eq!(events.next().await["data"]["consumersChanged"]["slug"], "demo");
    user.registers("sip", "2342").await.ok();
    assert_eq!(events.next().await["data"]["consumersChanged"]["slug"], "demo");
    system.acknowledges("Kamailio").await;
    assert_eq!(events.next().await["data"]["consumersChanged"]["slug"], "demo");
    let guest = app.guest().query(SUBSCRIPTION).await;
    assert_ne!(guest.rejection(), "none", "{guest}");
}

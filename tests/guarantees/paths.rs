//! Whatever changes what a feed shows is told in it. After each step every system reads on, and its copy must be what holds.

use serde_json::{Value, json};

use super::ground::ServicesInner;
use super::system::System;
use super::ways::Way;
use super::{PASSWORD, ban, bar, invited, mutate, registered, renumber};
use crate::support::{Actor, TestApp};

struct Stage {
    ground: ServicesInner,
    user: Actor,
    operator: Actor,
    admin: Actor,
    systems: Vec<System>,
}

impl Stage {
    async fn set(app: TestApp, way: Way) -> Self {
        let ground = ServicesInner::set(app, way).await;
        let mut systems = Vec::new();
        for service_type in ["sip", "dect", "group"] {
            let scopes = "READ_CONFIG, READ_SECRETS, READ_DIGESTS, WRITE_BACK";
            systems.push(ground.system_of(scopes, "demo", service_type).await);
        }
        let (user, operator, admin) = (ground.user.clone(), ground.operator.clone(), ground.admin.clone());
        Self { ground, user, operator, admin, systems }
    }

    /// Every system reads on; those of these service types must be told something, and the others nothing.
    async fn told(&mut self, what: &str, whom: &[&str]) -> Vec<Value> {
        let mut all = Vec::new();
        for system in &mut self.systems {
            let changes = system.is_in_step().await;
            let service_type = system.desk.service_type.as_str();
            assert_eq!(!changes.is_empty(), whom.contains(&service_type), "{service_type}, {what}: {changes:?}");
            all.extend(changes);
        }
        all
    }
}

pub async fn every_path(app: TestApp, way: Way) {
    let mut stage = Stage::set(app, way).await;
    of_members(&mut stage).await;
    of_fallbacks(&mut stage).await;
    of_the_configuration(&mut stage).await;
    of_systems(&mut stage).await;
    of_an_account(&mut stage).await;
    of_the_event(&mut stage).await;
}

async fn of_members(stage: &mut Stage) {
    let group = registered(&stage.operator, "group", "3000").await;
    let extension = registered(&stage.user, "sip", "2001").await;
    stage.told("two registrations", &["sip", "group"]).await;
    let member = invited(&stage.operator, &group, "2001").await;
    stage.told("an invitation that waits", &[]).await;
    bar(&stage.operator, "2001", true).await;
    stage.told("the bar of one who is only invited", &["sip"]).await;
    bar(&stage.operator, "2001", false).await;
    mutate(&stage.user, "acceptGroupInvitation", &member, "").await;
    stage.told("a bar lifted, and a yes", &["sip", "group"]).await;
    mutate(&stage.user, "updateGroupMember", &member, ", paused: true").await;
    stage.told("a member's pause", &["group"]).await;
    mutate(&stage.operator, "updateGroupMember", &member, ", delaySeconds: 20").await;
    stage.told("a member's delay", &["group"]).await;
    bar(&stage.operator, "2001", true).await;
    stage.told("a member's bar", &["sip", "group"]).await;
    bar(&stage.operator, "2001", false).await;
    stage.told("the end of it", &["sip", "group"]).await;
    ban(&stage.admin, "user", true).await;
    stage.told("the ban of a member's owner", &["sip", "group"]).await;
    ban(&stage.admin, "user", false).await;
    stage.told("the end of it", &["sip", "group"]).await;
    stage.user = stage.ground.app.sign_in("user", PASSWORD).await;
    mutate(&stage.user, "leaveGroup", &member, "").await;
    stage.told("a member's leaving", &["group"]).await;
    let member = invited(&stage.operator, &group, "2001").await;
    mutate(&stage.user, "acceptGroupInvitation", &member, "").await;
    stage.told("its return", &["group"]).await;
    renumber(&stage.user, &extension, "2011").await;
    stage.told("a member's renumbering", &["sip", "group"]).await;
    assert_eq!(stage.systems[2].row("3000")["members"][0]["number"], "2011");
    mutate(&stage.user, "deleteExtension", &extension, "").await;
    let told = stage.told("a member's deletion", &["sip", "group"]).await;
    assert!(told.iter().any(|change| change["id"] == *extension), "{told:?}");
}

async fn of_fallbacks(stage: &mut Stage) {
    let target = registered(&stage.user, "sip", "2020").await;
    let from = registered(&stage.user, "dect", "2021").await;
    stage.told("two registrations", &["sip", "dect"]).await;
    mutate(&stage.user, "updateExtension", &from, ", fallbackNumber: \"2020\"").await;
    stage.told("a fallback", &["dect"]).await;
    renumber(&stage.user, &target, "2022").await;
    stage.told("the renumbering of a fallback's target", &["sip", "dect"]).await;
    assert_eq!(stage.systems[1].row("2021")["fallbackNumber"], "2022");
    mutate(&stage.user, "deleteExtension", &target, "").await;
    stage.told("the deletion of a fallback's target", &["sip", "dect"]).await;
    assert_eq!(stage.systems[1].row("2021")["fallbackNumber"], Value::Null);
    mutate(&stage.user, "deleteExtension", &from, "").await;
    stage.told("the end of it", &["dect"]).await;
}

async fn of_the_configuration(stage: &mut Stage) {
    registered(&stage.user, "sip", "2002").await;
    stage.told("a registration", &["sip"]).await;
    let settings = "mutation($s: JSON!) { updateServiceType(input: {slug: \"sip\", settings: $s}) { errors { code message path } } }";
    stage
        .admin
        .execute_ok(
            settings,
            json!({ "s": { "registrar": "r.example", "port": 5060, "transport": "udp", "realm": "other.example" } }),
        )
        .await;
    stage.told("a type's settings: the realm is in every digest", &["sip"]).await;

    let schema = stage.admin.execute_ok("{ serviceType(slug: \"sip\") { parameterSchema } }", json!({})).await;
    let mut schema = schema["parameterSchema"].clone();
    schema["properties"]["language"] = json!({ "type": "string", "default": "en" });
    let update = "mutation($s: JSON!, $d: JSON!) { updateServiceType(input: {slug: \"sip\", parameterSchema: $s, defaults: $d}) { errors { code message path } } }";
    stage.admin.execute_ok(update, json!({ "s": schema, "d": { "language": "en" } })).await;
    stage.told("a schema's new default", &["sip"]).await;
    assert_eq!(stage.systems[0].row("2002")["parameters"]["language"], "en");

    let create = "mutation { createCallPermission(input: {slug: \"satellite\", name: \"Satellite\"}) { permission { id } errors { code } } }";
    let permission = stage.admin.execute_ok(create, json!({})).await["permission"]["id"].as_str().unwrap().to_owned();
    stage.told("a permission that nobody has", &[]).await;
    let id = stage.systems[0].row("2002")["id"].as_str().unwrap().to_owned();
    mutate(&stage.operator, "setCallPermissions", &id, ", permissions: [\"satellite\"]").await;
    stage.told("a permission that is granted", &["sip"]).await;
    mutate(&stage.admin, "deleteCallPermission", &permission, "").await;
    stage.told("a permission that goes", &["sip"]).await;
}

async fn of_systems(stage: &mut Stage) {
    let id = registered(&stage.user, "dect", "2003").await;
    stage.told("a registration", &["dect"]).await;
    let writer = stage.systems[1].desk.key.clone();
    mutate(&writer, "writeBackParameters", &id, ", parameters: {ipei: \"000000000001*\"}").await;
    stage.told("what a system wrote back", &["dect"]).await;
    mutate(&writer, "writeBackParameters", &id, ", parameters: {last_registered: \"2026-08-20T10:00:00Z\"}").await;
    stage.told("what a system reports about itself", &[]).await;
}

async fn of_an_account(stage: &mut Stage) {
    ban(&stage.admin, "user", true).await;
    stage.told("a ban", &["sip", "dect"]).await;
    assert_eq!(stage.systems[1].row("2003")["restrictions"], json!(["BAN"]));
    ban(&stage.admin, "user", false).await;
    stage.told("the end of it", &["sip", "dect"]).await;
    let user = stage.ground.app.sign_in("user", PASSWORD).await;
    let delete =
        format!("mutation {{ deleteAccount(input: {{password: \"{PASSWORD}\"}}) {{ errors {{ code message }} }} }}");
    user.execute_ok(&delete, json!({})).await;
    let told = stage.told("an account's deletion", &["sip", "dect"]).await;
    assert!(told.iter().all(|change| change["extension"].is_null()), "{told:?}");
}

/// The copy is kept, and nobody finds anything any more who begins anew.
async fn of_the_event(stage: &mut Stage) {
    let archive = "mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { errors { code message } } }";
    let before: Vec<_> = stage.systems.iter().map(System::rows).collect();
    stage.admin.execute_ok(archive, json!({})).await;
    for (system, before) in stage.systems.iter_mut().zip(before) {
        assert_eq!(system.is_reset().await, "CLOSED");
        assert_eq!(system.rows(), before);
        assert_eq!(system.desk.snapshot_page(50, &Value::Null).await["snapshot"], Value::Null);
        assert_eq!(system.desk.key.get(&system.desk.path()).send().await.unwrap().status(), 410);
    }
}

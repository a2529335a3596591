//! Every write path that changes an entry's content records a feed change. After each step every reader catches up.

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::reader::Reader;
use super::transport::Transport;
use super::{PASSWORD, ban, bar, invited, mutate, registered, renumber};
use crate::support::{Actor, TestApp};

/// The people of the fixture, and one reader for each service type.
struct Stage {
    fixture: Fixture,
    user: Actor,
    operator: Actor,
    admin: Actor,
    readers: Vec<Reader>,
}

impl Stage {
    async fn new(app: TestApp, transport: Transport) -> Self {
        let fixture = Fixture::new(app, transport).await;
        let mut readers = Vec::new();
        for service_type in ["sip", "dect", "group"] {
            let scopes = "READ_CONFIG, READ_SECRETS, READ_DIGESTS, WRITE_BACK";
            readers.push(fixture.reader_with(scopes, "demo", service_type).await);
        }
        let (user, operator, admin) = (fixture.user.clone(), fixture.operator.clone(), fixture.admin.clone());
        Self { fixture, user, operator, admin, readers }
    }

    fn reader(&self, service_type: &str) -> &Reader {
        let mut readers = self.readers.iter();
        readers.find(|reader| reader.consumer.service_type == service_type).expect("a reader of this service type")
    }

    /// All readers catch up; those of `expected` service types must receive a change, the others none.
    async fn expect_changes(&mut self, cause: &str, expected: &[&str]) -> Vec<Value> {
        let mut all = Vec::new();
        for reader in &mut self.readers {
            let changes = reader.catch_up().await;
            let service_type = reader.consumer.service_type.as_str();
            assert_eq!(!changes.is_empty(), expected.contains(&service_type), "{service_type}, {cause}: {changes:?}");
            all.extend(changes);
        }
        all
    }
}

pub async fn every_write_path(app: TestApp, transport: Transport) {
    let mut stage = Stage::new(app, transport).await;
    group_members(&mut stage).await;
    fallbacks(&mut stage).await;
    configuration(&mut stage).await;
    write_backs(&mut stage).await;
    account(&mut stage).await;
    archived_event(&mut stage).await;
}

async fn group_members(stage: &mut Stage) {
    let group = registered(&stage.operator, "group", "3000").await;
    let extension = registered(&stage.user, "sip", "2001").await;
    stage.expect_changes("two registrations", &["sip", "group"]).await;
    let member = invited(&stage.operator, &group, "2001").await;
    stage.expect_changes("a pending invitation", &[]).await;
    bar(&stage.operator, "2001", true).await;
    stage.expect_changes("a bar of an invited number", &["sip"]).await;
    bar(&stage.operator, "2001", false).await;
    mutate(&stage.user, "acceptGroupInvitation", &member, "").await;
    stage.expect_changes("an unbar and an accepted invitation", &["sip", "group"]).await;
    mutate(&stage.user, "updateGroupMember", &member, ", paused: true").await;
    stage.expect_changes("a paused member", &["group"]).await;
    mutate(&stage.operator, "updateGroupMember", &member, ", delaySeconds: 20").await;
    stage.expect_changes("a member's new delay", &["group"]).await;
    bar(&stage.operator, "2001", true).await;
    stage.expect_changes("a barred member", &["sip", "group"]).await;
    bar(&stage.operator, "2001", false).await;
    stage.expect_changes("a lifted bar", &["sip", "group"]).await;
    ban(&stage.admin, "user", true).await;
    stage.expect_changes("a ban of a member's owner", &["sip", "group"]).await;
    ban(&stage.admin, "user", false).await;
    stage.expect_changes("a lifted ban", &["sip", "group"]).await;
    stage.user = stage.fixture.app.sign_in("user", PASSWORD).await;
    mutate(&stage.user, "leaveGroup", &member, "").await;
    stage.expect_changes("a member that leaves", &["group"]).await;
    let member = invited(&stage.operator, &group, "2001").await;
    mutate(&stage.user, "acceptGroupInvitation", &member, "").await;
    stage.expect_changes("a member that returns", &["group"]).await;
    renumber(&stage.user, &extension, "2011").await;
    stage.expect_changes("a renumbered member", &["sip", "group"]).await;
    assert_eq!(stage.reader("group").row("3000")["members"][0]["number"], "2011");
    mutate(&stage.user, "deleteExtension", &extension, "").await;
    let changes = stage.expect_changes("a deleted member", &["sip", "group"]).await;
    assert!(changes.iter().any(|change| change["id"] == *extension), "{changes:?}");
}

async fn fallbacks(stage: &mut Stage) {
    let target = registered(&stage.user, "sip", "2020").await;
    let source = registered(&stage.user, "dect", "2021").await;
    stage.expect_changes("two registrations", &["sip", "dect"]).await;
    mutate(&stage.user, "updateExtension", &source, ", fallbackNumber: \"2020\"").await;
    stage.expect_changes("a fallback", &["dect"]).await;
    renumber(&stage.user, &target, "2022").await;
    stage.expect_changes("a renumbering of a fallback's target", &["sip", "dect"]).await;
    assert_eq!(stage.reader("dect").row("2021")["fallbackNumber"], "2022");
    mutate(&stage.user, "deleteExtension", &target, "").await;
    stage.expect_changes("a deletion of a fallback's target", &["sip", "dect"]).await;
    assert_eq!(stage.reader("dect").row("2021")["fallbackNumber"], Value::Null);
    mutate(&stage.user, "deleteExtension", &source, "").await;
    stage.expect_changes("a deleted extension", &["dect"]).await;
}

async fn configuration(stage: &mut Stage) {
    registered(&stage.user, "sip", "2002").await;
    stage.expect_changes("a registration", &["sip"]).await;
    let settings = "mutation($settings: JSON!) \
                    { updateServiceType(input: {slug: \"sip\", settings: $settings}) \
                    { errors { code message path } } }";
    let new = json!({ "registrar": "r.example", "port": 5060, "transport": "udp", "realm": "other.example" });
    stage.admin.execute_ok(settings, json!({ "settings": new })).await;
    stage.expect_changes("new settings of the type: the realm is part of every digest", &["sip"]).await;

    let schema = stage.admin.execute_ok("{ serviceType(slug: \"sip\") { parameterSchema } }", json!({})).await;
    let mut schema = schema["parameterSchema"].clone();
    schema["properties"]["language"] = json!({ "type": "string", "default": "en" });
    let update = "mutation($schema: JSON!, $defaults: JSON!) \
                  { updateServiceType(input: {slug: \"sip\", parameterSchema: $schema, defaults: $defaults}) \
                  { errors { code message path } } }";
    stage.admin.execute_ok(update, json!({ "schema": schema, "defaults": { "language": "en" } })).await;
    stage.expect_changes("a new default in the schema", &["sip"]).await;
    assert_eq!(stage.reader("sip").row("2002")["parameters"]["language"], "en");

    let create = "mutation { createCallPermission(input: {slug: \"satellite\", name: \"Satellite\"}) \
        { permission { id } errors { code } } }";
    let permission = stage.admin.execute_ok(create, json!({})).await["permission"]["id"].as_str().unwrap().to_owned();
    stage.expect_changes("a permission without holders", &[]).await;
    let id = stage.reader("sip").row("2002")["id"].as_str().unwrap().to_owned();
    mutate(&stage.operator, "setCallPermissions", &id, ", permissions: [\"satellite\"]").await;
    stage.expect_changes("a granted permission", &["sip"]).await;
    mutate(&stage.admin, "deleteCallPermission", &permission, "").await;
    stage.expect_changes("a deleted permission", &["sip"]).await;
}

async fn write_backs(stage: &mut Stage) {
    let id = registered(&stage.user, "dect", "2003").await;
    stage.expect_changes("a registration", &["dect"]).await;
    let writer = stage.reader("dect").consumer.key.clone();
    mutate(&writer, "writeBackParameters", &id, ", parameters: {ipei: \"000000000001*\"}").await;
    stage.expect_changes("a write-back of a configuration parameter", &["dect"]).await;
    mutate(&writer, "writeBackParameters", &id, ", parameters: {last_registered: \"2026-08-20T10:00:00Z\"}").await;
    stage.expect_changes("a write-back of a status parameter", &[]).await;
}

async fn account(stage: &mut Stage) {
    ban(&stage.admin, "user", true).await;
    stage.expect_changes("a banned account", &["sip", "dect"]).await;
    assert_eq!(stage.reader("dect").row("2003")["restrictions"], json!(["BAN"]));
    ban(&stage.admin, "user", false).await;
    stage.expect_changes("a lifted ban", &["sip", "dect"]).await;
    let user = stage.fixture.app.sign_in("user", PASSWORD).await;
    let delete =
        format!("mutation {{ deleteAccount(input: {{password: \"{PASSWORD}\"}}) {{ errors {{ code message }} }} }}");
    user.execute_ok(&delete, json!({})).await;
    let changes = stage.expect_changes("a deleted account", &["sip", "dect"]).await;
    assert!(changes.iter().all(|change| change["extension"].is_null()), "{changes:?}");
}

/// Replicas keep their rows; snapshots of an archived event are empty.
async fn archived_event(stage: &mut Stage) {
    let archive = "mutation { updateEvent(input: {slug: \"demo\", phase: ARCHIVED}) { errors { code message } } }";
    let before: Vec<_> = stage.readers.iter().map(Reader::rows).collect();
    stage.admin.execute_ok(archive, json!({})).await;
    for (reader, before) in stage.readers.iter_mut().zip(before) {
        assert_eq!(reader.expect_reset().await, "CLOSED");
        assert_eq!(reader.rows(), before);
        assert_eq!(reader.consumer.snapshot_page(50, &Value::Null).await["snapshot"], Value::Null);
        assert_eq!(reader.consumer.key.get(&reader.consumer.path()).send().await.unwrap().status(), 410);
    }
}

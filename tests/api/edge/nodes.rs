//! `node` and `nodes`: objects by their ids.

use serde_json::{Value, json};

use crate::support::{Actor, Scope, TestApp};

async fn nodes(actor: &Actor, ids: &[String]) -> Value {
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    actor.query_with(query, json!({ "ids": ids })).await.ok()
}

async fn node(actor: &Actor, id: &str) -> Value {
    actor.query_with("query($id: ID!) { node(id: $id) { __typename id } }", json!({ "id": id })).await.ok()
}

/// An object in the table of the test.
struct Object {
    name: &'static str,
    id: String,
}

/// The object at a JSON pointer in a response.
fn object(name: &'static str, response: &Value, pointer: &str) -> Object {
    let id = response.pointer(pointer).and_then(Value::as_str);
    Object { name, id: id.unwrap_or_else(|| panic!("{pointer} of {response}")).to_owned() }
}

/// One object of each kind, most of them of the account `user`.
async fn one_of_each_kind(admin: &Actor, user: &Actor) -> Vec<Object> {
    let extension = user.registers("sip", "2342").await;
    let group = user.registers("group", "2400").await.id();
    let membership = user.invites(&group, "2342").await;
    let barred = admin.bars("2342").await;
    let template =
        json!({ "serviceType": "sip", "name": "list", "contentType": "text/plain", "format": "TEXT", "source": "x" });
    let template = admin.mutate("saveTemplate", template, "template { id }").await;
    let draft = admin.mutate("createEvent", json!({ "slug": "secret", "name": "Secret" }), "event { id }").await;
    let draft_range = json!({ "event": "secret", "first": "20", "last": "29", "label": "x" });
    let draft_range = admin.mutate("createNumberRange", draft_range, "range { id }").await;
    let query = "{ event(slug: \"demo\") { id ranges { id } } serviceType(slug: \"sip\") { id } callPermissions { id } \
                 auditEvents(first: 1) { nodes { id } } }";
    let shared = admin.execute(query, json!({})).await;
    let viewer = user.query("{ viewer { id sessions { id } } }").await;
    vec![
        object("account", &viewer, "/id"),
        object("session", &viewer, "/sessions/0/id"),
        object("restriction", &barred, "/number/restrictions/0/id"),
        object("event", &shared, "/data/event/id"),
        object("range", &shared, "/data/event/ranges/0/id"),
        object("draft event", &draft, "/event/id"),
        object("draft's range", &draft_range, "/range/id"),
        object("service type", &shared, "/data/serviceType/id"),
        object("permission", &shared, "/data/callPermissions/0/id"),
        object("template", &template, "/template/id"),
        object("number", &barred, "/number/id"),
        object("extension", &extension, "/extension/id"),
        object("membership", &membership, "/member/id"),
        object("audit event", &shared, "/data/auditEvents/nodes/0/id"),
    ]
}

pub async fn a_caller_finds_only_what_it_may_see(app: TestApp) {
    let (admin, operator, user) = (app.admin().await, app.operator().await, app.user().await);
    let mallory = app.new_account("mallory").await;
    let sip = admin.connects_system(Scope::ReadConfig, "sip").await;
    let dect = admin.connects_system(Scope::ReadConfig, "dect").await;
    let mut objects = one_of_each_kind(&admin, &user).await;
    objects.push(Object { name: "key", id: sip.key.id.clone() });
    objects.push(Object { name: "consumer", id: sip.becomes_consumer(&admin, "pbx").await });
    let ids: Vec<_> = objects.iter().map(|object| object.id.clone()).collect();
    let mut columns = Vec::new();
    for actor in [&app.guest(), &mallory, &user, &operator, &admin, &sip.key, &dect.key] {
        let found = nodes(actor, &ids).await;
        let found = found.as_array().unwrap().clone();
        for (found, id) in found.iter().zip(&ids) {
            assert!(found.is_null() || found["id"] == id.as_str(), "{found} is not {id}");
            assert_eq!(&node(actor, id).await, found);
        }
        columns.push(found);
    }
    let table: Vec<_> = objects
        .iter()
        .enumerate()
        .map(|(row, object)| {
            let cells: String = columns.iter().map(|column| if column[row].is_null() { '-' } else { 'x' }).collect();
            format!("{}: {cells}", object.name)
        })
        .collect();
    // Columns: guest, another account, owner, operator, admin, key of the service type, key of another service type.
    let expected = [
        "account: --xxx--",
        "session: --x----",
        "restriction: --xxxx-",
        "event: xxxxxxx",
        "range: xxxxxxx",
        "draft event: ----x--",
        "draft's range: ----x--",
        "service type: xxxxxxx",
        "permission: xxxxxxx",
        "template: ----x--",
        "number: xxxxxxx",
        "extension: --xxxx-",
        "membership: --xxxx-",
        "audit event: ---xx--",
        "key: ----x--",
        "consumer: ---xxx-",
    ];
    assert_eq!(table, expected);
}

pub async fn an_unknown_id_is_null(app: TestApp) {
    let unknown = "0192f0c1d2e37000800000000000abcd";
    let kinds = [
        "Account",
        "Session",
        "Restriction",
        "Event",
        "NumberRange",
        "ServiceType",
        "CallPermission",
        "Template",
        "ApiKey",
        "Extension",
        "GroupMember",
        "FeedConsumer",
        "Feed",
        "Job",
        "NumberRow",
    ];
    let mut ids: Vec<_> = kinds.iter().map(|kind| format!("{kind}:{unknown}")).collect();
    ids.extend(
        ["", "Extension", "Extension:", "Extension:zz", "AuditEvent:0", "AuditEvent:x", "Number:2342", "extension:1"]
            .map(str::to_owned),
    );
    ids.push(format!("Number:{unknown}:2342"));
    ids.push("x".repeat(100_000));
    let found = nodes(&app.admin().await, &ids).await;
    assert_eq!(found, Value::Array(vec![Value::Null; ids.len()]));
}

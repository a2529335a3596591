//! Things by their ids: what one may not see is not there.

use serde_json::{Value, json};

use super::actors::{newcomer, system};
use crate::support::{Actor, TestApp};

const NODES: &str = "query($i: [ID!]!) { nodes(ids: $i) { __typename id } }";

/// The id at a place of an answer.
fn at<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {answer}"))
}

/// One of everything, most of it `user`'s: kind and id.
async fn everything(admin: &Actor, user: &Actor) -> Vec<(&'static str, String)> {
    let extension = at(&user.registers("sip", "2342").await, "/extension/id").to_owned();
    let group = at(&user.registers("group", "2400").await, "/extension/id").to_owned();
    let invite = "mutation($g: ID!) { inviteToGroup(input: {group: $g, number: \"2342\"}) { member { id } } }";
    let member = user.execute(invite, json!({ "g": group })).await;
    let bar = "mutation { barNumber(input: {event: \"demo\", number: \"2342\", reason: \"x\"}) { number { id restrictions { id } } } }";
    let barred = admin.execute(bar, json!({})).await;
    let template = "mutation { saveTemplate(input: {serviceType: \"sip\", name: \"list\", contentType: \"text/plain\", format: TEXT, source: \"x\"}) { template { id } errors { message } } }";
    let template = admin.execute(template, json!({})).await;
    let draft =
        "mutation { createEvent(input: {slug: \"secret\", name: \"Secret\"}) { event { id } errors { message } } }";
    let draft = admin.execute(draft, json!({})).await;
    let range = "mutation { createNumberRange(input: {event: \"secret\", first: \"20\", last: \"29\", label: \"x\"}) { range { id } errors { message } } }";
    let range = admin.execute(range, json!({})).await;
    let public = "{ event(slug: \"demo\") { id ranges { id } } serviceType(slug: \"sip\") { id } callPermissions { id } auditEvents(first: 1) { nodes { id } } }";
    let public = admin.execute(public, json!({})).await;
    let own = user.execute("{ viewer { id sessions { id } } }", json!({})).await;
    [
        ("account", at(&own, "/data/viewer/id")),
        ("session", at(&own, "/data/viewer/sessions/0/id")),
        ("restriction", at(&barred, "/data/barNumber/number/restrictions/0/id")),
        ("event", at(&public, "/data/event/id")),
        ("range", at(&public, "/data/event/ranges/0/id")),
        ("draft event", at(&draft, "/data/createEvent/event/id")),
        ("draft's range", at(&range, "/data/createNumberRange/range/id")),
        ("service type", at(&public, "/data/serviceType/id")),
        ("permission", at(&public, "/data/callPermissions/0/id")),
        ("template", at(&template, "/data/saveTemplate/template/id")),
        ("number", at(&barred, "/data/barNumber/number/id")),
        ("extension", extension.as_str()),
        ("membership", at(&member, "/data/inviteToGroup/member/id")),
        ("audit event", at(&public, "/data/auditEvents/nodes/0/id")),
    ]
    .map(|(kind, id)| (kind, id.to_owned()))
    .to_vec()
}

pub async fn everybody_finds_what_they_may_see(app: TestApp) {
    let (admin, user) = (app.sign_in("admin", "numberwang").await, app.sign_in("user", "numberwang").await);
    let (operator, mallory) = (app.sign_in("operator", "numberwang").await, newcomer(&app, "mallory").await);
    let (sip, dect) = (system(&admin, "READ_CONFIG", "sip").await, system(&admin, "READ_CONFIG", "dect").await);
    let mut things = everything(&admin, &user).await;
    things.push(("key", sip.id.as_str().unwrap().to_owned()));
    things.push(("consumer", sip.named(&admin, "pbx").await.as_str().unwrap().to_owned()));
    let ids: Vec<_> = things.iter().map(|(_, id)| id).collect();
    let mut columns = Vec::new();
    for person in [&app.guest(), &mallory, &user, &operator, &admin, &sip.key, &dect.key] {
        let seen = person.execute(NODES, json!({ "i": ids })).await;
        let seen = seen["data"]["nodes"].as_array().unwrap_or_else(|| panic!("{seen}")).clone();
        for (node, id) in seen.iter().zip(&ids) {
            assert!(node.is_null() || node["id"] == id.as_str(), "{node} is not {id}");
            let alone = person.execute("query($i: ID!) { node(id: $i) { __typename id } }", json!({ "i": id })).await;
            assert_eq!(&alone["data"]["node"], node);
        }
        columns.push(seen);
    }
    let table: Vec<_> = things
        .iter()
        .enumerate()
        .map(|(row, (kind, _))| {
            let seen: String = columns.iter().map(|column| if column[row].is_null() { '-' } else { 'x' }).collect();
            format!("{kind}: {seen}")
        })
        .collect();
    // A guest, somebody else, the owner, an operator, an admin, the key of its service type, the key of another.
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

pub async fn what_is_no_id_is_nothing(app: TestApp) {
    let admin = app.sign_in("admin", "numberwang").await;
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
    let seen = admin.execute(NODES, json!({ "i": ids })).await;
    let expected: Vec<_> = ids.iter().map(|_| Value::Null).collect();
    assert_eq!(seen["data"]["nodes"], Value::Array(expected), "{seen}");
}

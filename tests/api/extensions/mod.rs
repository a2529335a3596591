//! Extensions that move: to another number, to another's number, to another owner; and what follows them.

pub mod fallbacks;
mod follower;
pub mod renumber;
pub mod secrets;
pub mod swap;
pub mod transfer;
pub mod two_writers;

use serde_json::{Value, json};

use crate::support::{Actor, error_code};

const RENUMBER: &str = "mutation($i: ID!, $n: PhoneNumber!, $v: Int, $d: Boolean! = false) { renumberExtension(input: {id: $i, number: $n, expectedVersion: $v, dryRun: $d}) \
    { extension { id number version parameters } generated preview { number parameters } errors { code path ... on NumberUnavailable { suggestions } } } }";
const SWAP: &str = "mutation($a: ID!, $b: ID!) { swapNumbers(input: {first: $a, second: $b}) \
    { first { id number } second { id number } errors { code path } } }";
const TRANSFER: &str = "mutation($i: ID!, $o: String!, $v: Int) { transferExtension(input: {id: $i, owner: $o, expectedVersion: $v}) \
    { extension { id number label version owner { username } fallbackNumber parameters } generated errors { code path } } }";
const DELETE: &str = "mutation($i: ID!) { deleteExtension(input: {id: $i}) { deletedId errors { code path } } }";
const FALL_BACK: &str = "mutation($i: ID!, $n: PhoneNumber) { updateExtension(input: {id: $i, fallbackNumber: $n}) \
    { extension { id fallbackNumber version } errors { code path ... on GroupLoop { cycle } } } }";
const INVITE: &str = "mutation($g: ID!, $n: PhoneNumber!) { inviteToGroup(input: {group: $g, number: $n}) \
    { member { id membership } errors { code path ... on GroupLoop { cycle } } } }";
const ACCEPT: &str = "mutation($i: ID!) { acceptGroupInvitation(input: {id: $i}) { member { membership } errors { code path ... on GroupLoop { cycle } } } }";
const BAR: &str = "mutation($n: PhoneNumber!) { barNumber(input: {event: \"demo\", number: $n, reason: \"noise\"}) { number { number } errors { code } } }";
const BAN: &str =
    "mutation { banAccount(input: {username: \"user\", reason: \"noise\"}) { account { username } errors { code } } }";
const UNBAN: &str = "mutation { unbanAccount(input: {username: \"user\"}) { account { username } errors { code } } }";

/// What an answer tells of its one field.
fn payload(answer: &Value) -> Value {
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"].as_object().and_then(|data| data.values().next()).unwrap_or(&Value::Null).clone()
}

/// Asks for something that must succeed, and gives its payload.
async fn done(person: &Actor, query: &str, variables: Value) -> Value {
    let payload = payload(&person.execute(query, variables).await);
    assert_eq!(error_code(&payload), "none", "{query}: {payload}");
    payload
}

/// Asks for something that must be refused, and gives the code and the place of the refusal.
async fn refused(person: &Actor, query: &str, variables: Value) -> String {
    let payload = payload(&person.execute(query, variables).await);
    let path = payload["errors"][0]["path"].as_array().cloned().unwrap_or_default();
    let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
    format!("{} at {}", error_code(&payload), path.join("."))
}

/// The code of a refusal at the top of the answer.
async fn denied(person: &Actor, query: &str, variables: Value) -> String {
    person.execute(query, variables).await["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
}

/// Registers a number of one's own, and gives the extension's id.
async fn registered(person: &Actor, service_type: &str, number: &str) -> String {
    let payload = person.registers(service_type, number).await;
    payload["extension"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {payload}")).to_owned()
}

/// The extension of a number, as somebody sees it.
async fn extension(person: &Actor, number: &str) -> Value {
    let query = "query($n: PhoneNumber!) { extension(event: \"demo\", number: $n) \
                 { id number version fallbackNumber active parameters owner { username } serviceType { slug } memberOf { id groupNumber membership } } }";
    person.execute(query, json!({ "n": number })).await["data"]["extension"].clone()
}

/// Where a number is in its life, as an operator sees it: state, whose, until when.
async fn number(operator: &Actor, number: &str) -> Value {
    let query = "query($n: PhoneNumber!) { number(event: \"demo\", number: $n) { state account { username } until extension { number } } }";
    operator.execute(query, json!({ "n": number })).await["data"]["number"].clone()
}

/// Makes a service type of one parameter, or more.
async fn make_type(admin: &Actor, slug: &str, properties: Value) {
    let create = "mutation($s: String!, $p: JSON!) { createServiceType(input: {slug: $s, name: $s, parameterSchema: $p}) { serviceType { slug } errors { code message } } }";
    done(admin, create, json!({ "s": slug, "p": { "type": "object", "properties": properties } })).await;
}

/// Assigns a number of a service type to somebody, and gives the payload.
async fn assigned(operator: &Actor, service_type: &str, number: &str, owner: &str, parameters: Value) -> Value {
    let assign = "mutation($t: String!, $n: PhoneNumber!, $o: String!, $p: JSON) { assignExtension(input: {event: \"demo\", serviceType: $t, number: $n, owner: $o, label: \"A\", parameters: $p}) \
                  { extension { id number parameters } generated errors { code message } } }";
    done(operator, assign, json!({ "t": service_type, "n": number, "o": owner, "p": parameters })).await
}

//! The twelve guarantees of the provisioning feed. Each is written once and runs for every transport, on both
//! databases: `sqlite::guarantees::guarantee_06_every_previous_key::web_hook`.
//!
//! The components are real: a server over TCP, a web hook endpoint that verifies signatures, the agent as a process
//! with its own database. `transport.rs` lists what does not apply to a transport, with the reason. The README's
//! developer section has the same table, and the table of the mutations of the code that make each test fail.

mod agent_process;
mod commits;
mod content;
pub mod feed_client;
mod fixture;
mod keys;
mod order;
mod positions;
mod reader;
pub mod replica;
mod transport;
mod web_hook;
mod write_paths;

use std::pin::Pin;

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::{Actor, ApiClient, TestApp};
use transport::{Aspect, Transport};

/// The test body of a guarantee, for one transport.
type Scenario = fn(TestApp, Transport) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A guarantee of the feed.
struct Guarantee {
    name: &'static str,
    scenario: Scenario,
    /// The aspect without which a transport does not have the guarantee at all.
    required: Option<Aspect>,
}

/// A guarantee for one transport.
pub struct GuaranteeTest {
    pub name: String,
    pub scenario: Scenario,
    pub transport: Transport,
}

macro_rules! guarantees {
    ($($name:ident = $module:ident :: $scenario:ident $(requires $required:ident)?),+ $(,)?) => {
        /// Every guarantee, by the name of its test.
        const GUARANTEES: &[Guarantee] = &[$(Guarantee {
            name: stringify!($name),
            scenario: |app, transport| Box::pin($module::$scenario(app, transport)),
            required: guarantees!(@required $($required)?),
        }),+];
    };
    (@required) => { None };
    (@required $required:ident) => { Some(Aspect::$required) };
}

guarantees! {
    guarantee_01_delivered_if_and_only_if_committed = commits::delivered_if_and_only_if_committed,
    guarantee_02_commit_order = order::commit_order,
    guarantee_03_snapshot_and_tail = order::snapshot_and_tail,
    guarantee_04_independent_positions = positions::independent_positions,
    guarantee_05_distinct_versions = positions::distinct_versions,
    guarantee_06_every_previous_key = keys::every_previous_key,
    guarantee_07_cursor_validation = positions::cursor_validation,
    guarantee_08_complete_transactions = keys::complete_transactions,
    guarantee_09_poison_record_does_not_block = content::poison_record_does_not_block,
    guarantee_10_notification = positions::notification requires Notification,
    guarantee_11_secrets_are_not_copied = content::secrets_are_not_copied,
    guarantee_12_every_write_path = write_paths::every_write_path,
}

/// Each guarantee for each transport that it applies to.
pub fn tests() -> impl Iterator<Item = GuaranteeTest> {
    let for_transports = |guarantee: &'static Guarantee| {
        let applies = |transport: &Transport| guarantee.required.is_none_or(|aspect| transport.supports(aspect));
        Transport::ALL.into_iter().filter(applies).map(|transport| GuaranteeTest {
            name: format!("guarantees::{}::{}", guarantee.name, transport.name()),
            scenario: guarantee.scenario,
            transport,
        })
    };
    GUARANTEES.iter().flat_map(for_transports)
}

/// Compares the README with the names of these tests and with the table of exclusions.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("guarantees::readme_lists_every_guarantee", || {
        let readme = include_str!("../README.md");
        let names = GUARANTEES.iter().map(|guarantee| format!("`{}`", guarantee.name));
        match names.chain(transport::readme_rows()).find(|text| !readme.contains(text)) {
            Some(text) => Err(format!("the README does not contain: {text}").into()),
            None => Ok(()),
        }
    })]
}

/// The password of the demo's accounts.
pub const PASSWORD: &str = "numberwang";

/// An API key of a test, with its id.
pub struct ApiKey {
    pub client: Actor,
    pub id: String,
}

/// Creates an API key for all events and these service types.
pub async fn key(app: &TestApp, scopes: &str, service_types: &str) -> Actor {
    create_key(app, scopes, service_types).await.client
}

/// Creates an API key for all events and these service types, and returns its id too.
pub async fn create_key(app: &TestApp, scopes: &str, service_types: &str) -> ApiKey {
    let admin = app.sign_in("admin", PASSWORD).await;
    let create = format!(
        "mutation {{ createApiKey(input: {{label: \"k\", scopes: [{scopes}], serviceTypes: [{service_types}], \
         allEvents: true}}) \
         {{ apiKey {{ id }} secret errors {{ code message }} }} }}"
    );
    let created = admin.execute_ok(&create, json!({})).await;
    ApiKey {
        client: app.with_token(created["secret"].as_str().unwrap()),
        id: created["apiKey"]["id"].as_str().unwrap().to_owned(),
    }
}

/// Registers an extension, and returns its id.
pub async fn registered(person: &Actor, service_type: &str, number: &str) -> String {
    let payload = person.registers(service_type, number).await;
    payload["extension"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {payload}")).to_owned()
}

/// Calls a mutation on the object with this id; `arguments` is appended to its input.
pub async fn mutate(caller: &ApiClient, mutation: &str, id: &str, arguments: &str) {
    let query = format!(
        "mutation($id: ID!) {{ {mutation}(input: {{id: $id {arguments}}}) {{ errors {{ code message path }} }} }}"
    );
    caller.execute_ok(&query, json!({ "id": id })).await;
}

/// Changes a label.
pub async fn relabel(person: &Actor, id: &str, label: &str) {
    mutate(person, "updateExtension", id, &format!(", label: \"{label}\"")).await;
}

/// Assigns another number to an extension.
pub async fn renumber(person: &ApiClient, id: &str, number: &str) {
    mutate(person, "renumberExtension", id, &format!(", number: \"{number}\"")).await;
}

/// Bars or unbars a number of the demo event.
pub async fn bar(operator: &Actor, number: &str, barred: bool) {
    let (mutation, reason) = if barred { ("barNumber", ", reason: \"noise\"") } else { ("unbarNumber", "") };
    let query = format!(
        "mutation {{ {mutation}(input: {{event: \"demo\", number: \"{number}\"{reason}}}) {{ errors {{ code }} }} }}"
    );
    operator.execute_ok(&query, json!({})).await;
}

/// Bans an account, or lifts its ban.
pub async fn ban(admin: &Actor, username: &str, banned: bool) {
    let (mutation, reason) = if banned { ("banAccount", ", reason: \"x\"") } else { ("unbanAccount", "") };
    let query =
        format!("mutation {{ {mutation}(input: {{username: \"{username}\"{reason}}}) {{ errors {{ code }} }} }}");
    admin.execute_ok(&query, json!({})).await;
}

/// Invites a number into a group, and returns the membership's id.
pub async fn invited(owner: &Actor, group: &str, number: &str) -> String {
    let query = "mutation($group: ID!, $number: PhoneNumber!) { inviteToGroup(input: {group: $group, number: $number}) \
                 { member { id } errors { code message } } }";
    let payload = owner.execute_ok(query, json!({ "group": group, "number": number })).await;
    payload["member"]["id"].as_str().unwrap().to_owned()
}

//! The twelve guarantees of the provisioning feed, each written once and run for every way of reading, on both databases:
//! `sqlite::guarantees::guarantee_06_every_key_is_told::web_hook`.
//!
//! The parts are real: a server over TCP, a receiver that checks signatures, the agent as a process with a database of its own.
//! What a way cannot show is in `ways.rs` with the reason. The README's developer part has that table too, and the one of what
//! was taken away in the code to see each of them fail.

mod agent;
mod called;
mod commits;
mod content;
pub mod copy;
mod ground;
mod keys;
mod order;
mod paths;
mod positions;
pub mod reading;
mod system;
mod ways;

use std::pin::Pin;

use libtest_mimic::Trial;
use serde_json::json;

use crate::support::{Actor, ApiClient, TestApp};
use ways::{Part, Way};

/// What shows a guarantee.
type Scenario = fn(TestApp, Way) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! guarantees {
    ($($name:ident = $module:ident :: $scenario:ident),+ $(,)?) => {
        /// Every guarantee, by the name of its test.
        const GUARANTEES: &[(&str, Scenario)] = &[$((stringify!($name), |app, way| Box::pin($module::$scenario(app, way)))),+];
    };
}

guarantees! {
    guarantee_01_told_if_and_only_if_committed = commits::told_if_and_only_if_committed,
    guarantee_02_commit_order = order::commit_order,
    guarantee_03_snapshot_and_tail = order::snapshot_and_tail,
    guarantee_04_own_positions = positions::own_positions,
    guarantee_05_versions_differ = positions::versions_differ,
    guarantee_06_every_key_is_told = keys::every_key_is_told,
    guarantee_07_cursors_check_themselves = positions::cursors_check_themselves,
    guarantee_08_pages_are_whole = keys::pages_are_whole,
    guarantee_09_poison_blocks_nobody = content::poison_blocks_nobody,
    guarantee_10_doorbell = positions::doorbell,
    guarantee_11_secrets_are_not_copied = content::secrets_are_not_copied,
    guarantee_12_every_path = paths::every_path,
}

/// Each guarantee for each way that has it.
pub fn tests() -> impl Iterator<Item = (String, Scenario, Way)> {
    let of_ways = |(name, scenario): &'static (&'static str, Scenario)| {
        let ways =
            Way::ALL.into_iter().filter(move |way| *name != "guarantee_10_doorbell" || way.shows(Part::Notifier));
        ways.map(move |way| (format!("guarantees::{name}::{}", way.name()), *scenario, way))
    };
    GUARANTEES.iter().flat_map(of_ways)
}

/// The README has the names of all these tests, and the table of what is left out.
pub fn trials() -> Vec<Trial> {
    vec![Trial::test("guarantees::the_readme_has_them", || {
        let readme = include_str!("../README.md");
        let names = GUARANTEES.iter().map(|(name, _)| format!("`{name}`"));
        match names.chain(ways::readme_rows()).find(|text| !readme.contains(text)) {
            Some(text) => Err(format!("the README does not hold: {text}").into()),
            None => Ok(()),
        }
    })]
}

/// The password of the demo's people.
pub const PASSWORD: &str = "numberwang";

/// A key for all events and these service types.
pub async fn key(app: &TestApp, scopes: &str, service_types: &str) -> Actor {
    key_and_id(app, scopes, service_types).await.0
}

/// A key, and its id.
pub async fn key_and_id(app: &TestApp, scopes: &str, service_types: &str) -> (Actor, String) {
    let admin = app.sign_in("admin", PASSWORD).await;
    let create = format!(
        "mutation {{ createApiKey(input: {{label: \"k\", scopes: [{scopes}], serviceTypes: [{service_types}], allEvents: true}}) \
         {{ apiKey {{ id }} secret errors {{ code message }} }} }}"
    );
    let made = admin.execute_ok(&create, json!({})).await;
    (app.with_token(made["secret"].as_str().unwrap()), made["apiKey"]["id"].as_str().unwrap().to_owned())
}

/// Registers an extension, and gives its id.
pub async fn registered(person: &Actor, service_type: &str, number: &str) -> String {
    let made = person.registers(service_type, number).await;
    made["extension"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {made}")).to_owned()
}

/// Does a mutation on the thing of an id, with more arguments behind it.
pub async fn mutate(person: &ApiClient, mutation: &str, id: &str, more: &str) {
    let query =
        format!("mutation($i: ID!) {{ {mutation}(input: {{id: $i {more}}}) {{ errors {{ code message path }} }} }}");
    person.execute_ok(&query, json!({ "i": id })).await;
}

/// Changes a label.
pub async fn relabel(person: &Actor, id: &str, label: &str) {
    mutate(person, "updateExtension", id, &format!(", label: \"{label}\"")).await;
}

/// Gives an extension another number.
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

/// Invites a number into a group, and gives the membership's id.
pub async fn invited(owner: &Actor, group: &str, number: &str) -> String {
    let query = "mutation($g: ID!, $n: PhoneNumber!) { inviteToGroup(input: {group: $g, number: $n}) { member { id } errors { code message } } }";
    let made = owner.execute_ok(query, json!({ "g": group, "n": number })).await;
    made["member"]["id"].as_str().unwrap().to_owned()
}

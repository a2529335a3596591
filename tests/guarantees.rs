//! The twelve guarantees of the provisioning feed, one test each, asked over HTTP on both databases.
//!
//! The README's developer part has the table of what was taken away in the code to see each of them fail.

mod commits;
mod content;
mod keys;
mod order;
mod paths;
mod positions;
pub mod system;

pub use commits::a_change_is_told_if_and_only_if_it_committed as guarantee_01_told_if_and_only_if_committed;
pub use content::{
    one_poisoned_record_blocks_nobody as guarantee_09_poison_blocks_nobody,
    secrets_are_not_copied_into_entries as guarantee_11_secrets_are_not_copied,
};
pub use keys::{
    a_page_is_applied_in_two_phases_and_whole as guarantee_08_pages_are_whole,
    what_is_gone_is_told_by_every_key as guarantee_06_every_key_is_told,
};
pub use order::{
    a_snapshot_and_its_tail_have_no_gap as guarantee_03_snapshot_and_tail,
    what_is_told_last_is_what_holds as guarantee_02_commit_order,
};
pub use paths::every_path_that_changes_what_shows_is_told as guarantee_12_every_path;
pub use positions::{
    a_cursor_checks_itself as guarantee_07_cursors_check_themselves,
    a_version_differs_after_every_change as guarantee_05_versions_differ,
    each_consumer_has_its_own_position as guarantee_04_own_positions,
    the_doorbell_may_be_lost as guarantee_10_doorbell,
};

use serde_json::json;

use crate::support::{Asker, Person, TestApp};

/// The password of the demo's people.
pub const PASSWORD: &str = "numberwang";

/// A key for all events and these service types.
pub async fn key(app: &TestApp, scopes: &str, service_types: &str) -> Person {
    key_and_id(app, scopes, service_types).await.0
}

/// A key, and its id.
pub async fn key_and_id(app: &TestApp, scopes: &str, service_types: &str) -> (Person, String) {
    let admin = app.sign_in("admin", PASSWORD).await;
    let create = format!(
        "mutation {{ createApiKey(input: {{label: \"k\", scopes: [{scopes}], serviceTypes: [{service_types}], allEvents: true}}) \
         {{ apiKey {{ id }} secret errors {{ code message }} }} }}"
    );
    let made = admin.does(&create, json!({})).await;
    (app.holding(made["secret"].as_str().unwrap()), made["apiKey"]["id"].as_str().unwrap().to_owned())
}

/// Registers an extension, and gives its id.
pub async fn registered(person: &Person, service_type: &str, number: &str) -> String {
    let made = person.registers(service_type, number).await;
    made["extension"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {made}")).to_owned()
}

/// Does a mutation on the thing of an id, with more arguments behind it.
pub async fn mutate(person: &Asker, mutation: &str, id: &str, more: &str) {
    let query =
        format!("mutation($i: ID!) {{ {mutation}(input: {{id: $i {more}}}) {{ errors {{ code message path }} }} }}");
    person.does(&query, json!({ "i": id })).await;
}

/// Changes a label.
pub async fn relabel(person: &Person, id: &str, label: &str) {
    mutate(person, "updateExtension", id, &format!(", label: \"{label}\"")).await;
}

/// Gives an extension another number.
pub async fn renumber(person: &Asker, id: &str, number: &str) {
    mutate(person, "renumberExtension", id, &format!(", number: \"{number}\"")).await;
}

/// Bars or unbars a number of the demo event.
pub async fn bar(operator: &Person, number: &str, barred: bool) {
    let (mutation, reason) = if barred { ("barNumber", ", reason: \"noise\"") } else { ("unbarNumber", "") };
    let query = format!(
        "mutation {{ {mutation}(input: {{event: \"demo\", number: \"{number}\"{reason}}}) {{ errors {{ code }} }} }}"
    );
    operator.does(&query, json!({})).await;
}

/// Bans an account, or lifts its ban.
pub async fn ban(admin: &Person, username: &str, banned: bool) {
    let (mutation, reason) = if banned { ("banAccount", ", reason: \"x\"") } else { ("unbanAccount", "") };
    let query =
        format!("mutation {{ {mutation}(input: {{username: \"{username}\"{reason}}}) {{ errors {{ code }} }} }}");
    admin.does(&query, json!({})).await;
}

/// Invites a number into a group, and gives the membership's id.
pub async fn invited(owner: &Person, group: &str, number: &str) -> String {
    let query = "mutation($g: ID!, $n: PhoneNumber!) { inviteToGroup(input: {group: $g, number: $n}) { member { id } errors { code message } } }";
    let made = owner.does(query, json!({ "g": group, "n": number })).await;
    made["member"]["id"].as_str().unwrap().to_owned()
}

/// Names a consumer of a demo feed for a key.
pub async fn consumer(app: &TestApp, name: &str, service_type: &str, key: &str) -> String {
    let query = format!(
        "mutation {{ createFeedConsumer(input: {{name: \"{name}\", event: \"demo\", serviceType: \"{service_type}\", apiKey: \"{key}\"}}) \
         {{ consumer {{ id }} errors {{ code message }} }} }}"
    );
    let made = app.sign_in("admin", PASSWORD).await.does(&query, json!({})).await;
    made["consumer"]["id"].as_str().unwrap().to_owned()
}

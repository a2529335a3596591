//! What is on the stage: one of each thing to look at, and as many to use up as are asked for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::people::{self, Cast, Column, PASSWORD};
use crate::support::Actor;

/// The number of the extension that everybody looks at: the user's.
pub const SHOWN: &str = "2001";
/// The number of the user's group.
pub const GROUP: &str = "2002";
/// A number that the user has left.
pub const HELD: &str = "2003";

/// Things by name, made when they are asked for.
pub struct Props {
    next: AtomicU32,
    shown: String,
}

async fn ask(person: &Actor, query: &str) -> Value {
    person.execute_ok(query, json!({})).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Props {
    /// Sets the stage.
    pub async fn set(cast: &Cast) -> Self {
        let props = Self { next: AtomicU32::new(0), shown: String::new() };
        let shown = extension(&cast.user, "sip", SHOWN).await;
        let group = extension(&cast.user, "group", GROUP).await;
        let left = extension(&cast.user, "sip", HELD).await;
        ask(&cast.user, &format!("mutation {{ deleteExtension(input: {{id: \"{left}\"}}) {{ errors {{ code }} }} }}"))
            .await;
        let member = membership(&cast.user, &group, &cast.operator, &props.number()).await;
        accept(&cast.operator, &member).await;
        let theirs = extension(&cast.operator, "group", &props.number()).await;
        let member = invite(&cast.operator, &theirs, SHOWN).await;
        accept(&cast.user, &member).await;
        let another = extension(&cast.operator, "group", &props.number()).await;
        membership(&cast.operator, &another, &cast.user, &props.number()).await;
        for id in [&shown, &group] {
            let grant = format!(
                "mutation {{ setCallPermissions(input: {{id: \"{id}\", permissions: [\"orga\"]}}) {{ errors {{ code }} }} }}"
            );
            ask(&cast.operator, &grant).await;
        }
        for id in [&shown, &group] {
            let fall_back = format!(
                "mutation {{ updateExtension(input: {{id: \"{id}\", fallbackNumber: \"5001\"}}) {{ errors {{ code }} }} }}"
            );
            ask(&cast.user, &fall_back).await;
        }
        for number in [SHOWN, GROUP, HELD] {
            let bar = format!(
                "mutation {{ barNumber(input: {{event: \"demo\", number: \"{number}\", reason: \"noise\"}}) {{ errors {{ code }} }} }}"
            );
            ask(&cast.operator, &bar).await;
        }
        let save = "mutation { saveTemplate(input: {serviceType: \"sip\", name: \"plain\", contentType: \"text/plain\", format: TEXT, source: \"x\"}) { errors { code } } }";
        ask(&cast.admin, save).await;
        let quota =
            "mutation { updateServiceType(input: {slug: \"sip\", quota: 1000, memberLimit: 5}) { errors { code } } }";
        ask(&cast.admin, quota).await;
        link(&cast.user, &shown).await;
        props.consumers(cast, &shown).await;
        // What is used up from now on comes behind what is looked at, whatever page that is on.
        cast.app.clock.advance(Duration::from_secs(1));
        Self { shown, ..props }
    }

    /// A consumer for each key that can acknowledge. They have failed with one record; one has compared its copy and has a web hook.
    async fn consumers(&self, cast: &Cast, shown: &str) {
        for column in Column::ALL {
            let Column::Key(scope) = column else { continue };
            let (_, id) = cast.key(scope);
            let create = format!(
                "mutation {{ createFeedConsumer(input: {{name: \"{}\", event: \"demo\", serviceType: \"sip\", apiKey: \"{id}\"}}) {{ errors {{ code }} }} }}",
                own_consumer(column)
            );
            ask(&cast.admin, &create).await;
        }
        self.of_groups(cast).await;
        let cursor = self.cursor(cast).await;
        for scope in ["READ_CONFIG", "READ_DIGESTS", "READ_SECRETS"] {
            let fail = format!(
                "mutation {{ acknowledgeProvisioning(input: {{event: \"demo\", serviceType: \"sip\", consumer: \"{}\", cursor: \"{cursor}\", \
                 errors: [{{extensionId: \"{shown}\", code: \"E1\", message: \"no\"}}]}}) {{ errors {{ code }} }} }}",
                own_consumer(Column::Key(scope))
            );
            ask(&cast.key(scope).0, &fail).await;
        }
        let (reader, _) = cast.key("READ_CONFIG");
        let feed = "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest } }";
        let digest = text(&ask(&reader, feed).await["digest"]);
        let compare = format!(
            "mutation {{ acknowledgeProvisioning(input: {{event: \"demo\", serviceType: \"sip\", consumer: \"{}\", cursor: \"{cursor}\", \
             digest: \"{digest}\"}}) {{ errors {{ code }} consumer {{ id }} }} }}",
            own_consumer(Column::Key("READ_CONFIG"))
        );
        let id = text(&ask(&reader, &compare).await["consumer"]["id"]);
        let hook = format!(
            "mutation {{ saveWebHook(input: {{consumer: \"{id}\", url: \"https://example.org/hook\"}}) {{ errors {{ code }} }} }}"
        );
        ask(&cast.admin, &hook).await;
    }

    /// A consumer of the groups' feed.
    async fn of_groups(&self, cast: &Cast) {
        let (_, id) = cast.key("READ_CONFIG");
        let create = format!(
            "mutation {{ createFeedConsumer(input: {{name: \"groups\", event: \"demo\", serviceType: \"group\", apiKey: \"{id}\"}}) {{ errors {{ code }} }} }}"
        );
        ask(&cast.admin, &create).await;
    }

    async fn cursor(&self, cast: &Cast) -> String {
        let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 1) { head } } }";
        text(&ask(&cast.key("READ_CONFIG").0, query).await["snapshot"]["head"])
    }

    fn fresh(&self) -> u32 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn number(&self) -> String {
        (2100 + self.fresh()).to_string()
    }

    /// The thing of this name, for whoever asks in this column.
    pub async fn get(&self, cast: &Cast, column: Column, name: &str) -> String {
        let (user, operator, admin) = (&cast.user, &cast.operator, &cast.admin);
        let n = self.fresh();
        match name {
            "shown" => self.shown.clone(),
            "number" => self.number(),
            "slug" | "username" => format!("x{n}"),
            "name" => format!("Name {n}"),
            "email" => format!("x{n}@example.org"),
            "nnn" => format!("{n:04}"),
            "extension" => extension(user, "sip", &self.number()).await,
            "dect" => extension(user, "dect", &self.number()).await,
            "extensionNumber" => {
                let number = self.number();
                extension(user, "sip", &number).await;
                number
            }
            "operatorsNumber" => {
                let number = self.number();
                extension(operator, "sip", &number).await;
                number
            }
            "group" => extension(user, "group", &self.number()).await,
            "groupNumber" => {
                let number = self.number();
                extension(user, "group", &number).await;
                number
            }
            "invitation" => {
                let group = extension(operator, "group", &self.number()).await;
                membership(operator, &group, user, &self.number()).await
            }
            "membership" => {
                let group = extension(operator, "group", &self.number()).await;
                let member = membership(operator, &group, user, &self.number()).await;
                accept(user, &member).await;
                member
            }
            "memberOfMine" => {
                let group = extension(user, "group", &self.number()).await;
                let member = membership(user, &group, operator, &self.number()).await;
                accept(operator, &member).await;
                member
            }
            "held" => {
                let number = self.number();
                let id = extension(user, "sip", &number).await;
                ask(user, &format!("mutation {{ deleteExtension(input: {{id: \"{id}\"}}) {{ errors {{ code }} }} }}"))
                    .await;
                number
            }
            "barred" => {
                let number = self.number();
                ask(operator, &format!("mutation {{ barNumber(input: {{event: \"demo\", number: \"{number}\", reason: \"r\"}}) {{ errors {{ code }} }} }}")).await;
                number
            }
            "reserved" => {
                let number = self.number();
                ask(operator, &format!("mutation {{ reserveNumber(input: {{event: \"demo\", number: \"{number}\", owner: \"user\"}}) {{ errors {{ code }} }} }}")).await;
                number
            }
            "account" => self.account(cast).await,
            "banned" => {
                let name = self.account(cast).await;
                ask(operator, &format!("mutation {{ banAccount(input: {{username: \"{name}\", reason: \"r\"}}) {{ errors {{ code }} }} }}")).await;
                name
            }
            "unverified" => {
                let email = format!("x{n}@example.org");
                self.register(cast, &format!("x{n}"), &email).await;
                email
            }
            "verifyToken" => {
                let email = format!("x{n}@example.org");
                self.register(cast, &format!("x{n}"), &email).await;
                people::mailed_token(&cast.app, &email).await
            }
            "resetToken" => {
                let name = self.account(cast).await;
                let email = format!("{name}@example.org");
                ask(
                    &cast.app.guest(),
                    &format!("mutation {{ requestPasswordReset(input: {{email: \"{email}\"}}) {{ accepted }} }}"),
                )
                .await;
                people::mailed_token(&cast.app, &email).await
            }
            "session" => {
                let session = cast.app.sign_in("user", PASSWORD).await;
                let sessions = ask(&session, "{ viewer { sessions { id current } } }").await;
                let current =
                    sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
                text(&current.unwrap()["id"])
            }
            "key" => {
                let create = "mutation { createApiKey(input: {label: \"k\", scopes: [READ_CONFIG], serviceTypes: [\"sip\"], events: [\"demo\"]}) { apiKey { id } } }";
                text(&ask(admin, create).await["apiKey"]["id"])
            }
            "link" => link(user, &extension(user, "sip", &self.number()).await).await,
            "range" => {
                let create = format!(
                    "mutation {{ createNumberRange(input: {{event: \"demo\", first: \"9{n:04}0\", last: \"9{n:04}9\", label: \"r\"}}) {{ range {{ id }} errors {{ code }} }} }}"
                );
                text(&ask(admin, &create).await["range"]["id"])
            }
            "permission" => {
                let create = format!(
                    "mutation {{ createCallPermission(input: {{slug: \"x{n}\", name: \"x\"}}) {{ permission {{ id }} errors {{ code }} }} }}"
                );
                text(&ask(admin, &create).await["permission"]["id"])
            }
            "template" => {
                let save = format!(
                    "mutation {{ saveTemplate(input: {{serviceType: \"dect\", name: \"x{n}\", contentType: \"text/plain\", format: TEXT, source: \"x\"}}) {{ template {{ id }} errors {{ code }} }} }}"
                );
                text(&ask(admin, &save).await["template"]["id"])
            }
            "consumer" => {
                let (_, key) = cast.key("READ_CONFIG");
                let create = format!(
                    "mutation {{ createFeedConsumer(input: {{name: \"x{n}\", event: \"demo\", serviceType: \"dect\", apiKey: \"{key}\"}}) {{ consumer {{ id }} errors {{ code }} }} }}"
                );
                text(&ask(admin, &create).await["consumer"]["id"])
            }
            "hooked" => {
                let (_, key) = cast.key("READ_CONFIG");
                let create = format!(
                    "mutation {{ createFeedConsumer(input: {{name: \"x{n}\", event: \"demo\", serviceType: \"dect\", apiKey: \"{key}\"}}) {{ consumer {{ id }} errors {{ code }} }} }}"
                );
                let id = text(&ask(admin, &create).await["consumer"]["id"]);
                let save = format!(
                    "mutation {{ saveWebHook(input: {{consumer: \"{id}\", url: \"https://example.org/hook\"}}) {{ errors {{ code }} }} }}"
                );
                ask(admin, &save).await;
                id
            }
            "ownConsumer" => own_consumer(column),
            "cursor" => self.cursor(cast).await,
            other => panic!("there is no such thing on the stage: ${other}"),
        }
    }

    async fn register(&self, cast: &Cast, username: &str, email: &str) {
        let register = format!(
            "mutation {{ registerAccount(input: {{username: \"{username}\", displayName: \"X\", email: \"{email}\", password: \"{PASSWORD}\"}}) {{ errors {{ code }} }} }}"
        );
        ask(&cast.app.guest(), &register).await;
    }

    async fn account(&self, cast: &Cast) -> String {
        let name = format!("x{}", self.fresh());
        people::newcomer(&cast.app, &name).await;
        name
    }
}

fn own_consumer(column: Column) -> String {
    match column {
        Column::Key(scope) => format!("of-{scope}"),
        _ => "of-READ_CONFIG".to_owned(),
    }
}

async fn extension(owner: &Actor, service_type: &str, number: &str) -> String {
    let made = owner.registers(service_type, number).await;
    made["extension"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {made}")).to_owned()
}

/// A softphone's link to an extension.
async fn link(owner: &Actor, extension: &str) -> String {
    let create = format!(
        "mutation {{ createSoftphoneLink(input: {{extension: \"{extension}\", template: \"linphone.xml\"}}) {{ link {{ id }} errors {{ code message }} }} }}"
    );
    text(&ask(owner, &create).await["link"]["id"])
}

async fn invite(owner: &Actor, group: &str, number: &str) -> String {
    let invite = format!(
        "mutation {{ inviteToGroup(input: {{group: \"{group}\", number: \"{number}\"}}) {{ member {{ id }} errors {{ code }} }} }}"
    );
    text(&ask(owner, &invite).await["member"]["id"])
}

/// Registers an extension of the member's, and invites it.
async fn membership(owner: &Actor, group: &str, member: &Actor, number: &str) -> String {
    extension(member, "sip", number).await;
    invite(owner, group, number).await
}

async fn accept(member: &Actor, membership: &str) {
    let accept = format!(
        "mutation {{ acceptGroupInvitation(input: {{id: \"{membership}\"}}) {{ member {{ id }} errors {{ code }} }} }}"
    );
    ask(member, &accept).await;
}

//! The objects that the requests refer to: one of each kind to read, and new ones for each request that changes them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use super::callers::{Caller, Callers};
use crate::support::{Actor, PASSWORD, Response, Scope, string};

/// The number of the user's extension that every caller reads.
pub const SHOWN: &str = "2001";
/// The number of the user's group.
pub const GROUP: &str = "2002";
/// A number that is held for the user.
pub const HELD: &str = "2003";

/// The objects. Those with names are created by [`Self::get`].
pub struct Fixtures {
    counter: AtomicU32,
    /// The id of the extension [`SHOWN`].
    shown: String,
}

impl Fixtures {
    /// Creates the objects that every caller reads.
    pub async fn create(callers: &Callers) -> Self {
        let Callers { app, user, operator, admin, .. } = callers;
        let shown = user.registers("sip", SHOWN).await.id();
        // Two digits: a username has at least three characters.
        let fixtures = Self { counter: AtomicU32::new(10), shown: shown.clone() };
        let group = user.registers("group", GROUP).await.id();
        let deleted = user.registers("sip", HELD).await.id();
        user.deletes(&deleted).await.ok();
        let membership = fixtures.invite_new_extension(user, &group, operator).await;
        operator.accepts(&membership).await.ok();
        let of_operator = fixtures.register(operator, "group").await.id();
        let membership = operator.invites(&of_operator, SHOWN).await.id();
        user.accepts(&membership).await.ok();
        let other_group = fixtures.register(operator, "group").await.id();
        fixtures.invite_new_extension(operator, &other_group, user).await;
        for id in [&shown, &group] {
            let grant = json!({ "id": id, "permissions": ["orga"] });
            operator.mutate("setCallPermissions", grant, "").await.ok();
            user.sets_fallback(id, Some("5001")).await.ok();
        }
        for number in [SHOWN, GROUP, HELD] {
            operator.bars(number).await.ok();
        }
        save_template(admin, "sip", "plain").await.ok();
        admin.updates_service_type("sip", json!({ "quota": 1000, "memberLimit": 5 })).await.ok();
        create_softphone_link(user, &shown).await.ok();
        fixtures.create_consumers(callers).await;
        // Objects that requests use up are newer than those that every caller reads, and so come after them in lists.
        app.clock.advance(Duration::from_secs(1));
        fixtures
    }

    /// Creates a consumer for each key. Three have reported an error; one of these has verified its digest and has a
    /// web hook.
    async fn create_consumers(&self, callers: &Callers) {
        for caller in Caller::ALL {
            let Caller::Key(scope) = caller else { continue };
            let key = &callers.key(scope).id;
            callers.admin.creates_consumer(&consumer_name(caller), "sip", key).await.ok();
        }
        let reader = callers.key(Scope::ReadConfig);
        callers.admin.creates_consumer("groups", "group", &reader.id).await.ok();
        let cursor = cursor(callers).await;
        let acknowledgement = |scope: Scope| {
            let consumer = consumer_name(Caller::Key(scope));
            json!({ "event": "demo", "serviceType": "sip", "consumer": consumer, "cursor": cursor })
        };
        for scope in [Scope::ReadConfig, Scope::ReadDigests, Scope::ReadSecrets] {
            let mut input = acknowledgement(scope);
            input["errors"] = json!([{ "extensionId": self.shown, "code": "E1", "message": "no" }]);
            callers.key(scope).mutate("acknowledgeProvisioning", input, "").await.ok();
        }
        let feed = reader.query("{ provisioning(event: \"demo\", serviceType: \"sip\") { digest } }").await.ok();
        let mut input = acknowledgement(Scope::ReadConfig);
        input["digest"] = feed["digest"].clone();
        let verified = reader.mutate("acknowledgeProvisioning", input, "consumer { id }").await;
        save_web_hook(&callers.admin, &verified.id()).await;
    }

    fn unique(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    fn unused_number(&self) -> String {
        (2100 + self.unique()).to_string()
    }

    async fn register(&self, actor: &Actor, service_type: &str) -> Response {
        actor.registers(service_type, &self.unused_number()).await
    }

    /// Registers an extension of `member` and invites it into a group of `owner`.
    async fn invite_new_extension(&self, owner: &Actor, group: &str, member: &Actor) -> String {
        let number = self.register(member, "sip").await["extension"]["number"].clone();
        owner.invites(group, string(&number)).await.id()
    }

    /// The text for a placeholder in a request of this caller.
    ///
    /// # Panics
    ///
    /// When there is no such placeholder.
    pub async fn get(&self, callers: &Callers, caller: Caller, placeholder: &str) -> String {
        let unique = self.unique();
        match placeholder {
            "shown" => self.shown.clone(),
            "number" => self.unused_number(),
            "slug" | "username" => format!("x{unique}"),
            "name" => format!("Name {unique}"),
            "email" => format!("x{unique}@example.org"),
            "nnn" => format!("{unique:04}"),
            "ownConsumer" => consumer_name(caller),
            "cursor" => cursor(callers).await,
            "unverified" | "verifyToken" | "resetToken" | "account" | "banned" | "session" => {
                self.account(callers, placeholder).await
            }
            "key" | "range" | "permission" | "template" | "consumer" | "hooked" => {
                self.configuration(callers, placeholder).await
            }
            "invitation" | "membership" | "memberOfMine" => self.membership(callers, placeholder).await,
            _ => self.extension_or_number(callers, placeholder).await,
        }
    }

    /// A new extension or number in the state that the placeholder names.
    async fn extension_or_number(&self, callers: &Callers, placeholder: &str) -> String {
        let (user, operator) = (&callers.user, &callers.operator);
        let number = self.unused_number();
        match placeholder {
            "extension" => return user.registers("sip", &number).await.id(),
            "dect" => return user.registers("dect", &number).await.id(),
            "group" => return user.registers("group", &number).await.id(),
            "link" => {
                let extension = user.registers("sip", &number).await.id();
                return create_softphone_link(user, &extension).await.id();
            }
            "extensionNumber" => user.registers("sip", &number).await.ok(),
            "operatorsNumber" => operator.registers("sip", &number).await.ok(),
            "groupNumber" => user.registers("group", &number).await.ok(),
            "held" => {
                let id = user.registers("sip", &number).await.id();
                user.deletes(&id).await.ok()
            }
            "barred" => operator.bars(&number).await.ok(),
            "reserved" => operator.reserves(&number, "user").await.ok(),
            other => panic!("there is no placeholder ${other}"),
        };
        number
    }

    /// A new membership in the state that the placeholder names.
    async fn membership(&self, callers: &Callers, placeholder: &str) -> String {
        let (user, operator) = (&callers.user, &callers.operator);
        let (owner, member) = if placeholder == "memberOfMine" { (user, operator) } else { (operator, user) };
        let group = self.register(owner, "group").await.id();
        let membership = self.invite_new_extension(owner, &group, member).await;
        if placeholder != "invitation" {
            member.accepts(&membership).await.ok();
        }
        membership
    }

    /// A new account in the state that the placeholder names, or a token or session of one.
    async fn account(&self, callers: &Callers, placeholder: &str) -> String {
        let app = &callers.app;
        let name = format!("x{}", self.unique());
        let email = format!("{name}@example.org");
        match placeholder {
            "session" => {
                let viewer = app.sign_in("user", PASSWORD).await.query("{ viewer { sessions { id current } } }").await;
                let sessions = viewer["sessions"].as_array().unwrap();
                string(&sessions.iter().find(|session| session["current"] == true).unwrap()["id"]).to_owned()
            }
            "unverified" | "verifyToken" => {
                app.guest().registers_account(&name, &email).await.ok();
                if placeholder == "unverified" { email } else { app.mailed_token(&email).await }
            }
            "resetToken" => {
                app.new_account(&name).await;
                app.guest().mutate("requestPasswordReset", json!({ "email": email }), "accepted").await.ok();
                app.mailed_token(&email).await
            }
            _ => {
                app.new_account(&name).await;
                if placeholder == "banned" {
                    callers.operator.bans(&name).await.ok();
                }
                name
            }
        }
    }

    /// A new object that an admin configures.
    async fn configuration(&self, callers: &Callers, placeholder: &str) -> String {
        let admin = &callers.admin;
        let unique = self.unique();
        match placeholder {
            "key" => admin.creates_key(&[Scope::ReadConfig], &["sip"]).await.id,
            "range" => {
                let (first, last) = (format!("9{unique:04}0"), format!("9{unique:04}9"));
                let input = json!({ "event": "demo", "first": first, "last": last, "label": "r" });
                admin.mutate("createNumberRange", input, "range { id }").await.id()
            }
            "permission" => {
                let input = json!({ "slug": format!("x{unique}"), "name": "x" });
                admin.mutate("createCallPermission", input, "permission { id }").await.id()
            }
            "template" => save_template(admin, "dect", &format!("x{unique}")).await.id(),
            _ => {
                let key = &callers.key(Scope::ReadConfig).id;
                let consumer = admin.creates_consumer(&format!("x{unique}"), "dect", key).await.id();
                if placeholder == "hooked" {
                    save_web_hook(admin, &consumer).await;
                }
                consumer
            }
        }
    }
}

/// The name of the consumer that a caller may acknowledge for; callers without one use a foreign consumer.
fn consumer_name(caller: Caller) -> String {
    match caller {
        Caller::Key(scope) => format!("of-{}", scope.name()),
        _ => "of-READ_CONFIG".to_owned(),
    }
}

/// The cursor of the newest revision of the SIP feed.
async fn cursor(callers: &Callers) -> String {
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { snapshot(first: 1) { head } } }";
    let feed = callers.key(Scope::ReadConfig).query(query).await.ok();
    string(&feed["snapshot"]["head"]).to_owned()
}

async fn create_softphone_link(owner: &Actor, extension: &str) -> Response {
    let input = json!({ "extension": extension, "template": "linphone.xml" });
    owner.mutate("createSoftphoneLink", input, "link { id }").await
}

async fn save_template(admin: &Actor, service_type: &str, name: &str) -> Response {
    let input = json!({ "serviceType": service_type, "name": name, "contentType": "text/plain", "format": "TEXT",
                        "source": "x" });
    admin.mutate("saveTemplate", input, "template { id }").await
}

async fn save_web_hook(admin: &Actor, consumer: &str) {
    let input = json!({ "consumer": consumer, "url": "https://example.org/hook" });
    admin.mutate("saveWebHook", input, "secret").await.ok();
}

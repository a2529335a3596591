//! The callers: the columns of the table.

use serde_json::json;

use crate::support::{Actor, ApiKey, PASSWORD, Scope, TestApp};

/// A caller of the API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    Guest,
    /// The owner of the fixtures.
    User,
    /// Another account.
    Other,
    Operator,
    Admin,
    /// A key with one scope.
    Key(Scope),
}

impl Caller {
    pub const ALL: [Self; 12] = [
        Self::Guest,
        Self::User,
        Self::Other,
        Self::Operator,
        Self::Admin,
        Self::Key(Scope::ReadConfig),
        Self::Key(Scope::ReadDigests),
        Self::Key(Scope::ReadSecrets),
        Self::Key(Scope::WriteBack),
        Self::Key(Scope::ReadDirectory),
        Self::Key(Scope::ManageGroups),
        Self::Key(Scope::ReadMetrics),
    ];

    /// The title of the column.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::User => "user",
            Self::Other => "other",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Key(scope) => scope.name(),
        }
    }

    /// The width of the column.
    pub const fn width(self) -> usize {
        if self.title().len() > 8 { self.title().len() + 2 } else { 10 }
    }
}

/// The callers with their sessions and keys.
pub struct Callers {
    pub app: TestApp,
    pub user: Actor,
    pub other: Actor,
    pub operator: Actor,
    pub admin: Actor,
    keys: Vec<(Scope, ApiKey)>,
}

impl Callers {
    pub async fn sign_in(app: &TestApp) -> Self {
        let admin = app.admin().await;
        let other = app.new_account("other").await;
        create_used_and_revoked_key(&admin).await;
        let mut keys = Vec::new();
        for caller in Caller::ALL {
            if let Caller::Key(scope) = caller {
                keys.push((scope, admin.creates_key(&[scope], &["sip", "dect", "group"]).await));
            }
        }
        Self { user: app.user().await, other, operator: app.operator().await, app: app.clone(), admin, keys }
    }

    pub fn actor(&self, caller: Caller) -> Actor {
        match caller {
            Caller::Guest => self.app.guest(),
            Caller::User => self.user.clone(),
            Caller::Other => self.other.clone(),
            Caller::Operator => self.operator.clone(),
            Caller::Admin => self.admin.clone(),
            Caller::Key(scope) => self.key(scope).actor.clone(),
        }
    }

    /// The key with this scope.
    pub fn key(&self, scope: Scope) -> &ApiKey {
        &self.keys.iter().find(|(of_key, _)| *of_key == scope).unwrap().1
    }

    /// A new account with the caller's role, for an operation that ends its session or deletes it.
    pub async fn substitute(&self, caller: Caller, username: &str) -> Actor {
        let role = match caller {
            Caller::Guest | Caller::Key(_) => return self.actor(caller),
            Caller::User | Caller::Other => "USER",
            Caller::Operator => "OPERATOR",
            Caller::Admin => "ADMIN",
        };
        self.app.new_account(username).await;
        self.admin.sets_role(username, role).await.ok();
        self.app.sign_in(username, PASSWORD).await
    }
}

/// Creates a key with an expiry time that has been used and revoked, so that all its fields have values.
async fn create_used_and_revoked_key(admin: &Actor) {
    let input = json!({ "label": "old", "scopes": [Scope::ReadConfig], "events": ["demo"], "serviceTypes": ["sip"],
                        "expiresAt": "2026-12-31T00:00:00Z" });
    let created = admin.mutate("createApiKey", input, "apiKey { id } secret").await;
    let key = admin.app.with_token(created["secret"].as_str().unwrap());
    key.query("{ provisioning(event: \"demo\", serviceType: \"sip\") { digest } }").await.ok();
    admin.revokes_key(&created.id()).await.ok();
}

//! Everybody who asks: the columns of the table.

use serde_json::json;

use crate::support::{Actor, TestApp};

/// One column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    Guest,
    User,
    Other,
    Operator,
    Admin,
    Key(&'static str),
}

impl Column {
    pub const ALL: [Self; 11] = [
        Self::Guest,
        Self::User,
        Self::Other,
        Self::Operator,
        Self::Admin,
        Self::Key("READ_CONFIG"),
        Self::Key("READ_DIGESTS"),
        Self::Key("READ_SECRETS"),
        Self::Key("WRITE_BACK"),
        Self::Key("READ_DIRECTORY"),
        Self::Key("MANAGE_GROUPS"),
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::User => "user",
            Self::Other => "other",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Key(scope) => scope,
        }
    }

    pub const fn width(self) -> usize {
        if self.title().len() > 8 { self.title().len() + 2 } else { 10 }
    }
}

/// The password of all people on the stage.
pub const PASSWORD: &str = "numberwang";

/// The people and keys on the stage, signed in.
pub struct Cast {
    pub app: TestApp,
    pub user: Actor,
    pub other: Actor,
    pub operator: Actor,
    pub admin: Actor,
    keys: Vec<(&'static str, Actor, String)>,
}

impl Cast {
    pub async fn assemble(app: &TestApp) -> Self {
        let admin = app.sign_in("admin", PASSWORD).await;
        newcomer(app, "other").await;
        a_key_that_was(app, &admin).await;
        let mut keys = Vec::new();
        for column in Column::ALL {
            if let Column::Key(scope) = column {
                let create = format!(
                    "mutation {{ createApiKey(input: {{label: \"{scope}\", scopes: [{scope}], events: [\"demo\"], \
                     serviceTypes: [\"sip\", \"dect\", \"group\"]}}) {{ apiKey {{ id }} secret }} }}"
                );
                let made = admin.execute(&create, json!({})).await["data"]["createApiKey"].clone();
                let key = app.with_token(made["secret"].as_str().unwrap());
                keys.push((scope, key, made["apiKey"]["id"].as_str().unwrap().to_owned()));
            }
        }
        Self {
            user: app.sign_in("user", PASSWORD).await,
            other: app.sign_in("other", PASSWORD).await,
            operator: app.sign_in("operator", PASSWORD).await,
            app: app.clone(),
            admin,
            keys,
        }
    }

    /// Whoever stands in the column.
    pub fn person(&self, column: Column) -> Actor {
        match column {
            Column::Guest => self.app.guest(),
            Column::User => self.user.clone(),
            Column::Other => self.other.clone(),
            Column::Operator => self.operator.clone(),
            Column::Admin => self.admin.clone(),
            Column::Key(scope) => self.key(scope).0,
        }
    }

    /// A key of this scope, and its id.
    pub fn key(&self, scope: &str) -> (Actor, String) {
        let (_, key, id) = self.keys.iter().find(|(name, _, _)| *name == scope).unwrap();
        (key.clone(), id.clone())
    }

    /// Somebody new of the column's role, whose session and account may be spent.
    pub async fn understudy(&self, column: Column, username: &str) -> Actor {
        let role = match column {
            Column::Guest | Column::Key(_) => return self.person(column),
            Column::User | Column::Other => "USER",
            Column::Operator => "OPERATOR",
            Column::Admin => "ADMIN",
        };
        newcomer(&self.app, username).await;
        let promote = format!(
            "mutation {{ setRole(input: {{username: \"{username}\", role: {role}}}) {{ errors {{ code }} }} }}"
        );
        self.admin.execute(&promote, json!({})).await;
        self.app.sign_in(username, PASSWORD).await
    }
}

/// A key that ends by itself, was used and is revoked.
async fn a_key_that_was(app: &TestApp, admin: &Actor) {
    let create = "mutation { createApiKey(input: {label: \"old\", scopes: [READ_CONFIG], events: [\"demo\"], serviceTypes: [\"sip\"], \
                  expiresAt: \"2026-12-31T00:00:00Z\"}) { apiKey { id } secret errors { code } } }";
    let made = admin.execute_ok(create, json!({})).await;
    let query = "{ provisioning(event: \"demo\", serviceType: \"sip\") { digest } }";
    app.with_token(made["secret"].as_str().unwrap()).execute_ok(query, json!({})).await;
    let revoke = "mutation($i: ID!) { revokeApiKey(input: {id: $i}) { errors { code } } }";
    admin.execute_ok(revoke, json!({ "i": made["apiKey"]["id"] })).await;
}

/// An account whose address is verified.
pub async fn newcomer(app: &TestApp, username: &str) {
    let register = "mutation($u: String!, $e: String!, $p: String!) \
                    { registerAccount(input: {username: $u, displayName: $u, email: $e, password: $p}) { errors { code } } }";
    let email = format!("{username}@example.org");
    let made = app.guest().execute(register, json!({ "u": username, "e": email, "p": PASSWORD })).await;
    assert_eq!(made["data"]["registerAccount"]["errors"], json!([]), "{made}");
    let verify = "mutation($t: String!) { verifyEmail(input: {token: $t}) { errors { code } } }";
    let verified = app.guest().execute(verify, json!({ "t": mailed_token(app, &email).await })).await;
    assert_eq!(verified["data"]["verifyEmail"]["errors"], json!([]), "{verified}");
}

/// The token of the only mail to this address that has one.
pub async fn mailed_token(app: &TestApp, email: &str) -> String {
    let mails = app.mails_to(email).await;
    let with_token = mails.iter().rev().find(|mail| mail.contains("#token=")).expect("no link in the mails");
    let token = with_token.split("#token=").nth(1).unwrap();
    token
        .split(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)))
        .next()
        .unwrap()
        .to_owned()
}

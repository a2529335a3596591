//! Operations on accounts.

use serde_json::json;

use super::{Actor, PASSWORD, Response, TestApp};

impl TestApp {
    /// Registers an account, verifies its address and signs in. The address is `username@example.org`.
    pub async fn new_account(&self, username: &str) -> Actor {
        self.guest().registers_account(username, &format!("{username}@example.org")).await.ok();
        let token = self.mailed_token(&format!("{username}@example.org")).await;
        self.guest().verifies_email(&token).await.ok();
        self.sign_in(username, PASSWORD).await
    }
}

impl Actor {
    /// Registers an account; its display name is its username.
    pub async fn registers_account(&self, username: &str, email: &str) -> Response {
        let input = json!({ "username": username, "displayName": username, "email": email, "password": PASSWORD });
        self.mutate("registerAccount", input, "account { username email }").await
    }

    pub async fn verifies_email(&self, token: &str) -> Response {
        self.mutate("verifyEmail", json!({ "token": token }), "account { username }").await
    }

    pub async fn bans(&self, username: &str) -> Response {
        self.mutate("banAccount", json!({ "username": username, "reason": "noise" }), "account { username }").await
    }

    pub async fn unbans(&self, username: &str) -> Response {
        self.mutate("unbanAccount", json!({ "username": username }), "account { username }").await
    }

    pub async fn sets_role(&self, username: &str, role: &str) -> Response {
        self.mutate("setRole", json!({ "username": username, "role": role }), "account { role }").await
    }
}

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

    pub async fn signs_in(&self, login: &str, password: &str) -> Response {
        self.mutate("signIn", json!({ "login": login, "password": password }), "token").await
    }

    pub async fn requests_password_reset(&self, email: &str) -> Response {
        self.mutate("requestPasswordReset", json!({ "email": email }), "accepted").await
    }

    pub async fn resets_password(&self, token: &str, new: &str) -> Response {
        self.mutate("resetPassword", json!({ "token": token, "newPassword": new }), "accepted").await
    }

    pub async fn changes_password(&self, current: &str, new: &str) -> Response {
        let input = json!({ "currentPassword": current, "newPassword": new });
        self.mutate("changePassword", input, "accepted").await
    }

    pub async fn changes_email(&self, email: &str, password: &str) -> Response {
        self.mutate("changeEmail", json!({ "email": email, "password": password }), "account { email }").await
    }

    pub async fn reauthenticates(&self, password: &str) -> Response {
        self.mutate("reauthenticate", json!({ "password": password }), "accepted").await
    }

    pub async fn deletes_account(&self, password: &str) -> Response {
        self.mutate("deleteAccount", json!({ "password": password }), "accepted").await
    }

    /// Whether the session still authenticates requests.
    pub async fn is_signed_in(&self) -> bool {
        self.query("{ viewer { username } }").await.rejection() != "UNAUTHENTICATED"
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

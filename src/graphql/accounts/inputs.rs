//! What clients send about accounts.

use async_graphql::{ID, InputObject};

use accounts::rules;
use crate::graphql::enums::Role as RoleName;

/// What a guest says of themselves.
#[derive(InputObject)]
pub struct RegisterAccountInput {
    /// 3 to 32 of `a-z0-9._-`; public, and never changed.
    pub username: String,
    /// The name that people see: 1 to 64 characters.
    pub display_name: String,
    /// Gets the link that proves it.
    pub email: String,
    /// 8 to 1024 bytes, anything in it; the common ones are refused.
    pub password: String,
}

impl From<RegisterAccountInput> for rules::RegisterAccount {
    fn from(input: RegisterAccountInput) -> Self {
        let RegisterAccountInput { username, display_name, email, password } = input;
        Self { username, display_name, email, password }
    }
}

/// The token of the mail's link.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// What follows `#token=`.
    pub token: String,
}

/// Where the link should go once more.
#[derive(InputObject)]
pub struct ResendVerificationInput {
    /// The address.
    pub email: String,
}

/// Who signs in.
#[derive(InputObject)]
pub struct SignInInput {
    /// Username or verified e-mail.
    pub login: String,
    /// The password.
    pub password: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The verified address.
    pub email: String,
}

/// A new password, with the token that allows it.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What follows `#token=`.
    pub token: String,
    /// 8 to 1024 bytes.
    pub new_password: String,
}

/// The first admin, with the setup link's token.
#[derive(InputObject)]
pub struct CompleteSetupInput {
    /// What follows `#token=`.
    pub token: String,
    /// 3 to 32 of `a-z0-9._-`.
    pub username: String,
    /// The name that people see.
    pub display_name: String,
    /// The admin's address.
    pub email: String,
    /// 8 to 1024 bytes.
    pub password: String,
}

/// The session to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// The session's id.
    pub id: ID,
}

/// The caller's password once more.
#[derive(InputObject)]
pub struct ReauthenticateInput {
    /// The password.
    pub password: String,
}

/// A field left out stays as it is.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// The name that people see.
    pub display_name: async_graphql::MaybeUndefined<String>,
}

/// A new address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// Gets the link that proves it.
    pub email: String,
    /// The caller's password.
    pub password: String,
}

/// A new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password until now.
    pub current_password: String,
    /// 8 to 1024 bytes.
    pub new_password: String,
}

/// Who gets which role.
#[derive(InputObject)]
pub struct SetRoleInput {
    /// The account.
    pub username: String,
    /// Its new role.
    pub role: RoleName,
}

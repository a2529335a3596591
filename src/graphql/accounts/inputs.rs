//! GraphQL inputs of accounts.

use accounts::rules;
use async_graphql::{ID, InputObject};

use crate::graphql::enums::Role as RoleName;

/// Input of a registration.
#[derive(InputObject)]
pub struct RegisterAccountInput {
    /// 3 to 32 of `a-z0-9._-`; public, and never changed.
    pub username: String,
    /// The display name: 1 to 64 characters.
    pub display_name: String,
    /// The address that the verification link is mailed to. Its domain is stored in A-labels (`xn--…`). An account whose address
    /// is not verified within 7 days is removed.
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
    /// The text after `#token=` in the link.
    pub token: String,
}

/// The address for another verification link.
#[derive(InputObject)]
pub struct ResendVerificationInput {
    /// The address.
    pub email: String,
}

/// Credentials of a sign-in.
#[derive(InputObject)]
pub struct SignInInput {
    /// Username or verified e-mail.
    pub login: String,
    /// The password.
    pub password: String,
}

/// The account whose password is reset.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The verified address.
    pub email: String,
}

/// A new password, with the token that authorizes it.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// The text after `#token=` in the link.
    pub token: String,
    /// 8 to 1024 bytes.
    pub new_password: String,
}

/// The first admin, with the setup link's token.
#[derive(InputObject)]
pub struct CompleteSetupInput {
    /// The text after `#token=` in the link.
    pub token: String,
    /// 3 to 32 of `a-z0-9._-`.
    pub username: String,
    /// The display name.
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

/// The caller's password.
#[derive(InputObject)]
pub struct ReauthenticateInput {
    /// The password.
    pub password: String,
}

/// Fields that are left out stay unchanged.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// The display name.
    pub display_name: async_graphql::MaybeUndefined<String>,
}

/// A new address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The address that the verification link is mailed to.
    pub email: String,
    /// The caller's password.
    pub password: String,
}

/// A new password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The current password.
    pub current_password: String,
    /// 8 to 1024 bytes.
    pub new_password: String,
}

/// The account and its new role.
#[derive(InputObject)]
pub struct SetRoleInput {
    /// The account.
    pub username: String,
    /// Its new role.
    pub role: RoleName,
}

//! GraphQL mutations of accounts.

use std::sync::Arc;

use accounts::rules;
use async_graphql::{Context, Object};

use super::cookie::SessionCookie;
use super::inputs::{
    ChangeEmailInput, ChangePasswordInput, CompleteSetupInput, ReauthenticateInput, RegisterAccountInput,
    RequestPasswordResetInput, ResendVerificationInput, ResetPasswordInput, RevokeSessionInput, SetRoleInput,
    SignInInput, UpdateProfileInput, VerifyEmailInput,
};
use super::objects::{Account, Session};
use super::payloads::{AcceptedPayload, AccountPayload, SignInPayload};
use crate::graphql::context::{self, caller, services};
use crate::graphql::error::{ApiError, into_payload};
use crate::graphql::request::ResponseHeaders;

/// Mutations of accounts.
#[derive(Default)]
pub struct AccountsMutation;

#[Object]
impl AccountsMutation {
    /// Registers an account and sends the link that proves its address. A known address looks like any other success.
    async fn register_account(
        &self,
        ctx: &Context<'_>,
        input: RegisterAccountInput,
    ) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::register(services(ctx)?, &caller(ctx)?, input.into()).await).await
    }

    /// Proves an address with the token of the mail's link; a token is good once, for 24 hours.
    async fn verify_email(&self, ctx: &Context<'_>, input: VerifyEmailInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(ctx, rules::verify_email(services(ctx)?, &caller(ctx)?, &input.token).await).await
    }

    /// Sends the link once more. The answer never tells whether an account waits for it.
    async fn resend_verification(
        &self,
        ctx: &Context<'_>,
        input: ResendVerificationInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::resend_verification(services(ctx)?, &caller(ctx)?, &input.email).await)
    }

    /// Signs in. Browsers get a cookie as well.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<SignInPayload, ApiError> {
        let signed_in =
            match into_payload(rules::sign_in(services(ctx)?, &caller(ctx)?, &input.login, &input.password).await)? {
                Ok(signed_in) => signed_in,
                Err(errors) => return Ok(SignInPayload { token: None, account: None, session: None, errors }),
            };
        let token = signed_in.token.map(|token| token.reveal().expose().to_owned());
        if let (Some(token), Some(headers), Some(cookie)) =
            (&token, ctx.data_opt::<Arc<ResponseHeaders>>(), ctx.data_opt::<SessionCookie>())
        {
            headers.set_cookie(cookie.set_token(token));
        }
        let session = accounts::session_by_id(&mut *context::read(ctx).await?, signed_in.session).await?;
        let account = Account::load(ctx, signed_in.account)
            .await?
            .map(|account| Account { is_authenticated_here: true, ..account });
        Ok(SignInPayload {
            token,
            account,
            session: session.map(|row| Session { row, current: true }),
            errors: Vec::new(),
        })
    }

    /// Sends a link for a new password. The answer never tells whether an account exists.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::request_password_reset(services(ctx)?, &caller(ctx)?, &input.email).await)
    }

    /// Sets a new password with the token of the mail's link, good once for 30 minutes; every session ends.
    async fn reset_password(&self, ctx: &Context<'_>, input: ResetPasswordInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(
            rules::reset_password(services(ctx)?, &caller(ctx)?, &input.token, &input.new_password).await,
        )
    }

    /// Makes the first admin with the link that the server printed.
    async fn complete_setup(&self, ctx: &Context<'_>, input: CompleteSetupInput) -> Result<AccountPayload, ApiError> {
        let CompleteSetupInput { token, username, display_name, email, password } = input;
        let admin = rules::RegisterAccount { username, display_name, email, password };
        AccountPayload::of(ctx, rules::complete_setup(services(ctx)?, &caller(ctx)?, &token, admin).await).await
    }

    /// Ends the session of this request.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<AcceptedPayload, ApiError> {
        let payload = AcceptedPayload::of(rules::sign_out(services(ctx)?, &caller(ctx)?).await)?;
        if let (Some(headers), Some(cookie)) = (ctx.data_opt::<Arc<ResponseHeaders>>(), ctx.data_opt::<SessionCookie>())
        {
            headers.set_cookie(cookie.clear());
        }
        Ok(payload)
    }

    /// Ends one of the caller's sessions.
    async fn revoke_session(&self, ctx: &Context<'_>, input: RevokeSessionInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::revoke_session(services(ctx)?, &caller(ctx)?, &input.id).await)
    }

    /// Ends all the caller's sessions, this one too.
    async fn revoke_all_sessions(&self, ctx: &Context<'_>) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::revoke_all_sessions(services(ctx)?, &caller(ctx)?).await)
    }

    /// Opens the 15 minutes in which credentials and keys may be seen and changed.
    async fn reauthenticate(&self, ctx: &Context<'_>, input: ReauthenticateInput) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(rules::reauthenticate(services(ctx)?, &caller(ctx)?, &input.password).await)
    }

    /// Changes what people see of the caller.
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> Result<AccountPayload, ApiError> {
        let name = match input.display_name {
            async_graphql::MaybeUndefined::Value(name) => Some(name),
            // Null clears nothing here: a name there must be, so it is refused as an empty one.
            async_graphql::MaybeUndefined::Null => Some(String::new()),
            async_graphql::MaybeUndefined::Undefined => None,
        };
        AccountPayload::of(ctx, rules::update_profile(services(ctx)?, &caller(ctx)?, name.as_deref()).await).await
    }

    /// Begins a change of address: the link goes to the new one; a verified old one stays until it is proved.
    async fn change_email(&self, ctx: &Context<'_>, input: ChangeEmailInput) -> Result<AccountPayload, ApiError> {
        let input = rules::ChangeEmail { email: input.email, password: input.password };
        AccountPayload::of(ctx, rules::change_email(services(ctx)?, &caller(ctx)?, input).await).await
    }

    /// Changes the caller's password; other sessions end.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<AcceptedPayload, ApiError> {
        AcceptedPayload::of(
            rules::change_password(services(ctx)?, &caller(ctx)?, &input.current_password, &input.new_password).await,
        )
    }

    /// Gives an account another role. The last admin cannot be demoted. Needs a sign-in within 15 minutes.
    async fn set_role(&self, ctx: &Context<'_>, input: SetRoleInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(
            ctx,
            rules::set_role(services(ctx)?, &caller(ctx)?, &input.username, input.role.into()).await,
        )
        .await
    }
}

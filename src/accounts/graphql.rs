//! Accounts in the API.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::model;
use super::{queries, rules};
use crate::access::{Actor, Role};
use crate::connection;
use crate::extensions::graphql::ExtensionConnection;
use crate::graphql::context::{self, actor, caller, services};
use crate::graphql::enums::{RestrictionEffect, RestrictionSource, Role as RoleName};
use crate::graphql::error::{ApiError, UserError, settle};
use crate::graphql::paging::Page;
use crate::graphql::request::ResponseHeaders;
use crate::graphql::scalars::DateTime;
use crate::ids::{AccountId, SessionId};
use crate::numbers::graphql::NumberConnection;
use crate::restrictions;

/// A person's account.
#[derive(Clone)]
pub struct Account {
    row: Arc<model::Account>,
    /// Whether this very request proved to be its owner, before it had a session.
    is_proved: bool,
}

impl Account {
    /// An account to be shown.
    pub fn new(row: model::Account) -> Self {
        Self { row: Arc::new(row), is_proved: false }
    }

    /// The account of this id, deleted ones too, as rows refer to them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: AccountId) -> Result<Option<Self>, ApiError> {
        let row = queries::by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(Self::new))
    }

    /// The account of this id: the caller's own, or any for operators; a deleted one is not there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn known(ctx: &Context<'_>, id: AccountId) -> Result<Option<Self>, ApiError> {
        let actor = actor(ctx)?;
        let found = Self::load(ctx, id).await?.filter(|account| account.row.deleted_at.is_none());
        Ok(found.filter(|account| account.is_open_to(actor)))
    }

    fn is_open_to(&self, actor: &Actor) -> bool {
        self.is_proved || actor.account() == Some(self.row.id) || actor.is_at_least(Role::Operator)
    }
}

#[Object]
impl Account {
    /// The account's id.
    pub async fn id(&self) -> ID {
        ID(self.row.id.global())
    }

    /// Chosen at registration, fixed afterwards, folded to lower case.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// The name that people see.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// Own account and operators only; null for others.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<&str>, ApiError> {
        Ok(self.is_open_to(actor(ctx)?).then_some(self.row.email.as_str()))
    }

    /// When the address was proved. Own account and operators only; null for others.
    async fn email_verified_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, ApiError> {
        Ok(if self.is_open_to(actor(ctx)?) { self.row.email_verified_at.map(Into::into) } else { None })
    }

    /// What the account may do.
    async fn role(&self) -> RoleName {
        self.row.role.into()
    }

    /// Why the account may not act now; empty when it may. Own account and operators; null for others.
    async fn restrictions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Restriction>>, ApiError> {
        if !self.is_open_to(actor(ctx)?) {
            return Ok(None);
        }
        let rows = restrictions::of_account(&mut *context::read(ctx).await?, self.row.id).await?;
        Ok(Some(rows.into_iter().map(Restriction).collect()))
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// Its extensions, as far as the caller may see them: people their own, operators all, keys what they are limited to.
    async fn extensions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<ExtensionConnection, ApiError> {
        ExtensionConnection::of_owner(ctx, self.row.id, first, after.as_deref()).await
    }

    /// The numbers that are held for it after a delete or a renumbering, each until its `until`; it may register them again. Own
    /// account and operators; null for others.
    async fn held_numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<Option<NumberConnection>, ApiError> {
        if !self.is_open_to(actor(ctx)?) {
            return Ok(None);
        }
        NumberConnection::held_for(ctx, self.row.id, first, after.as_deref()).await.map(Some)
    }

    /// Own account only.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Session>>, ApiError> {
        let Some(person) = actor(ctx)?.person().filter(|person| person.id == self.row.id) else { return Ok(None) };
        let now = services(ctx)?.now();
        let rows = queries::sessions_of(&mut *context::read(ctx).await?, self.row.id, now).await?;
        Ok(Some(rows.into_iter().map(|row| Session { current: row.id == person.session, row }).collect()))
    }
}

/// A signed-in browser or program.
#[derive(Clone)]
pub struct Session {
    row: model::Session,
    current: bool,
}

impl Session {
    /// The caller's own session of this id, unless it has expired.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn known(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>, ApiError> {
        let Some(person) = actor(ctx)?.person() else { return Ok(None) };
        let now = services(ctx)?.now();
        let row = queries::session_by_id(&mut *context::read(ctx).await?, id).await?;
        let row = row.filter(|row| row.account_id == person.id && row.expires_at > now);
        Ok(row.map(|row| Self { current: row.id == person.session, row }))
    }
}

#[Object]
impl Session {
    /// The session's id.
    pub async fn id(&self) -> ID {
        ID(self.row.id.global())
    }

    /// When it was opened.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it was last used, to five minutes.
    async fn last_seen_at(&self) -> DateTime {
        self.row.last_seen_at.into()
    }

    /// When it ends by itself.
    async fn expires_at(&self) -> DateTime {
        self.row.expires_at.into()
    }

    /// What the client said it was.
    async fn user_agent(&self) -> Option<&str> {
        self.row.user_agent.as_deref()
    }

    /// Whether it is the session of this request.
    async fn current(&self) -> bool {
        self.current
    }
}

/// A reasoned overlay: nobody writes a blocked state onto an account, a number or an extension. Each source
/// adds its own restriction and can lift only its own; what is effective is what remains.
#[derive(Clone)]
pub struct Restriction(pub restrictions::Restriction);

#[Object]
impl Restriction {
    /// The restriction's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// Who restricts.
    async fn source(&self) -> RestrictionSource {
        self.0.source.into()
    }

    /// What it stops.
    async fn effects(&self) -> Vec<RestrictionEffect> {
        self.0.effects().into_iter().map(Into::into).collect()
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Since when.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Null for those who may not see who acted.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        match self.0.created_by {
            Some(id) if actor(ctx)?.is_at_least(Role::Operator) => Account::load(ctx, id).await,
            _ => Ok(None),
        }
    }
}

connection!(AccountConnection, AccountEdge, Account, "accounts", total_count);

/// What a guest says of themselves.
#[derive(InputObject)]
struct RegisterAccountInput {
    /// 3 to 32 of `a-z0-9._-`; public, and never changed.
    username: String,
    /// The name that people see: 1 to 64 characters.
    display_name: String,
    /// Gets the link that proves it.
    email: String,
    /// 8 to 1024 bytes, anything in it; the common ones are refused.
    password: String,
}

impl From<RegisterAccountInput> for rules::RegisterAccount {
    fn from(input: RegisterAccountInput) -> Self {
        let RegisterAccountInput { username, display_name, email, password } = input;
        Self { username, display_name, email, password }
    }
}

/// The token of the mail's link.
#[derive(InputObject)]
struct VerifyEmailInput {
    /// What follows `#token=`.
    token: String,
}

/// Where the link should go once more.
#[derive(InputObject)]
struct ResendVerificationInput {
    /// The address.
    email: String,
}

/// Who signs in.
#[derive(InputObject)]
struct SignInInput {
    /// Username or verified e-mail.
    login: String,
    /// The password.
    password: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
struct RequestPasswordResetInput {
    /// The verified address.
    email: String,
}

/// A new password, with the token that allows it.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// What follows `#token=`.
    token: String,
    /// 8 to 1024 bytes.
    new_password: String,
}

/// The first admin, with the setup link's token.
#[derive(InputObject)]
struct CompleteSetupInput {
    /// What follows `#token=`.
    token: String,
    /// 3 to 32 of `a-z0-9._-`.
    username: String,
    /// The name that people see.
    display_name: String,
    /// The admin's address.
    email: String,
    /// 8 to 1024 bytes.
    password: String,
}

/// The session to end.
#[derive(InputObject)]
struct RevokeSessionInput {
    /// The session's id.
    id: ID,
}

/// The caller's password once more.
#[derive(InputObject)]
struct ReauthenticateInput {
    /// The password.
    password: String,
}

/// A field left out stays as it is.
#[derive(InputObject)]
struct UpdateProfileInput {
    /// The name that people see.
    display_name: async_graphql::MaybeUndefined<String>,
}

/// A new address.
#[derive(InputObject)]
struct ChangeEmailInput {
    /// Gets the link that proves it.
    email: String,
    /// The caller's password.
    password: String,
}

/// A new password.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password until now.
    current_password: String,
    /// 8 to 1024 bytes.
    new_password: String,
}

/// Who gets which role.
#[derive(InputObject)]
struct SetRoleInput {
    /// The account.
    username: String,
    /// Its new role.
    role: RoleName,
}

/// The answer never tells whether an account exists.
#[derive(SimpleObject)]
pub struct AcceptedPayload {
    /// Whether it was done, as far as the caller may know.
    pub accepted: bool,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl AcceptedPayload {
    /// The payload of an operation that gives nothing back.
    ///
    /// # Errors
    /// What belongs to the top of the response.
    pub fn of<T>(result: Result<T, crate::problem::Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(_) => Self { accepted: true, errors: Vec::new() },
            Err(errors) => Self { accepted: false, errors },
        })
    }
}

/// An account, or why not.
#[derive(SimpleObject)]
pub struct AccountPayload {
    /// The account as it is now.
    pub account: Option<Account>,
    /// Why not.
    pub errors: Vec<UserError>,
}

impl AccountPayload {
    /// The payload of an operation that made or changed an account.
    ///
    /// # Errors
    /// What belongs to the top of the response.
    pub async fn of(ctx: &Context<'_>, result: Result<rules::Changed, crate::problem::Stop>) -> Result<Self, ApiError> {
        Ok(match settle(result)? {
            Ok(changed) => Self { account: Account::load(ctx, changed.account).await?, errors: Vec::new() },
            Err(errors) => Self { account: None, errors },
        })
    }
}

/// A session, or why not.
#[derive(SimpleObject)]
struct SignInPayload {
    /// Send it as `Authorization: Bearer`; browsers get a cookie as well.
    token: Option<String>,
    /// Who is signed in.
    account: Option<Account>,
    /// The session.
    session: Option<Session>,
    /// Why not.
    errors: Vec<UserError>,
}

/// Queries of accounts.
#[derive(Default)]
pub struct AccountsQuery;

#[Object]
impl AccountsQuery {
    /// Whoever is signed in. Null for a guest.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        match actor(ctx)?.account() {
            Some(id) => Account::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// All accounts, for operators.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the username or the display name.")] search: Option<String>,
        #[graphql(desc = "Only accounts of this role.")] role: Option<RoleName>,
        #[graphql(desc = "How many; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to go on.")] after: Option<String>,
    ) -> Result<AccountConnection, ApiError> {
        actor(ctx)?.demand(Role::Operator)?;
        let page = Page::new("accounts", first, after.as_deref())?;
        let after = page.after_as()?.map(AccountId);
        let (search, role) = (search.map(|text| crate::text::folding::fold(&text)), role.map(Into::into));
        let rows = queries::list(&mut *context::read(ctx).await?, search.as_deref(), role, after, page.limit()).await?;
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, search) = (store.clone(), search.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                let count = queries::count(&mut *store.read().await?, search.as_deref(), role).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        let rows = rows.into_iter().map(Account::new).collect();
        Ok(AccountConnection::new(page.cut(rows, |account: &Account| account.row.id.0.to_string()), total))
    }

    /// The account of this name: the caller's own, or any for operators.
    async fn account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account's name, in any case.")] username: String,
    ) -> Result<Option<Account>, ApiError> {
        let Ok(username) = rules::clean_username(&username) else { return Ok(None) };
        let row = queries::by_username(&mut *context::read(ctx).await?, &username).await?;
        let actor = actor(ctx)?;
        Ok(row.map(Account::new).filter(|account| account.is_open_to(actor)))
    }
}

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
            match settle(rules::sign_in(services(ctx)?, &caller(ctx)?, &input.login, &input.password).await)? {
                Ok(signed_in) => signed_in,
                Err(errors) => return Ok(SignInPayload { token: None, account: None, session: None, errors }),
            };
        let token = signed_in.token.map(|token| token.reveal().expose().to_owned());
        if let (Some(token), Some(headers), Some(cookie)) =
            (&token, ctx.data_opt::<Arc<ResponseHeaders>>(), ctx.data_opt::<SessionCookie>())
        {
            headers.set_cookie(cookie.holding(token));
        }
        let session = queries::session_by_id(&mut *context::read(ctx).await?, signed_in.session).await?;
        let account =
            Account::load(ctx, signed_in.account).await?.map(|account| Account { is_proved: true, ..account });
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
            headers.set_cookie(cookie.gone());
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

    /// Gives an account another role. Nobody can demote the last admin.
    async fn set_role(&self, ctx: &Context<'_>, input: SetRoleInput) -> Result<AccountPayload, ApiError> {
        AccountPayload::of(
            ctx,
            rules::set_role(services(ctx)?, &caller(ctx)?, &input.username, input.role.into()).await,
        )
        .await
    }
}

/// The browser's cookie: `__Host-` with Secure, or another name where an admin chose plain HTTP on a LAN.
#[derive(Clone, Copy, Debug)]
pub struct SessionCookie {
    /// Whether browsers reach the server over plain HTTP.
    pub plain_http: bool,
}

impl SessionCookie {
    /// The cookie's name.
    pub const fn name(self) -> &'static str {
        if self.plain_http { "switchboard-lan" } else { "__Host-switchboard" }
    }

    fn holding(self, token: &str) -> String {
        let secure = if self.plain_http { "" } else { "; Secure" };
        format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}", self.name(), 30 * 24 * 3600)
    }

    /// The header that makes a browser forget the cookie.
    pub fn gone(self) -> String {
        let secure = if self.plain_http { "" } else { "; Secure" };
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}", self.name())
    }

    /// The token in a `Cookie` header.
    pub fn token_in(self, header: &str) -> Option<&str> {
        header
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name())
            .map(|(_, token)| token)
    }
}

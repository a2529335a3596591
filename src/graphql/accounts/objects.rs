//! GraphQL objects of accounts, sessions and restrictions.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use platform::access::{Actor, Role};
use platform::ids::{AccountId, SessionId};

use crate::connection;
use crate::graphql::context::{self, actor, services};
use crate::graphql::enums::{RestrictionEffect, RestrictionSource, Role as RoleName};
use crate::graphql::error::ApiError;
use crate::graphql::extensions::ExtensionConnection;
use crate::graphql::numbers::NumberConnection;
use crate::graphql::scalars::DateTime;

/// A person's account.
#[derive(Clone)]
pub struct Account {
    pub(super) row: Arc<accounts::Account>,
    /// Whether this request signed in as the account; its actor is still a guest.
    pub(super) is_authenticated_here: bool,
}

impl Account {
    /// Creates the object of a row.
    pub fn new(row: accounts::Account) -> Self {
        Self { row: Arc::new(row), is_authenticated_here: false }
    }

    /// Loads the account with this id, deleted ones included, because rows refer to them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(ctx: &Context<'_>, id: AccountId) -> Result<Option<Self>, ApiError> {
        let row = accounts::account_by_id(&mut *context::read(ctx).await?, id).await?;
        Ok(row.map(Self::new))
    }

    /// Loads the account with this id if it is the caller's own or the caller is an operator; `None` for a deleted account.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_visible(ctx: &Context<'_>, id: AccountId) -> Result<Option<Self>, ApiError> {
        let actor = actor(ctx)?;
        let found = Self::load(ctx, id).await?.filter(|account| account.row.deleted_at.is_none());
        Ok(found.filter(|account| account.is_visible_to(actor)))
    }

    /// Whether the caller may read all fields of the account.
    pub(super) fn is_visible_to(&self, actor: &Actor) -> bool {
        self.is_authenticated_here || actor.account() == Some(self.row.id) || actor.is_at_least(Role::Operator)
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

    /// The display name.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// Own account and operators only; null for others.
    async fn email(&self, ctx: &Context<'_>) -> Result<Option<&str>, ApiError> {
        Ok(self.is_visible_to(actor(ctx)?).then_some(self.row.email.as_str()))
    }

    /// When the address was verified. Own account and operators only; null for others.
    async fn email_verified_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>, ApiError> {
        Ok(if self.is_visible_to(actor(ctx)?) { self.row.email_verified_at.map(Into::into) } else { None })
    }

    /// The role of the account.
    async fn role(&self) -> RoleName {
        self.row.role.into()
    }

    /// The restrictions of the account; empty if it has none. Own account and operators; null for others.
    async fn restrictions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Restriction>>, ApiError> {
        if !self.is_visible_to(actor(ctx)?) {
            return Ok(None);
        }
        let rows = restrictions::of_account(&mut *context::read(ctx).await?, self.row.id).await?;
        Ok(Some(rows.into_iter().map(Restriction).collect()))
    }

    /// When the account was created.
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
        if !self.is_visible_to(actor(ctx)?) {
            return Ok(None);
        }
        NumberConnection::held_for(ctx, self.row.id, first, after.as_deref()).await.map(Some)
    }

    /// Own account only.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Session>>, ApiError> {
        let Some(person) = actor(ctx)?.person().filter(|person| person.id == self.row.id) else { return Ok(None) };
        let now = services(ctx)?.now();
        let rows = accounts::sessions_of_account(&mut *context::read(ctx).await?, self.row.id, now).await?;
        Ok(Some(rows.into_iter().map(|row| Session { current: row.id == person.session, row }).collect()))
    }
}

/// A session of a browser or another client.
#[derive(Clone)]
pub struct Session {
    pub(super) row: accounts::Session,
    pub(super) current: bool,
}

impl Session {
    /// Loads the caller's own session with this id, unless it has expired.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_visible(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>, ApiError> {
        let Some(person) = actor(ctx)?.person() else { return Ok(None) };
        let now = services(ctx)?.now();
        let row = accounts::session_by_id(&mut *context::read(ctx).await?, id).await?;
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

    /// When the session was created.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it was last used, accurate to five minutes.
    async fn last_seen_at(&self) -> DateTime {
        self.row.last_seen_at.into()
    }

    /// When the session expires: 30 days after the sign-in, or after 7 days without use.
    async fn expires_at(&self) -> DateTime {
        self.row.expires_at.into()
    }

    /// The client's `User-Agent` header.
    async fn user_agent(&self) -> Option<&str> {
        self.row.user_agent.as_deref()
    }

    /// Whether it is the session of this request.
    async fn current(&self) -> bool {
        self.current
    }
}

/// A restriction of an account, a number or an extension, with a reason. Each source adds its own restriction and can lift only
/// its own; the effects are those of all restrictions that remain.
#[derive(Clone)]
pub struct Restriction(pub restrictions::Restriction);

#[Object]
impl Restriction {
    /// The restriction's id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.global())
    }

    /// The source of the restriction.
    async fn source(&self) -> RestrictionSource {
        self.0.source.into()
    }

    /// The effects of the restriction.
    async fn effects(&self) -> Vec<RestrictionEffect> {
        self.0.effects().into_iter().map(Into::into).collect()
    }

    /// The reason.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// When the restriction was added.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// The account that added the restriction. Null for callers that may not see it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Account>, ApiError> {
        match self.0.created_by {
            Some(id) if actor(ctx)?.is_at_least(Role::Operator) => Account::load(ctx, id).await,
            _ => Ok(None),
        }
    }
}

connection!(AccountConnection, AccountEdge, Account, "accounts", total_count);

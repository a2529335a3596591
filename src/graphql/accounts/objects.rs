//! Accounts, sessions and restrictions as the API shows them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};

use platform::access::{Actor, Role};
use accounts::{proof_queries, queries};
use crate::connection;
use crate::graphql::extensions::ExtensionConnection;
use crate::graphql::context::{self, actor, services};
use crate::graphql::enums::{RestrictionEffect, RestrictionSource, Role as RoleName};
use crate::graphql::error::ApiError;
use crate::graphql::scalars::DateTime;
use platform::ids::{AccountId, SessionId};
use crate::graphql::numbers::NumberConnection;

/// A person's account.
#[derive(Clone)]
pub struct Account {
    pub(super) row: Arc<accounts::Account>,
    /// Whether this very request proved to be its owner, before it had a session.
    pub(super) is_proved: bool,
}

impl Account {
    /// An account to be shown.
    pub fn new(row: accounts::Account) -> Self {
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

    /// Whether the caller may know all that is known of it.
    pub(super) fn is_open_to(&self, actor: &Actor) -> bool {
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
        let rows = proof_queries::sessions_of(&mut *context::read(ctx).await?, self.row.id, now).await?;
        Ok(Some(rows.into_iter().map(|row| Session { current: row.id == person.session, row }).collect()))
    }
}

/// A signed-in browser or program.
#[derive(Clone)]
pub struct Session {
    pub(super) row: accounts::Session,
    pub(super) current: bool,
}

impl Session {
    /// The caller's own session of this id, unless it has expired.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn known(ctx: &Context<'_>, id: SessionId) -> Result<Option<Self>, ApiError> {
        let Some(person) = actor(ctx)?.person() else { return Ok(None) };
        let now = services(ctx)?.now();
        let row = proof_queries::session_by_id(&mut *context::read(ctx).await?, id).await?;
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

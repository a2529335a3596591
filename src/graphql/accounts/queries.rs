//! GraphQL queries of accounts.

use accounts::rules;
use async_graphql::{Context, Object};
use platform::access::Role;
use platform::ids::AccountId;

use super::objects::{Account, AccountConnection};
use crate::graphql::context::{self, actor, services};
use crate::graphql::enums::Role as RoleName;
use crate::graphql::error::ApiError;
use crate::graphql::paging::Page;

/// Queries of accounts.
#[derive(Default)]
pub struct AccountsQuery;

#[Object]
impl AccountsQuery {
    /// The account that is signed in. Null for a guest.
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
        let (search, role) = (search.map(|text| platform::text::folding::fold(&text)), role.map(Into::into));
        let rows =
            accounts::list_accounts(&mut *context::read(ctx).await?, search.as_deref(), role, after, page.limit())
                .await?;
        let store = services(ctx)?.store.clone();
        let total = Box::new(move || {
            let (store, search) = (store.clone(), search.clone());
            let count: futures_util::future::BoxFuture<'static, _> = Box::pin(async move {
                let count = accounts::count_accounts(&mut *store.read().await?, search.as_deref(), role).await?;
                Ok(i32::try_from(count).unwrap_or(i32::MAX))
            });
            count
        });
        let rows = rows.into_iter().map(Account::new).collect();
        Ok(AccountConnection::new(page.paginate(rows, |account: &Account| account.row.id.0.to_string()), total))
    }

    /// The account of this name: the caller's own, or any for operators.
    async fn account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account's name, in any case.")] username: String,
    ) -> Result<Option<Account>, ApiError> {
        let Ok(username) = rules::clean_username(&username) else { return Ok(None) };
        let row = accounts::account_by_username(&mut *context::read(ctx).await?, &username).await?;
        let actor = actor(ctx)?;
        Ok(row.map(Account::new).filter(|account| account.is_visible_to(actor)))
    }
}

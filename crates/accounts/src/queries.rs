//! Accounts in the database.

use std::collections::BTreeSet;

use diesel::{
    BoolExpressionMethods as _, EscapeExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, QueryResult, SelectableHelper as _, TextExpressionMethods as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::Account;
use ::restrictions::{RestrictionSource, TargetKind};
use platform::access::{Permit, Role};
use platform::clock::Timestamp;
use platform::ids::AccountId;
use platform::query;
use platform::store::schema::{account_terms, accounts, mail_tokens};
use platform::store::types::Id;
use platform::store::{CHUNK, Conn};
use platform::text::folding;

diesel::define_sql_function! {
    /// The text in lower case (ASCII alone on SQLite, which is what addresses are compared by).
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// An account by its id, deleted ones too: the audit and old rows refer to them.
pub async fn by_id(conn: &mut Conn, id: AccountId) -> QueryResult<Option<Account>> {
    query!(conn, |c| accounts::table.find(id).select(Account::as_select()).get_result(c).await.optional())
}

/// The account's role; `None` when the account was deleted.
pub async fn role_of(conn: &mut Conn, account: AccountId) -> QueryResult<Option<Role>> {
    query!(conn, |c| accounts::table
        .find(account)
        .filter(accounts::deleted_at.is_null())
        .select(accounts::role)
        .get_result(c)
        .await
        .optional())
}

/// An account by its name, folded already.
pub async fn by_username(conn: &mut Conn, username: &str) -> QueryResult<Option<Account>> {
    query!(conn, |c| accounts::table
        .filter(accounts::username.eq(username))
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The accounts of these names, folded already: (name, id).
pub async fn ids_by_usernames(conn: &mut Conn, names: &[&str]) -> QueryResult<Vec<(String, AccountId)>> {
    let mut found = Vec::new();
    for chunk in names.chunks(CHUNK) {
        let rows: Vec<(String, AccountId)> = query!(&mut *conn, |c| accounts::table
            .filter(accounts::username.eq_any(chunk))
            .filter(accounts::deleted_at.is_null())
            .select((accounts::username, accounts::id))
            .load(c)
            .await)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Whether the name was ever taken: a deleted account's name is not given out again.
pub async fn is_username_taken(conn: &mut Conn, username: &str) -> QueryResult<bool> {
    let found: Option<AccountId> = query!(conn, |c| accounts::table
        .filter(accounts::username.eq(username))
        .select(accounts::id)
        .get_result(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// The account that has verified this address.
pub async fn by_verified_email(conn: &mut Conn, email: &str) -> QueryResult<Option<Account>> {
    let folded = email.to_ascii_lowercase();
    query!(conn, |c| accounts::table
        .filter(lower(accounts::email).eq(&folded))
        .filter(accounts::email_verified_at.is_not_null())
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The newest account that gave this address and has not verified it.
pub async fn by_unverified_email(conn: &mut Conn, email: &str) -> QueryResult<Option<Account>> {
    let folded = email.to_ascii_lowercase();
    query!(conn, |c| accounts::table
        .filter(lower(accounts::email).eq(&folded))
        .filter(accounts::email_verified_at.is_null())
        .filter(accounts::deleted_at.is_null())
        .order(accounts::id.desc())
        .select(Account::as_select())
        .first(c)
        .await
        .optional())
}

/// A page of accounts by id, for operators: `search` is a folded part of username or display name.
pub async fn list(
    conn: &mut Conn,
    search: Option<&str>,
    role: Option<Role>,
    after: Option<AccountId>,
    limit: i64,
) -> QueryResult<Vec<Account>> {
    let pattern = search.map(contains_pattern);
    query!(conn, |c| {
        let mut rows = accounts::table
            .filter(accounts::deleted_at.is_null())
            .order(accounts::id)
            .limit(limit)
            .select(Account::as_select())
            .into_boxed();
        if let Some(pattern) = &pattern {
            rows = rows.filter(accounts::search.like(pattern).escape('\\'));
        }
        if let Some(role) = role {
            rows = rows.filter(accounts::role.eq(role));
        }
        if let Some(after) = after {
            rows = rows.filter(accounts::id.gt(after));
        }
        rows.load(c).await
    })
}

/// How many accounts the same list has on all pages.
pub async fn count(conn: &mut Conn, search: Option<&str>, role: Option<Role>) -> QueryResult<i64> {
    let pattern = search.map(contains_pattern);
    query!(conn, |c| {
        let mut rows = accounts::table.filter(accounts::deleted_at.is_null()).count().into_boxed();
        if let Some(pattern) = &pattern {
            rows = rows.filter(accounts::search.like(pattern).escape('\\'));
        }
        if let Some(role) = role {
            rows = rows.filter(accounts::role.eq(role));
        }
        rows.get_result(c).await
    })
}

fn contains_pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// How many admins there are. Take the lock of the rule "admins" first.
pub async fn count_admins(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| accounts::table
        .filter(accounts::role.eq(Role::Admin).and(accounts::deleted_at.is_null()))
        .count()
        .get_result(c)
        .await)
}

/// How many admins who may sign in there are beside this one. Take the lock of the rule "admins" first.
pub async fn count_other_admins(conn: &mut Conn, except: AccountId) -> QueryResult<usize> {
    let admins: Vec<AccountId> = query!(&mut *conn, |c| accounts::table
        .filter(accounts::role.eq(Role::Admin))
        .filter(accounts::deleted_at.is_null())
        .filter(accounts::id.ne(except))
        .select(accounts::id)
        .load(c)
        .await)?;
    let ids: Vec<Id> = admins.iter().map(|id| Id(id.0)).collect();
    let banned = ::restrictions::of_targets(conn, TargetKind::Account, &ids).await?;
    let banned = banned.iter().filter(|restriction| restriction.source == RestrictionSource::Ban).count();
    Ok(admins.len() - banned)
}

/// Whether there is any account at all.
pub async fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let found: Option<AccountId> = query!(conn, |c| accounts::table.select(accounts::id).first(c).await.optional())?;
    Ok(found.is_none())
}

pub(super) async fn insert(conn: &mut Conn, _: &Permit, account: &Account) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(accounts::table).values(account).execute(c).await)?;
    index(conn, account.id, &account.search).await
}

/// Replaces the words by which operators find the account.
async fn index(conn: &mut Conn, id: AccountId, search: &str) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(account_terms::table.filter(account_terms::account_id.eq(id))).execute(c).await)?;
    let folded = folding::fold(search);
    let terms: BTreeSet<&str> = folding::words(&folded).into_iter().collect();
    for term in terms {
        query!(conn, |c| diesel::insert_into(account_terms::table)
            .values((account_terms::term.eq(term), account_terms::account_id.eq(id)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Takes from a deleted account everything but what the audit and old rows refer to: its id and its name, a pseudonym from
/// now on. Sessions are ended beside this.
pub async fn erase(conn: &mut Conn, _: &Permit, account: &Account, at: Timestamp) -> QueryResult<()> {
    index(conn, account.id, "").await?;
    query!(conn, |c| diesel::delete(mail_tokens::table.filter(mail_tokens::account_id.eq(account.id)))
        .execute(c)
        .await)?;
    query!(conn, |c| diesel::update(accounts::table.find(account.id))
        .set((
            accounts::display_name.eq(&account.username),
            accounts::email.eq(""),
            accounts::email_verified_at.eq(None::<Timestamp>),
            accounts::password_hash.eq(""),
            accounts::role.eq(Role::User),
            accounts::search.eq(""),
            accounts::deleted_at.eq(Some(at)),
        ))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn set_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id)).set(accounts::password_hash.eq(hash)).execute(c).await)?;
    Ok(())
}

pub(super) async fn set_verified_email(
    conn: &mut Conn,
    _: &Permit,
    id: AccountId,
    email: &str,
    at: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id))
        .set((accounts::email.eq(email), accounts::email_verified_at.eq(Some(at))))
        .execute(c)
        .await)?;
    Ok(())
}

pub(super) async fn set_unverified_email(conn: &mut Conn, _: &Permit, id: AccountId, email: &str) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id)).set(accounts::email.eq(email)).execute(c).await)?;
    Ok(())
}

pub(super) async fn set_display_name(
    conn: &mut Conn,
    _: &Permit,
    id: AccountId,
    name: &str,
    search: &str,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id))
        .set((accounts::display_name.eq(name), accounts::search.eq(search)))
        .execute(c)
        .await)?;
    index(conn, id, search).await
}

pub(super) async fn set_role(conn: &mut Conn, _: &Permit, id: AccountId, role: Role) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id)).set(accounts::role.eq(role)).execute(c).await)?;
    Ok(())
}

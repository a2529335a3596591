//! Queries of accounts.

use std::collections::{BTreeSet, HashMap};

use diesel::result::{DatabaseErrorKind, Error};
use diesel::{
    BoolExpressionMethods as _, EscapeExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, QueryResult, SelectableHelper as _, TextExpressionMethods as _,
};
use diesel_async::RunQueryDsl as _;
use platform::access::{Permit, Role};
use platform::clock::Timestamp;
use platform::ids::AccountId;
use platform::query;
use platform::store::hints::within_deadline;
use platform::store::schema::{account_terms, accounts, mail_tokens};
use platform::store::types::Id;
use platform::store::{CHUNK, Conn, begin_nested, end_nested, sought};
use platform::text::folding;
use restrictions::{RestrictionSource, TargetKind};

use crate::model::Account;

diesel::define_sql_function! {
    /// SQL `lower`. SQLite's converts ASCII only, as does the comparison of addresses.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// The account with this id. Includes deleted accounts, which the audit and old rows refer to.
pub async fn account_by_id(conn: &mut Conn, id: AccountId) -> QueryResult<Option<Account>> {
    query!(conn, |c| accounts::table.find(id).select(Account::as_select()).get_result(c).await.optional())
}

/// The role of an account; `None` if the account was deleted.
pub(super) async fn role_of(conn: &mut Conn, account: AccountId) -> QueryResult<Option<Role>> {
    query!(conn, |c| accounts::table
        .find(account)
        .filter(accounts::deleted_at.is_null())
        .select(accounts::role)
        .get_result(c)
        .await
        .optional())
}

/// The account with this username in lower case; `None` if it was deleted.
pub async fn account_by_username(conn: &mut Conn, username: &str) -> QueryResult<Option<Account>> {
    query!(conn, |c| accounts::table
        .filter(accounts::username.eq(sought(username)))
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The ids of accounts by their usernames in lower case, without deleted accounts.
pub async fn account_ids_by_username(conn: &mut Conn, usernames: &[&str]) -> QueryResult<HashMap<String, AccountId>> {
    let mut found = HashMap::new();
    let usernames: Vec<_> = usernames.iter().map(|username| sought(username)).collect();
    for chunk in usernames.chunks(CHUNK) {
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

/// Whether a username was ever taken. The username of a deleted account stays taken.
pub(super) async fn is_username_taken(conn: &mut Conn, username: &str) -> QueryResult<bool> {
    let found: Option<AccountId> = query!(conn, |c| accounts::table
        .filter(accounts::username.eq(sought(username)))
        .select(accounts::id)
        .get_result(c)
        .await
        .optional())?;
    Ok(found.is_some())
}

/// The account that has verified this address, given in its canonical form.
pub(super) async fn account_by_verified_email(conn: &mut Conn, email: &str) -> QueryResult<Option<Account>> {
    let folded = email.to_ascii_lowercase();
    query!(conn, |c| accounts::table
        .filter(lower(accounts::email).eq(sought(&folded)))
        .filter(accounts::email_verified_at.is_not_null())
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .get_result(c)
        .await
        .optional())
}

/// The newest account with this address, given in its canonical form, that has not verified it.
pub(super) async fn account_by_unverified_email(conn: &mut Conn, email: &str) -> QueryResult<Option<Account>> {
    let folded = email.to_ascii_lowercase();
    query!(conn, |c| accounts::table
        .filter(lower(accounts::email).eq(sought(&folded)))
        .filter(accounts::email_verified_at.is_null())
        .filter(accounts::deleted_at.is_null())
        .order(accounts::id.desc())
        .select(Account::as_select())
        .first(c)
        .await
        .optional())
}

/// A page of accounts in the order of their ids. `search` is a folded part of the username or the display name.
pub async fn list_accounts(
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
            .filter(within_deadline())
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

/// Counts the accounts that [`list_accounts`] returns on all pages.
pub async fn count_accounts(conn: &mut Conn, search: Option<&str>, role: Option<Role>) -> QueryResult<i64> {
    let pattern = search.map(contains_pattern);
    query!(conn, |c| {
        let live = accounts::table.filter(accounts::deleted_at.is_null()).filter(within_deadline());
        let mut rows = live.count().into_boxed();
        if let Some(pattern) = &pattern {
            rows = rows.filter(accounts::search.like(pattern).escape('\\'));
        }
        if let Some(role) = role {
            rows = rows.filter(accounts::role.eq(role));
        }
        rows.get_result(c).await
    })
}

/// `LIKE` pattern for texts that contain `text`, with `\\` as the escape character.
fn contains_pattern(text: &str) -> String {
    let escaped = sought(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Counts the admins. The caller holds the named lock "admins".
pub(super) async fn count_admins(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| accounts::table
        .filter(accounts::role.eq(Role::Admin).and(accounts::deleted_at.is_null()))
        .count()
        .get_result(c)
        .await)
}

/// Counts the admins other than `except` that are not banned. The caller holds the named lock "admins".
pub(super) async fn count_other_admins(conn: &mut Conn, except: AccountId) -> QueryResult<usize> {
    let admins: Vec<AccountId> = query!(&mut *conn, |c| accounts::table
        .filter(accounts::role.eq(Role::Admin))
        .filter(accounts::deleted_at.is_null())
        .filter(accounts::id.ne(except))
        .select(accounts::id)
        .load(c)
        .await)?;
    let ids: Vec<Id> = admins.iter().map(|id| Id(id.0)).collect();
    let banned = restrictions::of_targets(conn, TargetKind::Account, &ids).await?;
    let banned = banned.iter().filter(|restriction| restriction.source == RestrictionSource::Ban).count();
    Ok(admins.len() - banned)
}

/// Whether any account exists, deleted ones included.
pub async fn has_accounts(conn: &mut Conn) -> QueryResult<bool> {
    let found: Option<AccountId> = query!(conn, |c| accounts::table.select(accounts::id).first(c).await.optional())?;
    Ok(found.is_some())
}

/// A page of the accounts of users created before `before` whose address was never verified, in the order of their ids.
pub(super) async fn unverified_accounts(
    conn: &mut Conn,
    before: Timestamp,
    after: Option<AccountId>,
    limit: i64,
) -> QueryResult<Vec<AccountId>> {
    query!(conn, |c| {
        let mut rows = accounts::table
            .filter(accounts::email_verified_at.is_null())
            .filter(accounts::deleted_at.is_null())
            .filter(accounts::created_at.lt(before))
            .filter(accounts::role.eq(Role::User))
            .order(accounts::id)
            .limit(limit)
            .select(accounts::id)
            .into_boxed();
        if let Some(after) = after {
            rows = rows.filter(accounts::id.gt(after));
        }
        rows.load(c).await
    })
}

/// Deletes the row of an erased account, unless a row of another table refers to it.
pub(super) async fn delete_unless_referenced(conn: &mut Conn, _: &Permit, id: AccountId) -> QueryResult<()> {
    begin_nested(conn).await?;
    let deleted = query!(&mut *conn, |c| diesel::delete(accounts::table.find(id)).execute(c).await);
    let is_deleted = deleted.is_ok();
    end_nested(conn, is_deleted).await?;
    match deleted {
        Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Ok(()),
        outcome => outcome.map(drop),
    }
}

pub(super) async fn insert(conn: &mut Conn, _: &Permit, account: &Account) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(accounts::table).values(account).execute(c).await)?;
    replace_search_terms(conn, account.id, &account.search).await
}

/// Replaces the words under which the search by operators finds the account.
async fn replace_search_terms(conn: &mut Conn, id: AccountId, search: &str) -> QueryResult<()> {
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

/// Erases the personal data of a deleted account. The id and the username stay as a pseudonym, because the audit and
/// old rows refer to them. The caller deletes the sessions.
pub(super) async fn erase(conn: &mut Conn, _: &Permit, account: &Account, at: Timestamp) -> QueryResult<()> {
    replace_search_terms(conn, account.id, "").await?;
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

/// Replaces a password hash by one of the same password, unless it was replaced meanwhile.
pub(super) async fn replace_password_hash(
    conn: &mut Conn,
    id: AccountId,
    verified: &str,
    hash: &str,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id).filter(accounts::password_hash.eq(verified)))
        .set(accounts::password_hash.eq(hash))
        .execute(c)
        .await)?;
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
    replace_search_terms(conn, id, search).await
}

pub(super) async fn set_role(conn: &mut Conn, _: &Permit, id: AccountId, role: Role) -> QueryResult<()> {
    query!(conn, |c| diesel::update(accounts::table.find(id)).set(accounts::role.eq(role)).execute(c).await)?;
    Ok(())
}

//! What proves who somebody is, in the database: sessions, the tokens of mails, and the sign-ins that failed.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{Account, MailToken, MailTokenPurpose, Session};
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::ids::{AccountId, SessionId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{accounts, mail_tokens, sessions, sign_in_failures};
use platform::store::types::Id;

pub(super) async fn insert_session(conn: &mut Conn, session: &Session) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sessions::table).values(session).execute(c).await)?;
    Ok(())
}

/// The session of a token and its account, unless it has expired.
pub async fn session_by_token(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> QueryResult<Option<(Session, Account)>> {
    query!(conn, |c| sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(now))
        .filter(accounts::deleted_at.is_null())
        .select((Session::as_select(), Account::as_select()))
        .get_result(c)
        .await
        .optional())
}

/// A session by its id.
pub async fn session_by_id(conn: &mut Conn, id: SessionId) -> QueryResult<Option<Session>> {
    query!(conn, |c| sessions::table.find(id).select(Session::as_select()).get_result(c).await.optional())
}

/// The sessions of an account that have not expired, newest first.
pub async fn sessions_of(conn: &mut Conn, account: AccountId, now: Timestamp) -> QueryResult<Vec<Session>> {
    query!(conn, |c| sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::expires_at.gt(now))
        .order(sessions::id.desc())
        .limit(200)
        .select(Session::as_select())
        .load(c)
        .await)
}

pub async fn touch_session(conn: &mut Conn, id: SessionId, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::update(sessions::table.find(id)).set(sessions::last_seen_at.eq(now)).execute(c).await)?;
    Ok(())
}

pub(super) async fn reauthenticate_session(
    conn: &mut Conn,
    _: &Permit,
    id: SessionId,
    now: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::update(sessions::table.find(id))
        .set(sessions::reauthenticated_at.eq(now))
        .execute(c)
        .await)?;
    Ok(())
}

/// Ends one session of an account; whether there was one.
pub(super) async fn end_session(conn: &mut Conn, _: &Permit, account: AccountId, id: SessionId) -> QueryResult<bool> {
    let ended = query!(conn, |c| diesel::delete(sessions::table.find(id).filter(sessions::account_id.eq(account)))
        .execute(c)
        .await)?;
    Ok(ended > 0)
}

/// Ends all sessions of an account but one.
pub async fn end_sessions(conn: &mut Conn, _: &Permit, account: AccountId, but: Option<SessionId>) -> QueryResult<()> {
    query!(conn, |c| match but {
        Some(kept) =>
            diesel::delete(sessions::table.filter(sessions::account_id.eq(account)).filter(sessions::id.ne(kept)))
                .execute(c)
                .await,
        None => diesel::delete(sessions::table.filter(sessions::account_id.eq(account))).execute(c).await,
    })?;
    Ok(())
}

pub(super) async fn insert_mail_token(conn: &mut Conn, token: &MailToken) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(mail_tokens::table).values(token).execute(c).await)?;
    Ok(())
}

/// The tokens that the account was sent and that are not forgotten yet, oldest first.
pub async fn mail_tokens_of(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<MailToken>> {
    query!(conn, |c| mail_tokens::table
        .filter(mail_tokens::account_id.eq(account))
        .order(mail_tokens::created_at)
        .select(MailToken::as_select())
        .load(c)
        .await)
}

/// How many tokens of a kind the account was sent since `since`.
pub(super) async fn count_mail_tokens(
    conn: &mut Conn,
    account: AccountId,
    purpose: MailTokenPurpose,
    since: Timestamp,
) -> QueryResult<i64> {
    query!(conn, |c| mail_tokens::table
        .filter(mail_tokens::account_id.eq(account))
        .filter(mail_tokens::purpose.eq(purpose))
        .filter(mail_tokens::created_at.gt(since))
        .count()
        .get_result(c)
        .await)
}

/// Uses a token up, if it is of this kind, unused and still good.
pub(super) async fn use_mail_token(
    conn: &mut Conn,
    hash: &[u8],
    purpose: MailTokenPurpose,
    now: Timestamp,
) -> QueryResult<Option<MailToken>> {
    query!(conn, |c| diesel::update(
        mail_tokens::table
            .filter(mail_tokens::token_hash.eq(hash))
            .filter(mail_tokens::purpose.eq(purpose))
            .filter(mail_tokens::used_at.is_null())
            .filter(mail_tokens::expires_at.gt(now))
    )
    .set(mail_tokens::used_at.eq(Some(now)))
    .returning(MailToken::as_returning())
    .get_result(c)
    .await
    .optional())
}

/// Makes every unused token of a kind useless: a newer one was sent, or the password has changed.
pub(super) async fn void_mail_tokens(
    conn: &mut Conn,
    account: Option<AccountId>,
    purpose: MailTokenPurpose,
    now: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| match account {
        Some(account) =>
            diesel::update(
                mail_tokens::table
                    .filter(mail_tokens::account_id.eq(account))
                    .filter(mail_tokens::purpose.eq(purpose))
                    .filter(mail_tokens::used_at.is_null())
            )
            .set(mail_tokens::used_at.eq(Some(now)))
            .execute(c)
            .await,
        None =>
            diesel::update(
                mail_tokens::table
                    .filter(mail_tokens::account_id.is_null())
                    .filter(mail_tokens::purpose.eq(purpose))
                    .filter(mail_tokens::used_at.is_null())
            )
            .set(mail_tokens::used_at.eq(Some(now)))
            .execute(c)
            .await,
    })?;
    Ok(())
}

/// When the failed sign-ins under this hash happened since `since`, newest first.
pub(super) async fn failures_since(
    conn: &mut Conn,
    login_hash: &[u8],
    since: Timestamp,
) -> QueryResult<Vec<Timestamp>> {
    query!(conn, |c| sign_in_failures::table
        .filter(sign_in_failures::login_hash.eq(login_hash))
        .filter(sign_in_failures::at.gt(since))
        .order(sign_in_failures::at.desc())
        .limit(16)
        .select(sign_in_failures::at)
        .load(c)
        .await)
}

pub(super) async fn insert_failure(conn: &mut Conn, id: Id, login_hash: &[u8], at: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sign_in_failures::table)
        .values((sign_in_failures::id.eq(id), sign_in_failures::login_hash.eq(login_hash), sign_in_failures::at.eq(at)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Forgets the failed sign-ins under this hash.
pub async fn clear_failures(conn: &mut Conn, login_hash: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(sign_in_failures::table.filter(sign_in_failures::login_hash.eq(login_hash)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Forgets sessions and tokens that have expired, and failures that no longer count.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(c).await)?;
    let old = now.plus_seconds(-7 * 24 * 3600);
    query!(conn, |c| diesel::delete(mail_tokens::table.filter(mail_tokens::expires_at.le(old))).execute(c).await)?;
    let uncounted = now.plus_seconds(-3600);
    query!(conn, |c| diesel::delete(sign_in_failures::table.filter(sign_in_failures::at.le(uncounted)))
        .execute(c)
        .await)?;
    Ok(())
}

//! Queries of sessions, mail tokens and failed sign-ins.

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::ids::{AccountId, SessionId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{accounts, mail_tokens, sessions, sign_in_failures};
use platform::store::types::Id;

use crate::model::{Account, AccountSession, MailToken, MailTokenPurpose, Session};

pub(super) async fn insert_session(conn: &mut Conn, session: &Session) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sessions::table).values(session).execute(c).await)?;
    Ok(())
}

/// The unexpired session with this token hash, with its account.
pub async fn session_by_token(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> QueryResult<Option<AccountSession>> {
    let found: Option<(Session, Account)> = query!(conn, |c| sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at.gt(now))
        .filter(accounts::deleted_at.is_null())
        .select((Session::as_select(), Account::as_select()))
        .get_result(c)
        .await
        .optional())?;
    Ok(found.map(|(session, account)| AccountSession { session, account }))
}

/// The session with this id, expired or not.
pub async fn session_by_id(conn: &mut Conn, id: SessionId) -> QueryResult<Option<Session>> {
    query!(conn, |c| sessions::table.find(id).select(Session::as_select()).get_result(c).await.optional())
}

/// The unexpired sessions of an account, newest first; at most 200.
pub async fn sessions_of_account(conn: &mut Conn, account: AccountId, now: Timestamp) -> QueryResult<Vec<Session>> {
    query!(conn, |c| sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::expires_at.gt(now))
        .order(sessions::id.desc())
        .limit(200)
        .select(Session::as_select())
        .load(c)
        .await)
}

/// Updates the time at which a session was last used, and with it its end.
pub async fn touch_session(conn: &mut Conn, session: &Session, now: Timestamp) -> QueryResult<()> {
    let expires_at = Session::expiry(session.created_at, now);
    query!(conn, |c| diesel::update(sessions::table.find(session.id))
        .set((sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at)))
        .execute(c)
        .await)?;
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

/// Deletes one session of an account. Returns whether it existed.
pub(super) async fn delete_session(
    conn: &mut Conn,
    _: &Permit,
    account: AccountId,
    id: SessionId,
) -> QueryResult<bool> {
    let deleted = query!(conn, |c| diesel::delete(sessions::table.find(id).filter(sessions::account_id.eq(account)))
        .execute(c)
        .await)?;
    Ok(deleted > 0)
}

/// Deletes all sessions of an account except `kept`.
pub(super) async fn delete_sessions(
    conn: &mut Conn,
    _: &Permit,
    account: AccountId,
    kept: Option<SessionId>,
) -> QueryResult<()> {
    query!(conn, |c| match kept {
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

/// The stored mail tokens of an account, oldest first.
pub async fn mail_tokens_of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<MailToken>> {
    query!(conn, |c| mail_tokens::table
        .filter(mail_tokens::account_id.eq(account))
        .order(mail_tokens::created_at)
        .select(MailToken::as_select())
        .load(c)
        .await)
}

/// The token with this hash, unless it has another purpose, was used or has expired.
pub(super) async fn usable_mail_token(
    conn: &mut Conn,
    hash: &[u8],
    purpose: MailTokenPurpose,
    now: Timestamp,
) -> QueryResult<Option<MailToken>> {
    query!(conn, |c| mail_tokens::table
        .find(hash)
        .filter(mail_tokens::purpose.eq(purpose))
        .filter(mail_tokens::used_at.is_null())
        .filter(mail_tokens::expires_at.gt(now))
        .select(MailToken::as_select())
        .get_result(c)
        .await
        .optional())
}

/// Marks a token as used and returns it. Returns `None` if it has another purpose, was used or has expired.
pub(super) async fn consume_mail_token(
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

/// Marks every unused token of a purpose as used, so that none of them is accepted any more.
pub(super) async fn invalidate_mail_tokens(
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

/// Times of the newest failed sign-ins under this hash after `since`, newest first.
pub(super) async fn sign_in_failures_since(
    conn: &mut Conn,
    login_hash: &[u8],
    since: Timestamp,
    limit: i64,
) -> QueryResult<Vec<Timestamp>> {
    query!(conn, |c| sign_in_failures::table
        .filter(sign_in_failures::login_hash.eq(login_hash))
        .filter(sign_in_failures::at.gt(since))
        .order(sign_in_failures::at.desc())
        .limit(limit)
        .select(sign_in_failures::at)
        .load(c)
        .await)
}

/// Counts the failed sign-ins under this hash from `since` to before `until`.
pub(super) async fn count_sign_in_failures(
    conn: &mut Conn,
    login_hash: &[u8],
    since: Timestamp,
    until: Timestamp,
) -> QueryResult<i64> {
    query!(conn, |c| sign_in_failures::table
        .filter(sign_in_failures::login_hash.eq(login_hash))
        .filter(sign_in_failures::at.ge(since))
        .filter(sign_in_failures::at.lt(until))
        .count()
        .get_result(c)
        .await)
}

pub(super) async fn insert_sign_in_failure(
    conn: &mut Conn,
    id: Id,
    login_hash: &[u8],
    at: Timestamp,
) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sign_in_failures::table)
        .values((sign_in_failures::id.eq(id), sign_in_failures::login_hash.eq(login_hash), sign_in_failures::at.eq(at)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes the failed sign-ins under this hash.
pub(super) async fn delete_sign_in_failures(conn: &mut Conn, login_hash: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(sign_in_failures::table.filter(sign_in_failures::login_hash.eq(login_hash)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes expired sessions, mail tokens that expired more than a week ago, and failed sign-ins older than an hour.
pub async fn delete_expired(conn: &mut Conn, now: Timestamp) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(c).await)?;
    let tokens_before = now.plus_seconds(-7 * 24 * 3600);
    query!(conn, |c| diesel::delete(mail_tokens::table.filter(mail_tokens::expires_at.le(tokens_before)))
        .execute(c)
        .await)?;
    let failures_before = now.plus_seconds(-3600);
    query!(conn, |c| diesel::delete(sign_in_failures::table.filter(sign_in_failures::at.le(failures_before)))
        .execute(c)
        .await)?;
    Ok(())
}

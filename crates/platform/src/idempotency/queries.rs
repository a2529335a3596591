//! Queries of idempotency records.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::RETENTION_SECONDS;
use super::model::Record;
use crate::clock::Timestamp;
use crate::query;
use crate::store::Conn;
use crate::store::schema::idempotency_records;

/// Finds the record of an actor's key.
pub(super) async fn find(conn: &mut Conn, actor: &str, key: &str) -> QueryResult<Option<Record>> {
    query!(conn, |c| idempotency_records::table
        .find((actor, key))
        .select(Record::as_select())
        .get_result(c)
        .await
        .optional())
}

pub(super) async fn insert(conn: &mut Conn, record: &Record) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(idempotency_records::table).values(record).execute(c).await)?;
    Ok(())
}

/// Deletes the records of one actor.
pub(super) async fn delete_by_actor(conn: &mut Conn, actor: &str) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(idempotency_records::table.filter(idempotency_records::actor.eq(actor)))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes the records that are older than [`RETENTION_SECONDS`], and returns their number.
pub async fn prune(conn: &mut Conn, now: Timestamp) -> QueryResult<usize> {
    let oldest = now.plus_seconds(-RETENTION_SECONDS);
    query!(conn, |c| diesel::delete(idempotency_records::table)
        .filter(idempotency_records::created_at.lt(oldest))
        .execute(c)
        .await)
}

//! The installation's random keys in the database, sealed.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;

use crate::query;
use crate::store::Conn;
use crate::store::schema::sealed_keys;

/// A key by its name, as it was sealed.
pub(super) async fn sealed_key(conn: &mut Conn, name: &str) -> QueryResult<Option<Vec<u8>>> {
    query!(conn, |c| sealed_keys::table.find(name).select(sealed_keys::sealed).first(c).await.optional())
}

/// Stores a key, unless there is one of this name.
pub(super) async fn insert_key(conn: &mut Conn, name: &str, sealed: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sealed_keys::table)
        .values((sealed_keys::name.eq(name), sealed_keys::sealed.eq(sealed)))
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Stores a key that was sealed anew.
pub(super) async fn save_key(conn: &mut Conn, name: &str, sealed: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::update(sealed_keys::table.find(name))
        .set(sealed_keys::sealed.eq(sealed))
        .execute(c)
        .await)?;
    Ok(())
}

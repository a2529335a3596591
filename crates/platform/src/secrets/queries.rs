//! Queries of `sealed_keys`: the installation's random keys, sealed.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;

use crate::query;
use crate::store::Conn;
use crate::store::schema::{extensions, feed_web_hooks, sealed_keys};

/// Loads a key by its name.
pub(super) async fn sealed_key(conn: &mut Conn, name: &str) -> QueryResult<Option<Vec<u8>>> {
    query!(conn, |c| sealed_keys::table.find(name).select(sealed_keys::sealed).first(c).await.optional())
}

/// Inserts a key unless one with this name exists.
pub(super) async fn insert_key(conn: &mut Conn, name: &str, sealed: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(sealed_keys::table)
        .values((sealed_keys::name.eq(name), sealed_keys::sealed.eq(sealed)))
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(())
}

/// Replaces a key after resealing.
pub(super) async fn save_key(conn: &mut Conn, name: &str, sealed: &[u8]) -> QueryResult<()> {
    query!(conn, |c| diesel::update(sealed_keys::table.find(name))
        .set(sealed_keys::sealed.eq(sealed))
        .execute(c)
        .await)?;
    Ok(())
}

/// Loads one sealed value of each kind that the database has.
pub(super) async fn sealed_samples(conn: &mut Conn) -> QueryResult<Vec<Vec<u8>>> {
    let mut samples: Vec<Vec<u8>> =
        query!(&mut *conn, |c| sealed_keys::table.select(sealed_keys::sealed).load(c).await)?;
    let secrets: Option<Option<Vec<u8>>> = query!(&mut *conn, |c| extensions::table
        .filter(extensions::secrets.is_not_null())
        .select(extensions::secrets)
        .first(c)
        .await
        .optional())?;
    let hook: Option<Vec<u8>> =
        query!(conn, |c| feed_web_hooks::table.select(feed_web_hooks::secret).first(c).await.optional())?;
    samples.extend(secrets.flatten());
    samples.extend(hook);
    Ok(samples)
}

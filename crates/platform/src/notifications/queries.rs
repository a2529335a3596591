//! Queries of the generations, which detect a change whose notification was lost.

use diesel::{ExpressionMethods as _, QueryDsl as _, QueryResult};
use diesel_async::RunQueryDsl as _;

use crate::query;
use crate::store::Conn;
use crate::store::schema::notification_generations;

/// Increments the generation of the configuration, which instances compare after a lost notification.
///
/// # Errors
/// When the database cannot be written.
pub async fn increment_catalogue_generation(conn: &mut Conn) -> QueryResult<()> {
    query!(conn, |c| diesel::update(notification_generations::table.find("catalogue"))
        .set(notification_generations::generation.eq(notification_generations::generation + 1))
        .execute(c)
        .await)?;
    Ok(())
}

/// The generation of the configuration.
///
/// # Errors
/// When the database cannot be read.
pub async fn catalogue_generation(conn: &mut Conn) -> QueryResult<i64> {
    query!(conn, |c| notification_generations::table
        .find("catalogue")
        .select(notification_generations::generation)
        .get_result(c)
        .await)
}

//! The audit in the database.

use diesel::QueryResult;
use diesel_async::RunQueryDsl as _;

use super::model::NewAuditEvent;
use crate::query;
use crate::store::Conn;
use crate::store::schema::audit_events;

/// Appends one row.
pub async fn append(conn: &mut Conn, event: &NewAuditEvent) -> QueryResult<()> {
    query!(conn, c => diesel::insert_into(audit_events::table).values(event).execute(c).await)?;
    Ok(())
}

//! Queries of the audit log.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _,
};
use diesel_async::RunQueryDsl as _;

use super::model::{AuditEvent, NewAuditEvent, Seal};
use crate::insert_rows;
use crate::query;
use crate::store::hints::within_deadline;
use crate::store::schema::{audit_events, audit_seals};
use crate::store::{Conn, sought};

/// Filter of a list of audit rows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub entity: Option<String>,
    /// Only rows with a smaller sequence number.
    pub before: Option<i64>,
}

/// Appends a row.
pub async fn append(conn: &mut Conn, event: &NewAuditEvent) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(audit_events::table).values(event).execute(c).await)?;
    Ok(())
}

macro_rules! filtered {
    ($rows:expr, $filter:expr) => {{
        let mut rows = $rows.into_boxed();
        if let Some(actor) = &$filter.actor {
            rows = rows.filter(audit_events::actor.eq(sought(actor)));
        }
        if let Some(action) = &$filter.action {
            rows = rows.filter(audit_events::action.eq(sought(action)));
        }
        if let Some(entity) = &$filter.entity {
            rows = rows.filter(audit_events::entity.eq(sought(entity)));
        }
        rows
    }};
}

/// Appends rows in this order.
pub async fn append_all(conn: &mut Conn, events: &[NewAuditEvent]) -> QueryResult<()> {
    insert_rows!(conn, events, |rows| diesel::insert_into(audit_events::table).values(rows));
    Ok(())
}

/// Loads the newest matching rows.
pub async fn newest(conn: &mut Conn, filter: &Filter, limit: i64) -> QueryResult<Vec<AuditEvent>> {
    query!(conn, |c| {
        let mut rows = filtered!(audit_events::table.select(AuditEvent::as_select()), filter);
        if let Some(before) = filter.before {
            rows = rows.filter(audit_events::seq.lt(before));
        }
        rows.filter(within_deadline()).order(audit_events::seq.desc()).limit(limit).load(c).await
    })
}

/// Loads the rows of an actor and of an entity, oldest first.
pub async fn concerning(conn: &mut Conn, actor: &str, entity: &str) -> QueryResult<Vec<AuditEvent>> {
    query!(conn, |c| audit_events::table
        .filter(audit_events::actor.eq(actor).or(audit_events::entity.eq(entity)))
        .order(audit_events::seq)
        .select(AuditEvent::as_select())
        .load(c)
        .await)
}

/// Loads a row by its sequence number.
pub async fn by_seq(conn: &mut Conn, seq: i64) -> QueryResult<Option<AuditEvent>> {
    query!(conn, |c| audit_events::table.find(seq).select(AuditEvent::as_select()).first(c).await.optional())
}

/// Counts the matching rows of all pages.
pub async fn count(conn: &mut Conn, filter: &Filter) -> QueryResult<i64> {
    query!(conn, |c| filtered!(audit_events::table.count(), filter).get_result(c).await)
}

/// Loads the last link of the chain.
pub(super) async fn last_seal(conn: &mut Conn) -> QueryResult<Option<Seal>> {
    query!(conn, |c| audit_seals::table
        .order(audit_seals::position.desc())
        .select(Seal::as_select())
        .first(c)
        .await
        .optional())
}

/// Loads the oldest unsealed rows after the sequence number `after`.
pub(super) async fn unsealed(conn: &mut Conn, after: i64, limit: i64) -> QueryResult<Vec<AuditEvent>> {
    query!(conn, |c| audit_events::table
        .left_join(audit_seals::table.on(audit_seals::seq.eq(audit_events::seq)))
        .filter(audit_events::seq.gt(after))
        .filter(audit_seals::position.nullable().is_null())
        .order(audit_events::seq)
        .limit(limit)
        .select(AuditEvent::as_select())
        .load(c)
        .await)
}

/// Appends a link to the chain.
pub(super) async fn insert_seal(conn: &mut Conn, seal: &Seal) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(audit_seals::table).values(seal).execute(c).await)?;
    Ok(())
}

/// Loads rows with their links after a position, in the order of the chain.
pub(super) async fn sealed_after(conn: &mut Conn, position: i64, limit: i64) -> QueryResult<Vec<(AuditEvent, Seal)>> {
    query!(conn, |c| audit_seals::table
        .inner_join(audit_events::table.on(audit_seals::seq.eq(audit_events::seq)))
        .filter(audit_seals::position.gt(position))
        .order(audit_seals::position)
        .limit(limit)
        .select((AuditEvent::as_select(), Seal::as_select()))
        .load(c)
        .await)
}

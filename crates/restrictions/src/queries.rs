//! Queries of restrictions.

use diesel::upsert::excluded;
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;
use platform::access::Permit;
use platform::ids::{AccountId, RestrictionId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::restrictions;
use platform::store::types::Id;

use super::model::{NewRestriction, Restriction, RestrictionSource, Target, TargetKind};

/// Inserts a restriction. A second one from the same source on the same target updates the reason.
pub async fn apply(conn: &mut Conn, _: &Permit, new: &NewRestriction) -> QueryResult<()> {
    query!(conn, |c| diesel::insert_into(restrictions::table)
        .values(new)
        .on_conflict((restrictions::target_id, restrictions::target_kind, restrictions::source))
        .do_update()
        .set((
            restrictions::reason.eq(excluded(restrictions::reason)),
            restrictions::created_by.eq(excluded(restrictions::created_by))
        ))
        .execute(c)
        .await)?;
    Ok(())
}

/// Deletes the restriction of `target` by `source`. Returns whether one existed.
pub async fn lift(conn: &mut Conn, _: &Permit, target: Target, source: RestrictionSource) -> QueryResult<bool> {
    let lifted = query!(conn, |c| diesel::delete(restrictions::table)
        .filter(restrictions::target_id.eq(target.id))
        .filter(restrictions::target_kind.eq(target.kind))
        .filter(restrictions::source.eq(source))
        .execute(c)
        .await)?;
    Ok(lifted > 0)
}

/// Deletes all restrictions of a target that was deleted.
pub async fn lift_all(conn: &mut Conn, _: &Permit, target: Target) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(restrictions::table)
        .filter(restrictions::target_id.eq(target.id))
        .filter(restrictions::target_kind.eq(target.kind))
        .execute(c)
        .await)?;
    Ok(())
}

/// The restriction with this id.
pub async fn by_id(conn: &mut Conn, id: RestrictionId) -> QueryResult<Option<Restriction>> {
    query!(conn, |c| restrictions::table.find(id).select(Restriction::as_select()).first(c).await.optional())
}

/// The restrictions of an account, oldest first.
pub async fn of_account(conn: &mut Conn, account: AccountId) -> QueryResult<Vec<Restriction>> {
    of_targets(conn, TargetKind::Account, &[Id(account.0)]).await
}

/// The restrictions of any of these targets, oldest first.
pub async fn of_targets(conn: &mut Conn, kind: TargetKind, ids: &[Id]) -> QueryResult<Vec<Restriction>> {
    // The statement for one target is cached, a list of ids is not; most calls have one target.
    if let [only] = ids {
        return query!(conn, |c| restrictions::table
            .filter(restrictions::target_id.eq(only))
            .filter(restrictions::target_kind.eq(kind))
            .order(restrictions::id)
            .select(Restriction::as_select())
            .load(c)
            .await);
    }
    query!(conn, |c| restrictions::table
        .filter(restrictions::target_id.eq_any(ids))
        .filter(restrictions::target_kind.eq(kind))
        .order(restrictions::id)
        .select(Restriction::as_select())
        .load(c)
        .await)
}

/// All restrictions if there are at most `limit`, otherwise `None`. For pages of many rows this is cheaper than a query
/// by target.
pub async fn all_if_few(conn: &mut Conn, limit: usize) -> QueryResult<Option<Vec<Restriction>>> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found: Vec<Restriction> =
        query!(conn, |c| restrictions::table.limit(rows).select(Restriction::as_select()).load(c).await)?;
    Ok((found.len() <= limit).then_some(found))
}

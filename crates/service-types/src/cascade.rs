//! Effects of a changed service type on rows of extensions.
//!
//! Those tables belong to a domain above this one. Only this module names them here: a new schema rewrites the parameters and
//! the unique values of every extension of the type.

use diesel::prelude::{Queryable, Selectable};
use diesel::{ExpressionMethods as _, JoinOnDsl as _, QueryDsl as _, QueryResult, SelectableHelper as _};
use diesel_async::RunQueryDsl as _;

use super::sealed::UniqueValue;
use platform::access::Permit;
use platform::clock::Timestamp;
use platform::feed_log::FeedRef;
use platform::ids::{EventId, ExtensionId, ServiceTypeId};
use platform::query;
use platform::store::Conn;
use platform::store::schema::{accounts, extension_unique_values, extensions};
use platform::store::types::JsonValue;

/// An extension as far as a change of its service type concerns it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = extensions)]
pub struct Affected {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub slot: i32,
    pub number: String,
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

impl Affected {
    /// The feed that shows it.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// What a change of the type makes of an extension's row.
#[derive(Clone, Debug)]
pub struct NewContent {
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

/// All extensions of a service type with their owners' usernames, oldest first.
pub(super) async fn extensions_of_type(
    conn: &mut Conn,
    service_type: ServiceTypeId,
) -> QueryResult<Vec<(Affected, String)>> {
    query!(conn, |c| extensions::table
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(extensions::service_type_id.eq(service_type))
        .order(extensions::id)
        .select((Affected::as_select(), accounts::username))
        .load(c)
        .await)
}

/// The events in which a service type has extensions.
pub(super) async fn events_of_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| extensions::table
        .filter(extensions::service_type_id.eq(service_type))
        .select(extensions::event_id)
        .distinct()
        .load(c)
        .await)
}

/// Writes an extension's new parameters; `changed_at` where they are a new version of it.
pub(super) async fn save_content(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    content: &NewContent,
    changed_at: Option<Timestamp>,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
        .set((
            extensions::parameters.eq(&content.parameters),
            extensions::secrets.eq(&content.secrets),
            extensions::status.eq(&content.status),
        ))
        .execute(c)
        .await)?;
    if let Some(now) = changed_at {
        query!(conn, |c| diesel::update(extensions::table.find(id))
            .set((extensions::version.eq(extensions::version + 1), extensions::updated_at.eq(now)))
            .execute(c)
            .await)?;
    }
    Ok(())
}

/// Gives up the unique values of all extensions of a service type.
pub(super) async fn release_unique_values(conn: &mut Conn, _: &Permit, service_type: ServiceTypeId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(extension_unique_values::table)
        .filter(
            extension_unique_values::extension_id
                .eq_any(extensions::table.filter(extensions::service_type_id.eq(service_type)).select(extensions::id))
        )
        .execute(c)
        .await)?;
    Ok(())
}

/// Takes a unique value for an extension; whether nobody else has it.
pub(super) async fn claim_unique_value(
    conn: &mut Conn,
    _: &Permit,
    extension: ExtensionId,
    unique: &UniqueValue,
) -> QueryResult<bool> {
    let taken = query!(conn, |c| diesel::insert_into(extension_unique_values::table)
        .values((
            extension_unique_values::scope_id.eq(unique.scope),
            extension_unique_values::parameter.eq(&unique.parameter),
            extension_unique_values::value.eq(&unique.value),
            extension_unique_values::extension_id.eq(extension),
        ))
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(taken > 0)
}

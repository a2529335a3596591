//! Effects of a changed service type on rows of extensions.
//!
//! Those tables belong to a domain above this one. Only this module names them here: a new schema rewrites the
//! parameters and the unique values of every extension of the type.

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

/// The columns of an extension that a change of its service type reads.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = extensions)]
pub struct StoredExtension {
    pub id: ExtensionId,
    pub event_id: EventId,
    pub service_type_id: ServiceTypeId,
    pub slot: i32,
    pub number: String,
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

impl StoredExtension {
    /// The feed that contains the extension.
    pub const fn feed(&self) -> FeedRef {
        FeedRef { event: self.event_id, service_type: self.service_type_id }
    }
}

/// The new values of an extension's parameter columns.
#[derive(Clone, Debug)]
pub struct ParameterColumns {
    pub parameters: JsonValue,
    pub secrets: Option<Vec<u8>>,
    pub status: JsonValue,
}

/// An extension with the username of its owner.
#[derive(Clone, Debug, Queryable)]
pub struct OwnedExtension {
    pub extension: StoredExtension,
    pub username: String,
}

/// Lists the extensions of a service type, oldest first.
pub(super) async fn extensions_of_type(
    conn: &mut Conn,
    service_type: ServiceTypeId,
) -> QueryResult<Vec<OwnedExtension>> {
    query!(conn, |c| extensions::table
        .inner_join(accounts::table.on(accounts::id.eq(extensions::owner_id)))
        .filter(extensions::service_type_id.eq(service_type))
        .order(extensions::id)
        .select((StoredExtension::as_select(), accounts::username))
        .load(c)
        .await)
}

/// Lists the events in which a service type has extensions.
pub(super) async fn events_of_type(conn: &mut Conn, service_type: ServiceTypeId) -> QueryResult<Vec<EventId>> {
    query!(conn, |c| extensions::table
        .filter(extensions::service_type_id.eq(service_type))
        .select(extensions::event_id)
        .distinct()
        .load(c)
        .await)
}

/// Updates an extension's parameters, and its version when `changed_at` is given.
pub(super) async fn save_parameters(
    conn: &mut Conn,
    _: &Permit,
    id: ExtensionId,
    columns: &ParameterColumns,
    changed_at: Option<Timestamp>,
) -> QueryResult<()> {
    query!(&mut *conn, |c| diesel::update(extensions::table.find(id))
        .set((
            extensions::parameters.eq(&columns.parameters),
            extensions::secrets.eq(&columns.secrets),
            extensions::status.eq(&columns.status),
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

/// Deletes the unique values of all extensions of a service type.
pub(super) async fn delete_unique_values(conn: &mut Conn, _: &Permit, service_type: ServiceTypeId) -> QueryResult<()> {
    query!(conn, |c| diesel::delete(extension_unique_values::table)
        .filter(
            extension_unique_values::extension_id
                .eq_any(extensions::table.filter(extensions::service_type_id.eq(service_type)).select(extensions::id))
        )
        .execute(c)
        .await)?;
    Ok(())
}

/// Inserts a unique value of an extension. Returns false when another extension has it.
pub(super) async fn insert_unique_value(
    conn: &mut Conn,
    _: &Permit,
    extension: ExtensionId,
    unique: &UniqueValue,
) -> QueryResult<bool> {
    let inserted = query!(conn, |c| diesel::insert_into(extension_unique_values::table)
        .values((
            extension_unique_values::scope_id.eq(unique.scope),
            extension_unique_values::parameter.eq(&unique.parameter),
            extension_unique_values::value.eq(&unique.value),
            extension_unique_values::extension_id.eq(extension),
        ))
        .on_conflict_do_nothing()
        .execute(c)
        .await)?;
    Ok(inserted > 0)
}

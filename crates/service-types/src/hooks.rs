//! Hooks that dependent domains implement for changes of service types.

use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::{EventId, ServiceTypeId};
use platform::store::Conn;
use platform::transaction::Tx;

use crate::migrate::SchemaChange;
use crate::rules::Incompatibilities;

/// Hook of a domain that stores parameters of service types. Methods with a `tx` run inside the transaction that changes
/// the type, under the locks of the type and of its [`Self::events`].
pub trait ServiceTypeHooks: Send + Sync {
    /// The events in which this domain stores parameters of the service type.
    ///
    /// # Errors
    /// When the database fails.
    fn events<'t>(
        &'t self,
        conn: &'t mut Conn,
        service_type: ServiceTypeId,
    ) -> BoxFuture<'t, Result<Vec<EventId>, Error>>;

    /// Migrates all stored parameters of the type to the new schema and records the changed feed entries. What cannot be
    /// migrated is added to `incompatibilities`; the caller then rolls the transaction back.
    ///
    /// # Errors
    /// When the database fails, or stored secrets do not open.
    fn migrate<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        change: &'t SchemaChange,
        incompatibilities: &'t mut Incompatibilities,
    ) -> BoxFuture<'t, Result<(), Error>>;

    /// Records a change of every feed entry of the type, because its settings changed.
    ///
    /// # Errors
    /// When the database fails.
    fn settings_changed<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        service_type: ServiceTypeId,
    ) -> BoxFuture<'t, Result<(), Error>>;
}

/// The answers of all dependent domains to [`ServiceTypeHooks::events`].
pub(crate) async fn events(tx: &mut Tx<'_>, service_type: ServiceTypeId) -> Result<Vec<EventId>, Error> {
    let services = tx.services();
    let mut events = Vec::new();
    for hook in services.hooks.all::<dyn ServiceTypeHooks>() {
        events.extend(hook.events(tx.conn, service_type).await?);
    }
    Ok(events)
}

/// Calls [`ServiceTypeHooks::migrate`] of every dependent domain.
pub(crate) async fn migrate(
    tx: &mut Tx<'_>,
    permit: &Permit,
    change: &SchemaChange,
    incompatibilities: &mut Incompatibilities,
) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn ServiceTypeHooks>() {
        hook.migrate(tx, permit, change, incompatibilities).await?;
    }
    Ok(())
}

/// Calls [`ServiceTypeHooks::settings_changed`] of every dependent domain.
pub(crate) async fn settings_changed(tx: &mut Tx<'_>, service_type: ServiceTypeId) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn ServiceTypeHooks>() {
        hook.settings_changed(tx, service_type).await?;
    }
    Ok(())
}

//! Hooks that dependent domains implement for changes of events, number ranges and call permissions.

use futures_util::future::BoxFuture;
use numbering::plan;
use platform::access::Permit;
use platform::error::Error;
use platform::ids::EventId;
use platform::store::Conn;
use platform::transaction::Tx;

use crate::{CallPermission, Event};

/// Hook of a dependent domain. Methods with a `tx` run inside the transaction that makes the change.
pub trait EventHooks: Send + Sync {
    /// Copies what this domain stores for the event `source` into the new event `copy`. The lock of `source` is held.
    ///
    /// # Errors
    /// When the database fails.
    fn event_copied<'t, 'c: 't>(
        &'t self,
        _tx: &'t mut Tx<'c>,
        _permit: &'t Permit,
        _source: &'t Event,
        _copy: &'t Event,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The first number within `range` that is not available in the event. The range need not be stored.
    ///
    /// # Errors
    /// When the database fails.
    fn taken_number_in<'t>(
        &'t self,
        _conn: &'t mut Conn,
        _event: EventId,
        _range: &'t plan::NumberRange,
    ) -> BoxFuture<'t, Result<Option<String>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// The first number of the event, in service or reserved, that begins with `prefix` or is a prefix of it.
    ///
    /// # Errors
    /// When the database fails.
    fn taken_number_under<'t>(
        &'t self,
        _conn: &'t mut Conn,
        _event: EventId,
        _prefix: &'t str,
    ) -> BoxFuture<'t, Result<Option<String>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Notifies the directories that list extensions with the permission, because its highlighting changed.
    ///
    /// # Errors
    /// When the database fails.
    fn highlighting_changed<'t, 'c: 't>(
        &'t self,
        _tx: &'t mut Tx<'c>,
        _permission: &'t CallPermission,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Revokes the permission, which is deleted afterwards, and records the changed feed entries. The locks of all events
    /// are held.
    ///
    /// # Errors
    /// When the database fails.
    fn revoke_permission<'t, 'c: 't>(
        &'t self,
        _tx: &'t mut Tx<'c>,
        _permit: &'t Permit,
        _permission: &'t CallPermission,
    ) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Calls [`EventHooks::event_copied`] of every dependent domain.
pub(crate) async fn event_copied(tx: &mut Tx<'_>, permit: &Permit, source: &Event, copy: &Event) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn EventHooks>() {
        hook.event_copied(tx, permit, source, copy).await?;
    }
    Ok(())
}

/// The first answer of the dependent domains to [`EventHooks::taken_number_in`].
pub(crate) async fn taken_number_in(
    tx: &mut Tx<'_>,
    event: EventId,
    range: &plan::NumberRange,
) -> Result<Option<String>, Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn EventHooks>() {
        if let Some(number) = hook.taken_number_in(tx.conn, event, range).await? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The first answer of the dependent domains to [`EventHooks::taken_number_under`].
pub(crate) async fn taken_number_under(tx: &mut Tx<'_>, event: EventId, prefix: &str) -> Result<Option<String>, Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn EventHooks>() {
        if let Some(number) = hook.taken_number_under(tx.conn, event, prefix).await? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Calls [`EventHooks::highlighting_changed`] of every dependent domain.
pub(crate) async fn highlighting_changed(tx: &mut Tx<'_>, permission: &CallPermission) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn EventHooks>() {
        hook.highlighting_changed(tx, permission).await?;
    }
    Ok(())
}

/// Calls [`EventHooks::revoke_permission`] of every dependent domain.
pub(crate) async fn revoke_permission(
    tx: &mut Tx<'_>,
    permit: &Permit,
    permission: &CallPermission,
) -> Result<(), Error> {
    let services = tx.services();
    for hook in services.hooks.all::<dyn EventHooks>() {
        hook.revoke_permission(tx, permit, permission).await?;
    }
    Ok(())
}

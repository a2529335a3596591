//! Extensions of a changed service type.

use ::service_types::SchemaChange;
use ::service_types::hooks::ServiceTypeHooks;
use ::service_types::rules::Incompatibilities;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::error::Error;
use platform::feed_log::EntryChange;
use platform::ids::{EventId, ServiceTypeId};
use platform::store::Conn;
use platform::transaction::Tx;

use super::ExtensionHooks;
use crate::{dependent_queries, rules};

impl ServiceTypeHooks for ExtensionHooks {
    fn events<'t>(
        &'t self,
        conn: &'t mut Conn,
        service_type: ServiceTypeId,
    ) -> BoxFuture<'t, Result<Vec<EventId>, Error>> {
        async move { Ok(dependent_queries::events_of_type(conn, service_type).await?) }.boxed()
    }

    fn migrate<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        change: &'t SchemaChange,
        incompatibilities: &'t mut Incompatibilities,
    ) -> BoxFuture<'t, Result<(), Error>> {
        rules::migrate(tx, permit, change, incompatibilities).boxed()
    }

    fn settings_changed<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        service_type: ServiceTypeId,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for slot in dependent_queries::entries_of_type(tx.conn, service_type).await? {
                tx.changes.record(slot.feed, slot.extension, slot.slot, EntryChange::Touch);
            }
            Ok(())
        }
        .boxed()
    }
}

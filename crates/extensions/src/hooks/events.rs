//! Extensions that have a changed or deleted call permission.

use ::events::CallPermission;
use ::events::hooks::EventHooks;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use platform::access::Permit;
use platform::error::Error;
use platform::feed_log::EntryChange;
use platform::notifications::Notification;
use platform::transaction::Tx;

use super::ExtensionHooks;
use crate::{dependent_queries, queries};

impl EventHooks for ExtensionHooks {
    fn highlighting_changed<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permission: &'t CallPermission,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for slot in dependent_queries::holders_of_permission(tx.conn, permission.id).await? {
                tx.notify(Notification::Directory(slot.feed.event));
            }
            Ok(())
        }
        .boxed()
    }

    fn revoke_permission<'t, 'c: 't>(
        &'t self,
        tx: &'t mut Tx<'c>,
        permit: &'t Permit,
        permission: &'t CallPermission,
    ) -> BoxFuture<'t, Result<(), Error>> {
        async move {
            for slot in dependent_queries::holders_of_permission(tx.conn, permission.id).await? {
                tx.changes.record(slot.feed, slot.extension, slot.slot, EntryChange::Touch);
                if permission.highlights_in_directory {
                    tx.notify(Notification::Directory(slot.feed.event));
                }
            }
            Ok(queries::revoke_permission(tx.conn, permit, permission.id, tx.now).await?)
        }
        .boxed()
    }
}

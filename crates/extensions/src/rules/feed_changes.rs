//! Feed changes that follow from a change of an extension.

use platform::error::Error;
use platform::feed_log::{EntryChange, EntryKeys, FeedRef};
use platform::notifications::Notification;
use platform::transaction::Tx;
use service_types::schema::ParameterSchema;

use super::parameters;
use crate::dependent_queries;
use crate::model::Extension;

/// The feed of an extension.
pub(super) const fn feed_of(row: &Extension) -> FeedRef {
    FeedRef { event: row.event_id, service_type: row.service_type_id }
}

/// Records an upsert of the extension's feed entry under its keys, and notifies the directory.
pub fn record_upsert(tx: &mut Tx<'_>, row: &Extension, schema: &ParameterSchema) {
    record_keys(tx, row, schema);
    tx.notify(Notification::Directory(row.event_id));
}

/// Records an upsert of the extension's feed entry under its keys. The directory shows nothing of the change.
pub(super) fn record_keys(tx: &mut Tx<'_>, row: &Extension, schema: &ParameterSchema) {
    let keys = EntryKeys { number: row.number.clone(), parameters: schema.feed_keys(&parameters::public(row)).into() };
    tx.changes.record(feed_of(row), row.id, row.slot, EntryChange::Upsert(keys));
}

/// Records a touch of the feed entries that contain the extension: those of its groups and of the extensions that fall back
/// to it. Returns their feeds.
pub(super) async fn touch_dependents(tx: &mut Tx<'_>, row: &Extension) -> Result<Vec<FeedRef>, Error> {
    let dependents = dependent_queries::dependents_of(tx.conn, row.id).await?;
    for slot in &dependents {
        tx.changes.record(slot.feed, slot.extension, slot.slot, EntryChange::Touch);
    }
    Ok(dependents.into_iter().map(|slot| slot.feed).collect())
}

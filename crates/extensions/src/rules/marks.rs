//! What the feeds must tell again when an extension changes.

use super::super::model::Extension;
use super::super::queries;
use platform::error::Error;
use platform::feed_log::{EntryChange, EntryKeys, FeedRef};
use platform::notifications::Notification;
use service_types::schema::{ParameterSchema, Parameters};
use platform::transaction::Tx;

/// The feed of an extension.
pub(super) const fn feed(row: &Extension) -> FeedRef {
    FeedRef { event: row.event_id, service_type: row.service_type_id }
}

/// Marks an extension that is there, under its keys.
pub fn present(tx: &mut Tx<'_>, row: &Extension, schema: &ParameterSchema) {
    let keys = EntryKeys { number: row.number.clone(), parameters: schema.feed_keys(&public(row)).into() };
    tx.changes.record(feed(row), row.id, row.slot, EntryChange::Upsert(keys));
    tx.notify(Notification::Directory(row.event_id));
}

/// Marks the entries of others that show the extension: groups that it is in, and extensions that fall back to it. The answer
/// is their feeds.
pub(super) async fn shown_by(tx: &mut Tx<'_>, row: &Extension) -> Result<Vec<FeedRef>, Error> {
    let shown = queries::shown_by(tx.conn, row.id).await?;
    for shown in &shown {
        tx.changes.record(shown.feed, shown.extension, shown.slot, EntryChange::Touch);
    }
    Ok(shown.into_iter().map(|shown| shown.feed).collect())
}

/// The public parameters of a row.
pub fn public(row: &Extension) -> Parameters {
    row.parameters.0.as_object().cloned().unwrap_or_default()
}

//! Operations of admins on events, number ranges and call permissions.
//!
//! [`insert_event`], [`change_event`], [`insert_range`] and [`change_range`] run inside a transaction of the service
//! types, which add what an event offers and to which service types a range is limited. The other operations open their
//! own transaction.

mod events;
mod permissions;
mod ranges;

pub use events::{
    ChangedEvent, CopiedEvent, CopiedRange, CreateEvent, DEFAULT_HOLD_SECONDS, DEFAULT_TIME_ZONE, InsertedEvent,
    UpdateEvent, change_event, insert_event,
};
pub use permissions::{
    CreateCallPermission, UpdateCallPermission, create_permission, delete_permission, update_permission,
};
pub use ranges::{CreateNumberRange, RangeOfEvent, UpdateNumberRange, change_range, delete_range, insert_range};

use platform::error::Error;
use platform::notifications::{Notification, increment_catalogue_generation};
use platform::transaction::Tx;

/// The id of a row that an operation inserted, changed or deleted.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed<Id> {
    pub id: Id,
}

/// Increments the generation of the configuration and notifies every instance of the change.
///
/// # Errors
/// When the database cannot be written.
pub async fn catalogue_changed(tx: &mut Tx<'_>) -> Result<(), Error> {
    increment_catalogue_generation(tx.conn).await?;
    tx.notify(Notification::Catalogue);
    Ok(())
}

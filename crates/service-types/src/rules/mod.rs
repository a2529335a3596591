//! What admins may do with the configuration.

mod breakage;
mod events;
mod permissions;
mod ranges;
mod type_changes;
mod types;

pub use breakage::{Breakage, Violation};
pub use events::{CreateEvent, DEFAULT_HOLD_SECONDS, DEFAULT_TIME_ZONE, UpdateEvent, create_event, update_event};
pub use permissions::{
    CreateCallPermission, UpdateCallPermission, create_permission, delete_permission, update_permission,
};
pub use ranges::{CreateNumberRange, UpdateNumberRange, count_free, create_range, delete_range, update_range};
pub use type_changes::{Update, UpdateServiceType, update_service_type};
pub use types::{CreateServiceType, create_service_type, source};

use super::queries;
use platform::error::{Error, UserError};
use platform::ids::ServiceTypeId;
use platform::notifications::Notification;
use platform::transaction::Tx;

/// What an operation made or changed.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Changed<Id> {
    pub id: Id,
}

/// Tells every instance that the catalogue has changed.
pub(super) async fn catalogue_changed(tx: &mut Tx<'_>) -> Result<(), Error> {
    queries::bump_catalogue(tx.conn).await?;
    tx.notify(Notification::Catalogue);
    Ok(())
}

/// A slug: `[a-z][a-z0-9-]{0,31}`.
fn clean_slug(input: &str) -> Result<String, UserError> {
    let is_sound = input.len() <= 32
        && input.starts_with(|first: char| first.is_ascii_lowercase())
        && input.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_sound {
        Ok(input.to_owned())
    } else {
        Err(UserError::invalid(
            "slug",
            "A slug begins with a letter a–z and has at most 32 letters, digits and hyphens.",
        ))
    }
}

/// A name for people.
fn clean_name(field: &str, input: &str) -> Result<String, UserError> {
    platform::text::name(input).map_err(|fault| UserError::invalid(field, fault.to_string()))
}

/// A longer text.
fn clean_text(field: &str, input: String) -> Result<String, UserError> {
    if input.len() > 64 * 1024 { Err(UserError::invalid(field, "It has at most 65,536 bytes.")) } else { Ok(input) }
}

/// The service types with these slugs, in their order.
async fn service_types(tx: &mut Tx<'_>, slugs: &[String]) -> Result<Vec<ServiceTypeId>, Error> {
    let mut ids = Vec::with_capacity(slugs.len());
    for (place, slug) in slugs.iter().enumerate() {
        let Some(found) = queries::service_type_by_slug(tx.conn, slug).await? else {
            let problem = UserError::not_found("serviceTypes", format!("There is no service type {slug:?}."));
            return Err(problem.at(["serviceTypes".to_owned(), place.to_string()]).into());
        };
        if !ids.contains(&found.id) {
            ids.push(found.id);
        }
    }
    Ok(ids)
}

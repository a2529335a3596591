//! Operations of admins on service types, on the service types that an event offers and on those that a range is
//! limited to.

mod event_offers;
mod incompatibility;
mod instructions;
mod range_limits;
mod type_changes;
mod types;

pub use event_offers::{create_event, update_event};
pub use incompatibility::{Incompatibilities, Incompatibility};
pub use range_limits::{create_range, update_range};
pub use type_changes::{UpdateOutcome, UpdateServiceType, update_service_type};
pub use types::{CreateServiceType, create_service_type};

use super::queries;
use platform::error::{Error, UserError};
use platform::ids::ServiceTypeId;
use platform::transaction::Tx;

/// The ids of the service types with these slugs, in their order and without duplicates.
async fn ids_of_slugs(tx: &mut Tx<'_>, slugs: &[String]) -> Result<Vec<ServiceTypeId>, Error> {
    let mut ids = Vec::with_capacity(slugs.len());
    for (index, slug) in slugs.iter().enumerate() {
        let Some(found) = queries::service_type_by_slug(tx.conn, slug).await? else {
            let problem = UserError::not_found("serviceTypes", format!("There is no service type {slug:?}."));
            return Err(problem.at(["serviceTypes".to_owned(), index.to_string()]).into());
        };
        if !ids.contains(&found.id) {
            ids.push(found.id);
        }
    }
    Ok(ids)
}

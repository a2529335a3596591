//! Creates and changes events together with the service types that they offer.

use std::sync::Arc;

use events::actions;
use events::rules::{
    self as event_rules, Changed, ChangedEvent, CopiedEvent, CreateEvent, InsertedEvent, UpdateEvent, catalogue_changed,
};
use platform::access::{Caller, Permit};
use platform::error::Error;
use platform::ids::EventId;
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};

use super::ids_of_slugs;
use crate::queries;

/// Creates an event that offers the service types with these slugs, and those of the event that it copies.
///
/// # Errors
/// INVALID, NOT_FOUND or ALREADY_EXISTS at the field concerned.
pub async fn create_event(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateEvent,
    service_types: Vec<String>,
) -> Result<Changed<EventId>, Error> {
    transact!(services, caller, actions::CREATE_EVENT, Mode::Commit, |tx| {
        let InsertedEvent { permit, event, copied } = event_rules::insert_event(tx, &input).await?;
        let mut offered = ids_of_slugs(tx, &service_types).await?;
        if let Some(copied) = &copied {
            for service_type in queries::service_types_of_event(tx.conn, copied.id).await? {
                if !offered.contains(&service_type.id) {
                    offered.push(service_type.id);
                }
            }
            copy_range_limits(tx, &permit, copied).await?;
        }
        queries::replace_offers(tx.conn, &permit, event.id, &offered).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(event.id.global()), format!("event {} was created", event.slug)).await?;
        Ok(Changed { id: event.id })
    })
    .await
}

/// Limits the copied ranges to the service types of their originals.
async fn copy_range_limits(tx: &mut Tx<'_>, permit: &Permit, copied: &CopiedEvent) -> Result<(), Error> {
    let limits = queries::range_limits(tx.conn, copied.id).await?;
    for range in &copied.ranges {
        let of_original = limits.iter().filter(|limit| limit.range_id == range.original);
        let service_types: Vec<_> = of_original.map(|limit| limit.service_type_id).collect();
        queries::replace_range_limits(tx.conn, permit, range.copy, &service_types).await?;
    }
    Ok(())
}

/// Changes an event and, unless `service_types` is left out, the service types that it offers.
///
/// # Errors
/// INVALID, NOT_FOUND or CONFLICT at the field concerned.
pub async fn update_event(
    services: &Services,
    caller: &Arc<Caller>,
    input: UpdateEvent,
    service_types: Patch<Vec<String>>,
) -> Result<Changed<EventId>, Error> {
    transact!(services, caller, actions::UPDATE_EVENT, Mode::Commit, |tx| {
        let ChangedEvent { permit, event } = event_rules::change_event(tx, input).await?;
        if let Some(slugs) = service_types.stored("serviceTypes")? {
            let offered = ids_of_slugs(tx, &slugs).await?;
            queries::replace_offers(tx.conn, &permit, event.id, &offered).await?;
        }
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(event.id.global()), format!("event {} was changed", event.slug)).await?;
        Ok(Changed { id: event.id })
    })
    .await
}

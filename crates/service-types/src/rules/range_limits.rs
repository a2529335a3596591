//! Creates and changes number ranges together with the service types that they are limited to.

use std::sync::Arc;

use events::actions;
use events::rules::{
    self as event_rules, Changed, CreateNumberRange, RangeOfEvent, UpdateNumberRange, catalogue_changed,
};
use platform::access::Caller;
use platform::error::Error;
use platform::ids::NumberRangeId;
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::ids_of_slugs;
use crate::queries;

/// Creates a range for the service types with these slugs; without any, every service type may use it.
///
/// # Errors
/// INVALID, NOT_FOUND or CONFLICT at the field concerned.
pub async fn create_range(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateNumberRange,
    service_types: Vec<String>,
) -> Result<Changed<NumberRangeId>, Error> {
    transact!(services, caller, actions::CREATE_NUMBER_RANGE, Mode::Commit, |tx| {
        let RangeOfEvent { permit, event, range } = event_rules::insert_range(tx, input).await?;
        let limits = ids_of_slugs(tx, &service_types).await?;
        queries::replace_range_limits(tx.conn, &permit, range.id, &limits).await?;
        catalogue_changed(tx).await?;
        let summary = format!("range {}–{} of {} was created", range.first, range.last, event.slug);
        tx.audit(&permit, Some(range.id.global()), summary).await?;
        Ok(Changed { id: range.id })
    })
    .await
}

/// Changes a range and, unless `service_types` is left out, the service types that may use it.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn update_range(
    services: &Services,
    caller: &Arc<Caller>,
    input: UpdateNumberRange,
    service_types: Patch<Vec<String>>,
) -> Result<Changed<NumberRangeId>, Error> {
    transact!(services, caller, actions::UPDATE_NUMBER_RANGE, Mode::Commit, |tx| {
        let RangeOfEvent { permit, range, .. } = event_rules::change_range(tx, input).await?;
        if let Some(slugs) = service_types.stored("serviceTypes")? {
            let limits = ids_of_slugs(tx, &slugs).await?;
            queries::replace_range_limits(tx.conn, &permit, range.id, &limits).await?;
        }
        catalogue_changed(tx).await?;
        let summary = format!("range {}–{} was changed", range.first, range.last);
        tx.audit(&permit, Some(range.id.global()), summary).await?;
        Ok(Changed { id: range.id })
    })
    .await
}

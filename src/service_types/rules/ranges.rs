//! Number ranges.

use std::sync::Arc;

use super::{Changed, catalogue_changed, clean_name, service_types};
use crate::access::{Action, Caller};
use crate::changes::locks;
use crate::ids::NumberRangeId;
use crate::numbers::number::Number;
use crate::numbers::plan;
use crate::problem::{Problem, ProblemKind, Stop};
use crate::service_types::model::NumberRange;
use crate::service_types::queries;
use crate::services::Services;
use crate::transaction::{Mode, transact};

/// A range to be made.
pub struct CreateNumberRange {
    pub event: String,
    pub first: String,
    pub last: String,
    pub label: String,
    pub privileged: bool,
    pub service_types: Vec<String>,
}

/// What is to change of a range; what is `None` stays.
pub struct UpdateNumberRange {
    pub id: String,
    pub label: Option<String>,
    pub privileged: Option<bool>,
    pub service_types: Option<Vec<String>>,
}

/// Makes a range that neither overlaps nor shares prefixes with another of its event.
///
/// # Errors
/// INVALID, NOT_FOUND or CONFLICT at the field concerned.
pub async fn create_range(services: &Services, caller: &Arc<Caller>, input: CreateNumberRange) -> Result<Changed<NumberRangeId>, Stop> {
    transact(services, caller, Action::CreateNumberRange, Mode::Commit, move |tx| {
        Box::pin(async move {
            let no_event = || Problem::not_found("event", "There is no event with this slug.");
            if let Some(event) = queries::event_by_slug(tx.conn, &input.event).await? {
                locks::events(tx.conn, &[event.id]).await?;
            }
            let permit = tx.permit(Action::CreateNumberRange).await?;
            let event = queries::event_by_slug(tx.conn, &input.event).await?.ok_or_else(no_event)?;
            let first = Number::clean(&input.first).map_err(|problem| problem.at(["first"]))?;
            let last = Number::clean(&input.last).map_err(|problem| problem.at(["last"]))?;
            let range = plan::NumberRange::new(&first, &last)?;
            let mut others = Vec::new();
            for other in queries::ranges_of_event(tx.conn, event.id).await? {
                others.push(other.plan()?);
            }
            plan::check_range(&range, &others)?;
            let row = NumberRange {
                id: NumberRangeId::new(tx.rng(), tx.now),
                event_id: event.id,
                first: first.into_string(),
                last: last.into_string(),
                label: clean_name("label", &input.label)?,
                privileged: input.privileged,
            };
            queries::insert_range(tx.conn, &permit, &row).await?;
            let types = service_types(tx, &input.service_types).await?;
            queries::limit_range(tx.conn, &permit, row.id, &types).await?;
            catalogue_changed(tx).await?;
            let summary = format!("range {}–{} of {} was made", row.first, row.last, event.slug);
            tx.audit(&permit, Some(row.id.global()), summary).await?;
            Ok(Changed { id: row.id })
        })
    })
    .await
}

/// Changes who may use a range.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn update_range(services: &Services, caller: &Arc<Caller>, input: UpdateNumberRange) -> Result<Changed<NumberRangeId>, Stop> {
    transact(services, caller, Action::UpdateNumberRange, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit(Action::UpdateNumberRange).await?;
            let id = NumberRangeId::from_global(&input.id).ok_or_else(|| Problem::invalid("id", "This is not the id of a range."))?;
            let mut row = queries::range_by_id(tx.conn, id).await?.ok_or_else(|| Problem::not_found("id", "There is no such range."))?;
            if let Some(label) = &input.label {
                row.label = clean_name("label", label)?;
            }
            row.privileged = input.privileged.unwrap_or(row.privileged);
            queries::save_range(tx.conn, &permit, &row).await?;
            if let Some(slugs) = &input.service_types {
                let types = service_types(tx, slugs).await?;
                queries::limit_range(tx.conn, &permit, id, &types).await?;
            }
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(id.global()), format!("range {}–{} was changed", row.first, row.last)).await?;
            Ok(Changed { id })
        })
    })
    .await
}

/// Deletes a range of which no number is taken.
///
/// # Errors
/// NOT_FOUND at `id`, CONFLICT while numbers are taken.
pub async fn delete_range(services: &Services, caller: &Arc<Caller>, id: &str) -> Result<Changed<NumberRangeId>, Stop> {
    let id = NumberRangeId::from_global(id).ok_or_else(|| Problem::invalid("id", "This is not the id of a range."));
    transact(services, caller, Action::DeleteNumberRange, Mode::Commit, move |tx| {
        Box::pin(async move {
            let permit = tx.permit(Action::DeleteNumberRange).await?;
            let missing = || Problem::not_found("id", "There is no such range.");
            let row = queries::range_by_id(tx.conn, id?).await?.ok_or_else(missing)?;
            locks::events(tx.conn, &[row.event_id]).await?;
            let taken = queries::count_taken(tx.conn, &row).await?;
            if taken > 0 {
                let message = format!("{taken} of its numbers are in use or kept for somebody.");
                return Err(Problem::new(ProblemKind::Conflict, "id", message).into());
            }
            queries::delete_range(tx.conn, &permit, row.id).await?;
            catalogue_changed(tx).await?;
            tx.audit(&permit, Some(row.id.global()), format!("range {}–{} was deleted", row.first, row.last)).await?;
            Ok(Changed { id: row.id })
        })
    })
    .await
}

//! Creates, changes and deletes call permissions.

use std::sync::Arc;

use platform::access::{Caller, Role};
use platform::error::{Error, UserError, UserErrorKind};
use platform::ids::CallPermissionId;
use platform::locks;
use platform::patch::Patch;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;

use super::{Changed, catalogue_changed};
use crate::input::{clean_name, clean_slug, clean_text};
use crate::model::CallPermission;
use crate::{actions, hooks, queries};

/// Input for a new permission.
pub struct CreateCallPermission {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub highlights_in_directory: bool,
}

/// Changes to a permission.
pub struct UpdateCallPermission {
    pub id: String,
    pub name: Patch<String>,
    pub description: Patch<String>,
    pub highlights_in_directory: Patch<bool>,
}

/// Creates a permission.
///
/// # Errors
/// INVALID or ALREADY_EXISTS at the field concerned.
pub async fn create_permission(
    services: &Services,
    caller: &Arc<Caller>,
    input: CreateCallPermission,
) -> Result<Changed<CallPermissionId>, Error> {
    transact!(services, caller, actions::CREATE_CALL_PERMISSION, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let row = CallPermission {
            id: CallPermissionId::new(tx.rng(), tx.now),
            slug: clean_slug(&input.slug)?,
            name: clean_name("name", &input.name)?,
            description: clean_text("description", input.description)?,
            highlights_in_directory: input.highlights_in_directory,
        };
        if !queries::permissions_by_slugs(tx.conn, std::slice::from_ref(&row.slug)).await?.is_empty() {
            return Err(
                UserError::new(UserErrorKind::AlreadyExists, "slug", "There is a permission with this slug.").into()
            );
        }
        queries::insert_permission(tx.conn, &permit, &row).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(row.id.global()), format!("permission {} was created", row.slug)).await?;
        Ok(Changed { id: row.id })
    })
    .await
}

/// Changes the name, the description and the highlighting of a permission.
///
/// # Errors
/// INVALID or NOT_FOUND at the field concerned.
pub async fn update_permission(
    services: &Services,
    caller: &Arc<Caller>,
    input: UpdateCallPermission,
) -> Result<Changed<CallPermissionId>, Error> {
    transact!(services, caller, actions::UPDATE_CALL_PERMISSION, Mode::Commit, |tx| {
        let permit = tx.permit().await?;
        let id = CallPermissionId::from_global(&input.id)
            .ok_or_else(|| UserError::invalid("id", "This is not the id of a permission."))?;
        let missing = || UserError::not_found("id", "There is no such permission.");
        let mut row = queries::permission_by_id(tx.conn, id).await?.ok_or_else(missing)?;
        if let Some(name) = input.name.stored("name")? {
            row.name = clean_name("name", &name)?;
        }
        if let Some(description) = input.description.stored("description")? {
            row.description = clean_text("description", description)?;
        }
        let highlighted = row.highlights_in_directory;
        row.highlights_in_directory =
            input.highlights_in_directory.stored("highlightsInDirectory")?.unwrap_or(highlighted);
        if row.highlights_in_directory != highlighted {
            hooks::highlighting_changed(tx, &row).await?;
        }
        queries::save_permission(tx.conn, &permit, &row).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(id.global()), format!("permission {} was changed", row.slug)).await?;
        Ok(Changed { id })
    })
    .await
}

/// Deletes a permission, revokes it from its extensions and records a change of their feed entries.
///
/// # Errors
/// INVALID or NOT_FOUND at `id`.
pub async fn delete_permission(
    services: &Services,
    caller: &Arc<Caller>,
    id: String,
) -> Result<Changed<CallPermissionId>, Error> {
    transact!(services, caller, actions::DELETE_CALL_PERMISSION, Mode::Commit, |tx| {
        tx.actor().demand(Role::Admin)?;
        // A grant of the permission takes the lock of its event. With all locks held, there is no concurrent grant.
        let events: Vec<_> = queries::all_events(tx.conn).await?.into_iter().map(|event| event.id).collect();
        locks::events(tx.conn, &events).await?;
        let permit = tx.permit().await?;
        let id = CallPermissionId::from_global(&id)
            .ok_or_else(|| UserError::invalid("id", "This is not the id of a permission."))?;
        let missing = || UserError::not_found("id", "There is no such permission.");
        let row = queries::permission_by_id(tx.conn, id).await?.ok_or_else(missing)?;
        hooks::revoke_permission(tx, &permit, &row).await?;
        queries::delete_permission(tx.conn, &permit, id).await?;
        catalogue_changed(tx).await?;
        tx.audit(&permit, Some(id.global()), format!("permission {} was deleted", row.slug)).await?;
        Ok(Changed { id })
    })
    .await
}

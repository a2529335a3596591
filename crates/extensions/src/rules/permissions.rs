//! Call permissions of extensions.

use std::sync::Arc;

use platform::access::Caller;
use platform::error::{Error, UserError};
use platform::ids::CallPermissionId;
use platform::services::Services;
use platform::transact;
use platform::transaction::{Mode, Tx};
use service_types::compiled;

use super::{ChangeKind, Changed, Locked, check_phase, check_version, feed_changes, lock_one};
use crate::{actions, queries};

/// Replaces the call permissions of an extension.
///
/// # Errors
/// NOT_FOUND at each unknown permission; STALE_VERSION.
pub async fn set_call_permissions(
    services: &Services,
    caller: &Arc<Caller>,
    id: &str,
    slugs: Vec<String>,
    expected: Option<i32>,
) -> Result<Changed, Error> {
    let id = id.to_owned();
    transact!(services, caller, actions::SET_CALL_PERMISSIONS, Mode::Commit, |tx| {
        let Locked { permit, mut row, event, service_type } = lock_one(tx, actions::SET_CALL_PERMISSIONS, &id).await?;
        check_phase(&event, &permit, ChangeKind::Settings)?;
        check_version(&row, expected)?;
        let granted = load_permissions(tx, &slugs).await?;
        queries::set_permissions(tx.conn, &permit, row.id, &granted).await?;
        row.version += 1;
        row.updated_at = tx.now;
        queries::save(tx.conn, &permit, &row).await?;
        feed_changes::record_upsert(tx, &row, &*compiled(&service_type)?);
        tx.audit(&permit, Some(row.id.global()), format!("{} may now: {}", row.number, slugs.join(", "))).await?;
        Ok(Changed { extension: row.id, generated: None, preview: None })
    })
    .await
}

/// Loads the call permissions of these slugs.
///
/// # Errors
/// NOT_FOUND at each unknown permission.
pub(super) async fn load_permissions(tx: &mut Tx<'_>, slugs: &[String]) -> Result<Vec<CallPermissionId>, Error> {
    let known = events::permissions_by_slugs(tx.conn, slugs).await?;
    let id_of = |slug: &str| known.iter().find(|permission| permission.slug == slug).map(|permission| permission.id);
    Ok(find_permissions(slugs, id_of)?)
}

/// The call permissions of these slugs, each once.
///
/// # Errors
/// NOT_FOUND at `permissions` and the index of each unknown slug.
pub fn find_permissions(
    slugs: &[String],
    id_of: impl Fn(&str) -> Option<CallPermissionId>,
) -> Result<Vec<CallPermissionId>, Vec<UserError>> {
    let (mut found, mut problems) = (Vec::with_capacity(slugs.len()), Vec::new());
    for (index, slug) in slugs.iter().enumerate() {
        match id_of(slug) {
            Some(id) if found.contains(&id) => {}
            Some(id) => found.push(id),
            None => {
                let problem = UserError::not_found("", format!("There is no call permission {slug:?}."));
                problems.push(problem.at(["permissions".to_owned(), index.to_string()]));
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

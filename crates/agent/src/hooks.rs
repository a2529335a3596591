//! Release hooks: HTTP requests that make a running telephone system drop its volatile state (Kamailio's registrations,
//! for example) of a number that was removed, deactivated or moved to another extension.
//!
//! Pending requests are stored in the transaction that applies the change and deleted after the request succeeded, so a
//! crash loses none.

use serde_json::json;

use super::config::RequestTemplate;
use super::drivers::http::{self, NotFound};
use super::entry::{Batch, Keys};
use super::error::{AgentError, ApplyError};
use super::replica::Replica;

/// Enqueues the hooks of a batch. Must run before [`Replica::record_batch`], which overwrites the previous keys.
///
/// # Errors
/// [`AgentError`] when the replica's database fails.
pub async fn enqueue_for_batch(replica: &mut Replica, batch: &Batch) -> Result<(), AgentError> {
    for deletion in batch.deletions() {
        for keys in &deletion.keys {
            replica.enqueue_hook(&keys.number, &deletion.id).await?;
        }
    }
    for entry in &batch.upserts {
        let previous = replica.row(&entry.id).await?;
        let is_other_number = |keys: &Keys| keys.number != entry.number;
        let has_moved = previous.is_some_and(|row| row.keys.iter().any(is_other_number));
        // A number that moved to this extension still has the registrations of its previous extension.
        if !entry.active || has_moved {
            replica.enqueue_hook(&entry.number, &entry.id).await?;
        }
    }
    Ok(())
}

/// Sends the pending requests. A request that the system refuses for one number is logged and not repeated.
///
/// # Errors
/// [`AgentError::Transient`] when the system is unavailable: the remaining requests stay pending.
pub async fn run_pending(
    replica: &mut Replica,
    client: &reqwest::Client,
    request: &RequestTemplate,
) -> Result<(), AgentError> {
    for hook in replica.pending_hooks().await? {
        let values = json!({ "number": hook.number, "id": hook.extension_id });
        match http::send(client, request, &values, NotFound::IsSuccess).await {
            Ok(()) => {}
            Err(ApplyError::Record(error)) => {
                tracing::warn!(extension.id = hook.extension_id, code = error.code, "the release hook was refused")
            }
            Err(ApplyError::System(error)) => return Err(error),
        }
        replica.complete_hook(&hook.number).await?;
    }
    Ok(())
}

//! Resealing of secrets after a change of the sealing key.

use std::sync::Arc;

use platform::access::Caller;
use platform::access::ROTATE_KEY;
use platform::error::Error;
use platform::ids::{EventId, ExtensionId};
use platform::locks;
use platform::services::Services;
use platform::transact;
use platform::transaction::Mode;
use serde::{Deserialize, Serialize};

use crate::bulk_queries::SealedSecrets;
use crate::{bulk_queries, sealed};

/// How many extensions one transaction reseals. Other writers proceed between two transactions.
const BATCH: i64 = 500;

/// The result of one step.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Resealed {
    /// How many extensions were resealed.
    pub resealed: usize,
    /// How many extensions have secrets that no configured key opens. They stay unchanged.
    pub unreadable: usize,
    /// The cursor of the next step; `None` at the end.
    pub next: Option<ExtensionId>,
}

/// Reseals the secrets of an event's next extensions with the newest key, under the lock of the event, which every writer takes
/// before it reads: no newer secret is overwritten. Secrets that the newest key sealed stay unchanged.
///
/// # Errors
/// A database error.
pub async fn reseal(
    services: &Services,
    caller: &Arc<Caller>,
    event: EventId,
    after: Option<ExtensionId>,
) -> Result<Resealed, Error> {
    transact!(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
        locks::events(tx.conn, &[event]).await?;
        let permit = tx.permit().await?;
        let page = bulk_queries::sealed_secrets(tx.conn, event, after, BATCH).await?;
        let mut done = Resealed::default();
        if i64::try_from(page.len()).is_ok_and(|rows| rows == BATCH) {
            done.next = page.last().map(|row| row.id);
        }
        for SealedSecrets { id, secrets } in page {
            match sealed::reseal(tx.sealer(), id, &secrets) {
                Ok(None) => {}
                Ok(Some(resealed)) => {
                    bulk_queries::save_secrets(tx.conn, &permit, id, &resealed).await?;
                    done.resealed += 1;
                }
                Err(error) => {
                    tracing::error!(extension.id = %id.global(), error = %error, "sealed secrets cannot be opened");
                    done.unreadable += 1;
                }
            }
        }
        Ok(done)
    })
    .await
}

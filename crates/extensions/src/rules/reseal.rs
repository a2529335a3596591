//! Sealing secrets anew, after the sealing key was changed.

use platform::transact;
use platform::access::ROTATE_KEY;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::{many_queries, sealed};
use platform::access::{Caller};
use platform::error::Error;
use platform::ids::{EventId, ExtensionId};
use platform::locks;
use platform::services::Services;
use platform::transaction::Mode;

/// How many extensions one transaction seals anew: others write between two of them.
const BATCH: i64 = 500;

/// What one step did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Resealed {
    /// How many were sealed anew.
    pub resealed: usize,
    /// How many do not open with the keys at hand, and stay as they are.
    pub unreadable: usize,
    /// Where the next step begins; none at the end.
    pub next: Option<ExtensionId>,
}

/// Seals the secrets of an event's next extensions with the newest key, under the event's lock: whoever writes one reads it
/// under the same lock, so nothing newer is overwritten. What is sealed with it already stays.
///
/// # Errors
/// When the database refuses.
pub async fn reseal(
    services: &Services,
    caller: &Arc<Caller>,
    event: EventId,
    after: Option<ExtensionId>,
) -> Result<Resealed, Error> {
    transact!(services, caller, ROTATE_KEY, Mode::Commit, |tx| {
            locks::events(tx.conn, &[event]).await?;
            let permit = tx.permit().await?;
            let page = many_queries::sealed_secrets(tx.conn, event, after, BATCH).await?;
            let mut done = Resealed::default();
            if i64::try_from(page.len()).is_ok_and(|rows| rows == BATCH) {
                done.next = page.last().map(|(id, _)| *id);
            }
            for (id, secrets) in page {
                match sealed::reseal(tx.sealer(), id, &secrets) {
                    Ok(None) => {}
                    Ok(Some(anew)) => {
                        many_queries::save_secrets(tx.conn, &permit, id, &anew).await?;
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

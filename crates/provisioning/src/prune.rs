//! Forgetting what no cursor within the retention needs.

use super::queries;
use platform::error::Error;
use platform::feed_log;
use platform::services::Services;

/// How long tags, key history and tombstones are kept after the feed's next revision: 7 days, in seconds.
pub const RETENTION_SECONDS: i64 = 7 * 24 * 3600;

/// Prunes every feed; how many had something to forget. Each feed is a transaction of its own. Harmless when run twice.
///
/// A revision is kept for the retention after its *next* one was made, so a quiet week harms nobody: what was the head a week
/// ago is kept, and all before it goes. The newest is never pruned.
///
/// # Errors
/// When the database refuses.
pub async fn prune(services: &Services) -> Result<usize, Error> {
    let ids = queries::feed_ids(&mut *services.store.read().await?).await?;
    let until = services.now().plus_seconds(-RETENTION_SECONDS);
    let mut pruned = 0;
    for id in ids {
        let did: bool = services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    let Some(feed) = feed_log::feed_by_id(conn, id).await? else { return Ok(false) };
                    let Some(kept) = queries::newest_until(conn, id, until).await? else { return Ok(false) };
                    let horizon = kept.min(feed.head) - 1;
                    if horizon <= feed.horizon {
                        return Ok(false);
                    }
                    queries::prune_until(conn, id, horizon).await?;
                    Ok(true)
                })
            })
            .await?;
        pruned += usize::from(did);
    }
    Ok(pruned)
}

//! Pruning the feed log beyond its retention.

use super::queries;
use platform::error::Error;
use platform::feed_log;
use platform::services::Services;

/// The time that tags, key history and tombstones are kept after the feed's next revision, in seconds: 7 days.
pub const RETENTION_SECONDS: i64 = 7 * 24 * 3600;

/// Prunes every feed, each in its own transaction, and returns the number of feeds from which something was deleted.
/// Running it twice has no further effect.
///
/// A revision is kept until its *successor* is older than the retention. So a feed without changes keeps its cursors
/// valid: the revision that was the head a week ago is kept, and all before it are deleted. The head is never pruned.
///
/// # Errors
/// A database error.
pub async fn prune(services: &Services) -> Result<usize, Error> {
    let ids = queries::feed_ids(&mut *services.store.read().await?).await?;
    let until = services.now().plus_seconds(-RETENTION_SECONDS);
    let mut pruned = 0;
    for id in ids {
        let has_pruned: bool = services
            .store
            .write(move |conn| {
                Box::pin(async move {
                    let Some(feed) = feed_log::feed_by_id(conn, id).await? else { return Ok(false) };
                    let Some(kept) = queries::newest_until(conn, id, until).await? else { return Ok(false) };
                    let horizon = kept.min(feed.head) - 1;
                    if horizon <= feed.horizon {
                        return Ok(false);
                    }
                    queries::prune_to(conn, id, horizon).await?;
                    Ok(true)
                })
            })
            .await?;
        pruned += usize::from(has_pruned);
    }
    Ok(pruned)
}

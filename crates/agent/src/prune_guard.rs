//! The prune guard: stops the agent before a deletion that is implausibly large.

use super::config::GuardConfig;
use super::error::AgentError;

/// Checks a deletion of `removed` out of `count` extensions. `allowed` permits one deletion of any size and is reset by
/// it.
///
/// # Errors
/// [`AgentError::Permanent`] with the numbers and the options to continue.
pub fn check(guard: GuardConfig, removed: usize, count: usize, allowed: &mut bool) -> Result<(), AgentError> {
    if !exceeds(guard, removed, count) {
        return Ok(());
    }
    if std::mem::take(allowed) {
        tracing::warn!(removed, count, "--allow-prune permits a deletion that exceeds the prune guard's limit");
        return Ok(());
    }
    Err(AgentError::permanent(format!(
        "prune guard: {removed} of {count} extensions would be deleted, which is more than {} %. Nothing was changed. \
         If the feed is right, run once with --allow-prune; --dry-run lists the deletions.",
        guard.percent
    )))
}

/// Returns whether a deletion exceeds the guard's limit.
pub const fn exceeds(guard: GuardConfig, removed: usize, count: usize) -> bool {
    removed > guard.floor && removed.saturating_mul(100) > guard.percent.saturating_mul(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_above_the_limit_and_permits_one_exception() {
        let guard = GuardConfig { percent: 20, floor: 3 };
        for (removed, count, expected) in [(0, 0, false), (3, 3, false), (4, 20, false), (4, 19, true), (21, 100, true)]
        {
            assert_eq!(exceeds(guard, removed, count), expected, "{removed} of {count}");
        }
        let mut allowed = true;
        assert_eq!(check(guard, 10, 10, &mut allowed), Ok(()));
        let message = check(guard, 10, 10, &mut allowed).unwrap_err().to_string();
        assert!(message.contains("10 of 10") && message.contains("--allow-prune"), "{message}");
    }
}

//! The prune guard: a deletion that is too large to be believed is asked about.

use super::config::Guard;
use super::trouble::Trouble;

/// Lets `removed` of `count` extensions go, or stops. With `allowed` they may go once, however many they are.
///
/// # Errors
/// [`Trouble::Lasting`] with the numbers, and how to go on.
pub fn check(guard: Guard, removed: usize, count: usize, allowed: &mut bool) -> Result<(), Trouble> {
    if !asks(guard, removed, count) {
        return Ok(());
    }
    if std::mem::take(allowed) {
        tracing::warn!(removed, count, "the prune guard lets a large deletion pass, as it was told to");
        return Ok(());
    }
    Err(Trouble::lasting(format!(
        "prune guard: {removed} of {count} extensions would be deleted, which is more than {} %. Nothing was changed. If the \
         feed is right, run once with --allow-prune; --dry-run shows what would go.",
        guard.percent
    )))
}

/// Whether so many are too many.
pub const fn asks(guard: Guard, removed: usize, count: usize) -> bool {
    removed > guard.floor && removed.saturating_mul(100) > guard.percent.saturating_mul(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_fifth_is_asked_about_and_let_through_once() {
        let guard = Guard { percent: 20, floor: 3 };
        for (removed, count, asked) in [(0, 0, false), (3, 3, false), (4, 20, false), (4, 19, true), (21, 100, true)] {
            assert_eq!(asks(guard, removed, count), asked, "{removed} of {count}");
        }
        let mut allowed = true;
        assert_eq!(check(guard, 10, 10, &mut allowed), Ok(()));
        let why = check(guard, 10, 10, &mut allowed).unwrap_err().to_string();
        assert!(why.contains("10 of 10") && why.contains("--allow-prune"), "{why}");
    }
}

//! A walk over ranges of one length, outward from where it begins, window by window.

use std::collections::{HashSet, VecDeque};

use platform::error::InternalError;
use crate::free::{Found, Taken, WINDOW};
use crate::number::Number;
use crate::plan::NumberRange;

/// Where a walk goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Down,
    Up,
}

/// The first window is small: most searches want five numbers from a plan that is nearly empty.
const FIRST_WINDOW: u64 = 64;

/// One direction of a walk: the ranges ahead, and the free numbers of the windows seen so far.
struct Side {
    direction: Direction,
    ahead: VecDeque<NumberRange>,
    free: VecDeque<u64>,
    window: u64,
}

/// Both directions, merged by distance from the edges of the place where the walk began.
pub(super) struct Walk {
    sides: Vec<Side>,
    low: u64,
    high: u64,
}

impl Walk {
    /// A walk over `parts` (one length, ascending, disjoint) away from `center` (of that length), which it leaves out.
    pub(super) fn new(parts: Vec<NumberRange>, center: &NumberRange, directions: &[Direction]) -> Self {
        let sides = directions
            .iter()
            .map(|&direction| {
                let ahead = parts.iter().filter_map(|part| beyond(part, center, direction));
                let ahead = if direction == Direction::Up { ahead.collect() } else { ahead.rev().collect() };
                Side { direction, ahead, free: VecDeque::new(), window: FIRST_WINDOW }
            })
            .collect();
        Self { sides, low: center.first, high: center.last }
    }

    /// A walk upward over the whole of `parts` (one length, ascending, disjoint).
    pub(super) fn inside(parts: Vec<NumberRange>) -> Self {
        let side = Side { direction: Direction::Up, ahead: parts.into(), free: VecDeque::new(), window: FIRST_WINDOW };
        Self { sides: vec![side], low: 0, high: 0 }
    }

    /// Walks until enough is found, nothing is ahead, or no more windows may be asked about.
    pub(super) async fn collect_into<T: Taken>(
        mut self,
        found: &mut Found,
        taken: &mut T,
    ) -> Result<(), InternalError> {
        let mut width = 1;
        for side in &self.sides {
            width = side.ahead.front().map_or(width, |part| part.width);
        }
        while found.missing() > 0 {
            let (low, high) = (self.low, self.high);
            // The side whose next number, free or yet to be asked about, is nearest: of two the lower, listed first.
            let Some(side) =
                self.sides.iter_mut().filter(|side| side.next().is_some()).min_by_key(|side| side.distance(low, high))
            else {
                return Ok(());
            };
            if let Some(value) = side.free.pop_front() {
                found.extend([Number::padded(width, value)]);
                continue;
            }
            let Some(window) = side.take_window(found.missing() as u64) else { return Ok(()) };
            if found.windows == 0 {
                return Ok(());
            }
            found.windows -= 1;
            let not_free: HashSet<_> =
                taken.taken_between(&window.first(), &window.last()).await?.into_iter().collect();
            let free = (window.first..=window.last).filter(|&value| !not_free.contains(&Number::padded(width, value)));
            side.free = if side.direction == Direction::Up { free.collect() } else { free.rev().collect() };
        }
        Ok(())
    }
}

impl Side {
    /// The next number that may be free.
    fn next(&self) -> Option<u64> {
        let ahead = self.ahead.front().map(|part| if self.direction == Direction::Up { part.first } else { part.last });
        self.free.front().copied().or(ahead)
    }

    /// How far the next number is from the place between `low` and `high`.
    fn distance(&self, low: u64, high: u64) -> u64 {
        match (self.next(), self.direction) {
            (None, _) => u64::MAX,
            (Some(value), Direction::Up) => value.saturating_sub(high),
            (Some(value), Direction::Down) => low.saturating_sub(value),
        }
    }

    /// Cuts the next window off what is ahead: at least as large as what is missing, doubling, at most [`WINDOW`].
    fn take_window(&mut self, missing: u64) -> Option<NumberRange> {
        let length = self.window.max(missing).min(WINDOW);
        self.window = (self.window * 2).min(WINDOW);
        let part = self.ahead.pop_front()?;
        if part.size() <= length {
            return Some(part);
        }
        let (window, rest) = if self.direction == Direction::Up {
            let last = part.first + length - 1;
            (NumberRange { last, ..part }, NumberRange { first: last + 1, ..part })
        } else {
            let first = part.last + 1 - length;
            (NumberRange { first, ..part }, NumberRange { last: first - 1, ..part })
        };
        self.ahead.push_front(rest);
        Some(window)
    }
}

/// What of `part` lies on that side of `center`.
fn beyond(part: &NumberRange, center: &NumberRange, direction: Direction) -> Option<NumberRange> {
    let rest = match direction {
        Direction::Up => NumberRange { first: part.first.max(center.last + 1), ..*part },
        Direction::Down => NumberRange { last: part.last.min(center.first.checked_sub(1)?), ..*part },
    };
    (rest.first <= rest.last).then_some(rest)
}

//! Scan of ranges of one length, window by window, outward from a center.

use std::collections::{HashSet, VecDeque};

use platform::error::InternalError;

use crate::free::{SearchState, TakenNumberSource, WINDOW};
use crate::number::Number;
use crate::plan::NumberRange;

/// Direction of a scan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Down,
    Up,
}

/// Size of the first window. Small, because most searches want five numbers from a nearly empty plan.
const FIRST_WINDOW: u64 = 64;

/// One direction of a scan.
struct Side {
    direction: Direction,
    /// The ranges that were not queried yet.
    remaining: VecDeque<NumberRange>,
    /// The free numbers of the last window.
    free: VecDeque<u64>,
    /// Size of the next window.
    window: u64,
}

/// A scan in one or both directions, merged by distance from the center.
pub(super) struct Scan {
    sides: Vec<Side>,
    /// Lowest value of the center.
    low: u64,
    /// Highest value of the center.
    high: u64,
}

impl Scan {
    /// Creates a scan of `parts` (one length, ascending, disjoint) away from `center` (of that length), without the
    /// center.
    pub(super) fn outward(parts: Vec<NumberRange>, center: &NumberRange, directions: &[Direction]) -> Self {
        let sides = directions
            .iter()
            .map(|&direction| {
                let remaining = parts.iter().filter_map(|part| beyond(part, center, direction));
                let remaining =
                    if direction == Direction::Up { remaining.collect() } else { remaining.rev().collect() };
                Side { direction, remaining, free: VecDeque::new(), window: FIRST_WINDOW }
            })
            .collect();
        Self { sides, low: center.first, high: center.last }
    }

    /// Creates an upward scan of all `parts` (one length, ascending, disjoint).
    pub(super) fn upward(parts: Vec<NumberRange>) -> Self {
        let side =
            Side { direction: Direction::Up, remaining: parts.into(), free: VecDeque::new(), window: FIRST_WINDOW };
        Self { sides: vec![side], low: 0, high: 0 }
    }

    /// Scans until enough numbers are found, no ranges remain, or the window limit is reached.
    pub(super) async fn collect_into<T: TakenNumberSource>(
        mut self,
        found: &mut SearchState,
        taken: &mut T,
    ) -> Result<(), InternalError> {
        let mut width = 1;
        for side in &self.sides {
            width = side.remaining.front().map_or(width, |part| part.width);
        }
        while found.missing() > 0 {
            let (low, high) = (self.low, self.high);
            // The side whose next number is nearest; of two at the same distance the first one, which is the lower.
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
        let remaining =
            self.remaining.front().map(|part| if self.direction == Direction::Up { part.first } else { part.last });
        self.free.front().copied().or(remaining)
    }

    /// Distance of the next number from the center `low..=high`.
    fn distance(&self, low: u64, high: u64) -> u64 {
        match (self.next(), self.direction) {
            (None, _) => u64::MAX,
            (Some(value), Direction::Up) => value.saturating_sub(high),
            (Some(value), Direction::Down) => low.saturating_sub(value),
        }
    }

    /// Takes the next window: at least `missing` numbers, doubling each time, at most [`WINDOW`].
    fn take_window(&mut self, missing: u64) -> Option<NumberRange> {
        let length = self.window.max(missing).min(WINDOW);
        self.window = (self.window * 2).min(WINDOW);
        let part = self.remaining.pop_front()?;
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
        self.remaining.push_front(rest);
        Some(window)
    }
}

/// The numbers of `part` on one side of `center`.
fn beyond(part: &NumberRange, center: &NumberRange, direction: Direction) -> Option<NumberRange> {
    let rest = match direction {
        Direction::Up => NumberRange { first: part.first.max(center.last + 1), ..*part },
        Direction::Down => NumberRange { last: part.last.min(center.first.checked_sub(1)?), ..*part },
    };
    (rest.first <= rest.last).then_some(rest)
}

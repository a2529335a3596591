//! Search for free numbers: near a number, ascending, by prefix, or at random.
//!
//! A range may contain ten million numbers, so a search does not enumerate it. It scans outward from its center,
//! queries a [`TakenNumberSource`] in windows of at most [`WINDOW`] numbers, and stops when it has enough. One search
//! queries at most [`MAX_WINDOWS`] windows, 200,000 numbers: if all of those are taken it may miss free numbers further
//! away. Plans up to that size are always searched completely.

mod scan;

use std::collections::BTreeSet;
use std::future::Future;

use platform::clock::Rng;
use platform::error::InternalError;
use scan::{Direction, Scan};

use crate::number::Number;
use crate::plan::{Digits, NumberRange, ReservedPrefixes};

/// Maximum number of numbers per query of the source.
pub const WINDOW: u64 = 2_000;

/// Maximum number of windows per search.
pub const MAX_WINDOWS: u32 = 100;

/// Maximum number of random numbers per query of the source.
const MAX_DRAWS: u64 = 500;

/// Maximum number of rounds of random draws. After them the plan is so full that a scan is cheaper.
const MAX_ROUNDS: u32 = 6;

/// Source of the numbers of one plan that are not free: in service, held, reserved, ageing or barred.
pub trait TakenNumberSource: Send {
    /// The taken numbers from `first` to `last`, both included, compared as text. At most [`WINDOW`] numbers of that
    /// length lie between them. The result may be in any order and may contain numbers of other lengths.
    fn taken_between(
        &mut self,
        first: &Number,
        last: &Number,
    ) -> impl Future<Output = Result<Vec<Number>, InternalError>> + Send;

    /// The taken ones of these numbers, which are at most 500.
    fn taken_among(&mut self, numbers: &[Number]) -> impl Future<Output = Result<Vec<Number>, InternalError>> + Send;
}

/// The numbers that a caller may register, with the searches for free ones.
#[derive(Clone, Debug)]
pub struct FreeNumbers {
    ranges: Vec<NumberRange>,
    /// The ranges without reserved prefixes, sorted by the text of the first number. Ranges are prefix-free, so their
    /// numbers do not interleave and this is the order of all numbers.
    parts: Vec<NumberRange>,
}

impl FreeNumbers {
    /// Creates the set of the numbers of `ranges`, which are prefix-free, without the reserved ones.
    pub fn new(ranges: &[NumberRange], reserved: &ReservedPrefixes) -> Self {
        let mut parts: Vec<_> = ranges.iter().flat_map(|range| reserved.allowed_parts(range)).collect();
        parts.sort_by_key(NumberRange::first);
        Self { ranges: ranges.to_vec(), parts }
    }

    /// Number of numbers, taken ones included.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(NumberRange::size).sum()
    }

    /// Up to `wanted` free numbers near `number`, without `number` itself: the numerically nearest first and the lower
    /// of two at the same distance, first in its own range, then in the other ranges in the order of the difference in
    /// length.
    ///
    /// # Errors
    /// Errors of the source.
    pub async fn near<T: TakenNumberSource>(
        &self,
        number: &Number,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let Some(center) = NumberRange::single(number) else { return Ok(Vec::new()) };
        let own = self.ranges.iter().find(|range| range.contains(number));
        let mut found = SearchState::new(wanted);
        let outward = [Direction::Down, Direction::Up];
        if let Some(own) = own {
            let parts = self.parts.iter().filter_map(|part| part.intersection(own)).collect();
            Scan::outward(parts, &center, &outward).collect_into(&mut found, taken).await?;
        }
        let elsewhere: Vec<_> = match own {
            Some(own) => self.parts.iter().flat_map(|part| part.without(own)).collect(),
            None => self.parts.clone(),
        };
        for width in widths_by_nearness(&elsewhere, center.width) {
            Scan::outward(of_width(&elsewhere, width), &center.projection(width), &outward)
                .collect_into(&mut found, taken)
                .await?;
        }
        Ok(found.numbers)
    }

    /// Up to `wanted` free numbers from `from` on, ascending as text.
    ///
    /// # Errors
    /// Errors of the source.
    pub async fn ascending<T: TakenNumberSource>(
        &self,
        from: &Number,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        Ok(self.ascending_within(from, wanted, MAX_WINDOWS, taken).await?.numbers)
    }

    async fn ascending_within<T: TakenNumberSource>(
        &self,
        from: &Number,
        wanted: usize,
        windows: u32,
        taken: &mut T,
    ) -> Result<SearchState, InternalError> {
        let mut found = SearchState { windows, ..SearchState::new(wanted) };
        for part in &self.parts {
            if let Some(rest) = part_from(part, from.as_str()) {
                Scan::upward(vec![rest]).collect_into(&mut found, taken).await?;
            }
        }
        Ok(found)
    }

    /// Up to `wanted` free numbers for `prefix`, which is digits (the caller converts keypad words): first the numbers
    /// that begin with it, ascending and shorter numbers first, then the numerically nearest ones. A prefix longer than
    /// the numbers of a range is truncated to their length. Empty if `prefix` is not 1 to 15 digits.
    ///
    /// # Errors
    /// Errors of the source.
    pub async fn like<T: TakenNumberSource>(
        &self,
        prefix: &str,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let Some(digits) = Digits::parse(prefix) else { return Ok(Vec::new()) };
        let center = NumberRange::from(digits);
        let width = center.width;
        let mut found = SearchState::new(wanted);
        let longer: BTreeSet<_> = self.parts.iter().map(|part| part.width).filter(|&length| length >= width).collect();
        for length in longer {
            let block = center.projection(length);
            let parts = self.parts.iter().filter_map(|part| part.intersection(&block)).collect();
            Scan::upward(parts).collect_into(&mut found, taken).await?;
        }
        for length in widths_by_nearness(&self.parts, width) {
            let block = center.projection(length);
            let outside = of_width(&self.parts, length);
            // A truncated prefix is a number that may itself be free: it comes first.
            if length < width {
                let itself = outside.iter().filter_map(|part| part.intersection(&block)).collect();
                Scan::upward(itself).collect_into(&mut found, taken).await?;
            }
            Scan::outward(outside, &block, &[Direction::Down, Direction::Up]).collect_into(&mut found, taken).await?;
        }
        Ok(found.numbers)
    }

    /// Up to `wanted` free numbers in random order, uniformly distributed, by rejection sampling. If the plan is too
    /// full for that, the rest is sampled from the list of all free numbers if one search covers the whole plan, and
    /// otherwise taken in ascending order from a random number on.
    ///
    /// # Errors
    /// Errors of the source.
    pub async fn at_random<T: TakenNumberSource>(
        &self,
        wanted: usize,
        rng: &dyn Rng,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let size = self.size();
        let mut found = SearchState::new(wanted);
        let mut queried = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let missing = found.missing() as u64;
            if missing == 0 || size == 0 {
                return Ok(found.numbers);
            }
            let mut drawn = Vec::new();
            for _ in 0..missing.saturating_mul(2).clamp(8, MAX_DRAWS) {
                let number = self.nth(rng.below(size));
                if queried.insert(number.clone()) {
                    drawn.push(number);
                }
            }
            if drawn.is_empty() {
                break;
            }
            let not_free: BTreeSet<_> = taken.taken_among(&drawn).await?.into_iter().collect();
            found.extend(drawn.into_iter().filter(|number| !not_free.contains(number)));
        }
        if found.missing() > 0 {
            self.draw_from_scan(&mut found, rng, taken).await?;
        }
        Ok(found.numbers)
    }

    /// Completes a random search by a scan.
    async fn draw_from_scan<T: TakenNumberSource>(
        &self,
        found: &mut SearchState,
        rng: &dyn Rng,
        taken: &mut T,
    ) -> Result<(), InternalError> {
        let size = self.size();
        if size > WINDOW * u64::from(MAX_WINDOWS) {
            let start = self.nth(rng.below(size));
            for from in [start, Number::padded(1, 0)] {
                let ascending =
                    self.ascending_within(&from, found.numbers.len() + found.missing(), found.windows, taken).await?;
                found.windows = ascending.windows;
                let new: Vec<_> =
                    ascending.numbers.into_iter().filter(|number| !found.numbers.contains(number)).collect();
                found.extend(new);
            }
            return Ok(());
        }
        let all = self.ascending_within(&Number::padded(1, 0), usize::MAX, found.windows, taken).await?;
        let drawn: BTreeSet<_> = found.numbers.iter().cloned().collect();
        let mut rest: Vec<_> = all.numbers.into_iter().filter(|number| !drawn.contains(number)).collect();
        while found.missing() > 0 && !rest.is_empty() {
            let index = usize::try_from(rng.below(rest.len() as u64)).unwrap_or(0);
            found.extend([rest.swap_remove(index)]);
        }
        Ok(())
    }

    /// The number with this index in the order of all numbers. `index` is below [`Self::size`].
    fn nth(&self, mut index: u64) -> Number {
        for part in &self.parts {
            if index < part.size() {
                return Number::padded(part.width, part.first + index);
            }
            index -= part.size();
        }
        Number::padded(1, 0)
    }
}

/// The numbers that a search has found, and the windows that it may still query.
pub(super) struct SearchState {
    numbers: Vec<Number>,
    wanted: usize,
    windows: u32,
}

impl SearchState {
    fn new(wanted: usize) -> Self {
        Self { numbers: Vec::new(), wanted, windows: MAX_WINDOWS }
    }

    fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.numbers.len())
    }

    fn extend(&mut self, numbers: impl IntoIterator<Item = Number>) {
        let missing = self.missing();
        self.numbers.extend(numbers.into_iter().take(missing));
    }
}

/// The parts whose numbers have `width` digits.
fn of_width(parts: &[NumberRange], width: usize) -> Vec<NumberRange> {
    parts.iter().copied().filter(|part| part.width == width).collect()
}

/// The lengths of the numbers, the nearest to `width` first and the shorter of two at the same distance.
fn widths_by_nearness(parts: &[NumberRange], width: usize) -> Vec<usize> {
    let mut widths: Vec<_> = parts.iter().map(|part| part.width).collect();
    widths.sort_by_key(|&each| (each.abs_diff(width), each));
    widths.dedup();
    widths
}

/// The numbers of the range that are not below `from` in the order of their text.
fn part_from(range: &NumberRange, from: &str) -> Option<NumberRange> {
    let first = if Digits::parse(from)?.width > range.width {
        // A proper prefix of `from` comes before it.
        Digits::parse(from.get(..range.width)?)?.value + 1
    } else {
        Digits::parse(&format!("{from:0<width$}", width = range.width))?.value
    };
    let first = first.max(range.first);
    (first <= range.last).then_some(NumberRange { first, ..*range })
}

#[cfg(test)]
mod tests;

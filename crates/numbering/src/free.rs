//! The search for free numbers: near a number, ascending, like a word, or spread at random.
//!
//! A range may hold ten million numbers, so nothing here enumerates one. The search walks outward from where it begins,
//! asks a [`Taken`] source about windows of at most [`WINDOW`] numbers, and stops when it has enough. One search asks about
//! at most [`MAX_WINDOWS`] windows, 200,000 numbers: in a plan fuller than that around the place asked for it may find less
//! than there is. Plans up to that size are always searched to the end.

mod walk;

use std::collections::BTreeSet;
use std::future::Future;

use platform::clock::Rng;
use platform::error::InternalError;
use crate::number::Number;
use crate::plan::{NumberRange, ReservedPrefixes, digits, read_digits};

use walk::{Direction, Walk};

/// How many numbers the source is asked about at once, at most.
pub const WINDOW: u64 = 2_000;

/// How many windows one search asks about, at most.
pub const MAX_WINDOWS: u32 = 100;

/// How many numbers drawn at random are asked about at once, at most.
const MAX_DRAWS: u64 = 500;

/// How often numbers are drawn before the plan is taken to be so full that walking is cheaper.
const MAX_ROUNDS: u32 = 6;

/// Tells which numbers of one plan are not free: in service, held, reserved, ageing, barred.
pub trait Taken: Send {
    /// The taken numbers from `first` to `last`, both included, compared as text. At most [`WINDOW`] numbers of that
    /// length lie between them. Any order; longer or shorter numbers in between do no harm.
    fn taken_between(
        &mut self,
        first: &Number,
        last: &Number,
    ) -> impl Future<Output = Result<Vec<Number>, InternalError>> + Send;

    /// Which of these numbers are taken; at most 500 are asked about.
    fn taken_among(&mut self, numbers: &[Number]) -> impl Future<Output = Result<Vec<Number>, InternalError>> + Send;
}

/// The numbers that a caller may be given, and the ways to pick free ones.
#[derive(Clone, Debug)]
pub struct FreeNumbers {
    ranges: Vec<NumberRange>,
    /// What the reserved prefixes leave of the ranges, by first number as text. Ranges are prefix-free, so their numbers
    /// never interleave and this is the order of all numbers.
    parts: Vec<NumberRange>,
}

impl FreeNumbers {
    /// The numbers of `ranges` (those the caller may register from, prefix-free) without the reserved ones.
    pub fn new(ranges: &[NumberRange], reserved: &ReservedPrefixes) -> Self {
        let mut parts: Vec<_> = ranges.iter().flat_map(|range| reserved.allowed(range)).collect();
        parts.sort_by_key(NumberRange::first);
        Self { ranges: ranges.to_vec(), parts }
    }

    /// How many numbers there are, taken ones included.
    pub fn size(&self) -> u64 {
        self.parts.iter().map(NumberRange::size).sum()
    }

    /// Up to `wanted` free numbers near `number`, itself left out: numerically nearest first and the lower of two, first
    /// in its own range, then in the other ranges, those of similar length first.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn near<T: Taken>(
        &self,
        number: &Number,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let Some(center) = NumberRange::single(number) else { return Ok(Vec::new()) };
        let own = self.ranges.iter().find(|range| range.contains(number));
        let mut found = Found::new(wanted);
        let outward = [Direction::Down, Direction::Up];
        if let Some(own) = own {
            let parts = self.parts.iter().filter_map(|part| part.intersection(own)).collect();
            Walk::new(parts, &center, &outward).collect_into(&mut found, taken).await?;
        }
        let elsewhere: Vec<_> = match own {
            Some(own) => self.parts.iter().flat_map(|part| part.without(own)).collect(),
            None => self.parts.clone(),
        };
        for width in widths_by_nearness(&elsewhere, center.width) {
            Walk::new(of_width(&elsewhere, width), &center.shadow(width), &outward)
                .collect_into(&mut found, taken)
                .await?;
        }
        Ok(found.numbers)
    }

    /// Up to `wanted` free numbers, ascending as text, from `from` on: a grid.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn ascending<T: Taken>(
        &self,
        from: &Number,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        Ok(self.ascending_within(from, wanted, MAX_WINDOWS, taken).await?.numbers)
    }

    async fn ascending_within<T: Taken>(
        &self,
        from: &Number,
        wanted: usize,
        windows: u32,
        taken: &mut T,
    ) -> Result<Found, InternalError> {
        let mut found = Found { windows, ..Found::new(wanted) };
        for part in &self.parts {
            if let Some(rest) = from_text(part, from.as_str()) {
                Walk::inside(vec![rest]).collect_into(&mut found, taken).await?;
            }
        }
        Ok(found)
    }

    /// Up to `wanted` free numbers like `prefix` (digits; a keypad word is spelled out before): those that begin so,
    /// ascending, shorter numbers first; then those numerically nearest to them. A prefix longer than the numbers of a
    /// range is cut to their length. Nothing for what is no prefix.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn like<T: Taken>(
        &self,
        prefix: &str,
        wanted: usize,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let Some((width, value)) = read_digits(prefix) else { return Ok(Vec::new()) };
        let center = NumberRange { width, first: value, last: value };
        let mut found = Found::new(wanted);
        let longer: BTreeSet<_> = self.parts.iter().map(|part| part.width).filter(|&length| length >= width).collect();
        for length in longer {
            let block = center.shadow(length);
            let parts = self.parts.iter().filter_map(|part| part.intersection(&block)).collect();
            Walk::inside(parts).collect_into(&mut found, taken).await?;
        }
        for length in widths_by_nearness(&self.parts, width) {
            let block = center.shadow(length);
            let outside = of_width(&self.parts, length);
            // A cut prefix is a number that may itself be given: it comes first.
            if length < width {
                let itself = outside.iter().filter_map(|part| part.intersection(&block)).collect();
                Walk::inside(itself).collect_into(&mut found, taken).await?;
            }
            Walk::new(outside, &block, &[Direction::Down, Direction::Up]).collect_into(&mut found, taken).await?;
        }
        Ok(found.numbers)
    }

    /// Up to `wanted` free numbers in random order, each set of free numbers equally likely: numbers are drawn, and the
    /// taken ones are drawn again. Where a plan is so full that this fails, the rest is drawn from all that is free if one
    /// search can see the whole plan, and otherwise taken ascending from a number drawn at random.
    ///
    /// # Errors
    /// What the source answers.
    pub async fn at_random<T: Taken>(
        &self,
        wanted: usize,
        rng: &dyn Rng,
        taken: &mut T,
    ) -> Result<Vec<Number>, InternalError> {
        let size = self.size();
        let mut found = Found::new(wanted);
        let mut asked = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let missing = found.missing() as u64;
            if missing == 0 || size == 0 {
                return Ok(found.numbers);
            }
            let mut drawn = Vec::new();
            for _ in 0..missing.saturating_mul(2).clamp(8, MAX_DRAWS) {
                let number = self.at(rng.below(size));
                if asked.insert(number.clone()) {
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
            self.draw_from_all(&mut found, rng, taken).await?;
        }
        Ok(found.numbers)
    }

    async fn draw_from_all<T: Taken>(
        &self,
        found: &mut Found,
        rng: &dyn Rng,
        taken: &mut T,
    ) -> Result<(), InternalError> {
        let size = self.size();
        if size > WINDOW * u64::from(MAX_WINDOWS) {
            let start = self.at(rng.below(size));
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
        let known: BTreeSet<_> = found.numbers.iter().cloned().collect();
        let mut rest: Vec<_> = all.numbers.into_iter().filter(|number| !known.contains(number)).collect();
        while found.missing() > 0 && !rest.is_empty() {
            let place = usize::try_from(rng.below(rest.len() as u64)).unwrap_or(0);
            found.extend([rest.swap_remove(place)]);
        }
        Ok(())
    }

    /// The number at this place of all that there are, in order. The place is below the size.
    fn at(&self, mut place: u64) -> Number {
        for part in &self.parts {
            if place < part.size() {
                return Number::padded(part.width, part.first + place);
            }
            place -= part.size();
        }
        Number::padded(1, 0)
    }
}

/// What a search has found, and what it may still ask.
pub(super) struct Found {
    numbers: Vec<Number>,
    wanted: usize,
    windows: u32,
}

impl Found {
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

fn of_width(parts: &[NumberRange], width: usize) -> Vec<NumberRange> {
    parts.iter().copied().filter(|part| part.width == width).collect()
}

/// The lengths of numbers that there are, those nearest to `width` first and the shorter of two.
fn widths_by_nearness(parts: &[NumberRange], width: usize) -> Vec<usize> {
    let mut widths: Vec<_> = parts.iter().map(|part| part.width).collect();
    widths.sort_by_key(|&each| (each.abs_diff(width), each));
    widths.dedup();
    widths
}

/// The numbers of the range that do not come before `from` as text.
fn from_text(range: &NumberRange, from: &str) -> Option<NumberRange> {
    let (width, _) = read_digits(from)?;
    let first = if width > range.width {
        // A number that `from` only begins with comes before it.
        let (_, cut) = read_digits(&from[..range.width])?;
        cut + 1
    } else {
        digits(&Number::stored(format!("{from:0<width$}", width = range.width)).ok()?)?.1
    };
    let first = first.max(range.first);
    (first <= range.last).then_some(NumberRange { first, ..*range })
}

#[cfg(test)]
mod tests;

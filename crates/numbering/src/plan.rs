//! A numbering plan: its ranges, and the prefixes that nobody is given.
//!
//! A plan is prefix-free, so that a telephone can dial digit by digit (overlap dialling): no number begins with another.
//! The ranges of an event keep this among themselves ([`NumberRange::conflicts_with`]), so inside them a unique number is
//! enough; a number outside every range is compared with the ranges and with the other numbers outside.

use crate::number::{MAX_DIGITS, Number};
use platform::error::{UserError, UserErrorKind};

/// The most numbers that one range holds.
pub const MAX_RANGE_SIZE: u64 = 10_000_000;

/// Numbers of one length from `first` to `last`, both included. Never empty. Numbers of the world (E.164) are in none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberRange {
    pub width: usize,
    pub first: u64,
    pub last: u64,
}

impl NumberRange {
    /// The range from `first` to `last`.
    ///
    /// # Errors
    /// `Invalid` at `first` or `last`: different lengths, ends the wrong way round, more than [`MAX_RANGE_SIZE`]
    /// numbers, or an E.164 number.
    pub fn new(first: &Number, last: &Number) -> Result<Self, UserError> {
        let (width, low) = digits(first).ok_or_else(|| UserError::invalid("first", WORLD).rule("range.world"))?;
        let (last_width, high) = digits(last).ok_or_else(|| UserError::invalid("last", WORLD).rule("range.world"))?;
        if width != last_width {
            return Err(
                UserError::invalid("last", "Both ends of a range have the same number of digits.").rule("range.digits")
            );
        }
        if low > high {
            return Err(UserError::invalid("last", "The last number of a range does not come before the first.")
                .rule("range.order"));
        }
        if high - low >= MAX_RANGE_SIZE {
            return Err(UserError::invalid("last", "A range holds at most 10,000,000 numbers.")
                .rule("range.size")
                .naming(MAX_RANGE_SIZE));
        }
        Ok(Self { width, first: low, last: high })
    }

    /// The one number as a range; `None` for an E.164 number.
    pub fn single(number: &Number) -> Option<Self> {
        digits(number).map(|(width, value)| Self { width, first: value, last: value })
    }

    /// The lowest number.
    pub fn first(&self) -> Number {
        Number::padded(self.width, self.first)
    }

    /// The highest number.
    pub fn last(&self) -> Number {
        Number::padded(self.width, self.last)
    }

    /// How many digits its numbers have.
    pub fn digits(&self) -> usize {
        self.width
    }

    /// How many numbers it holds.
    pub fn size(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether the number lies in it.
    pub fn contains(&self, number: &Number) -> bool {
        digits(number).is_some_and(|(width, value)| width == self.width && (self.first..=self.last).contains(&value))
    }

    /// Whether the two share a number, or one holds a number that begins with a number of the other: 2000–2999 and
    /// 20000–29999 do.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let seen = other.shadow(self.width);
        self.first <= seen.last && seen.first <= self.last
    }

    /// The numbers of `width` digits that cannot exist beside this range: those that its numbers begin with (`width` is
    /// smaller), that begin with its numbers (larger), or its own (equal). At most [`MAX_DIGITS`] digits. It may be
    /// larger than a range may be.
    #[must_use]
    pub fn shadow(&self, width: usize) -> Self {
        let width = width.clamp(1, MAX_DIGITS);
        if width <= self.width {
            let scale = power(self.width - width);
            Self { width, first: self.first / scale, last: self.last / scale }
        } else {
            let scale = power(width - self.width);
            Self { width, first: self.first * scale, last: self.last * scale + (scale - 1) }
        }
    }

    /// What the two have in common; `None` for different lengths.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (self.width == other.width && first <= last).then_some(Self { width: self.width, first, last })
    }

    /// Its numbers without those of `taken_away`: up to two ranges, in order.
    pub fn without(&self, taken_away: &Self) -> impl Iterator<Item = Self> + use<> {
        let (below, above) = match self.intersection(taken_away) {
            None => (Some(*self), None),
            Some(hole) => (
                (hole.first > self.first).then(|| Self { last: hole.first - 1, ..*self }),
                (hole.last < self.last).then(|| Self { first: hole.last + 1, ..*self }),
            ),
        };
        below.into_iter().chain(above)
    }
}

/// Refuses a range that stands in the way of another of the same event.
///
/// # Errors
/// `Conflict` at `first`, naming the range in the way.
pub fn check_range(range: &NumberRange, others: &[NumberRange]) -> Result<(), UserError> {
    match others.iter().find(|other| range.conflicts_with(other)) {
        None => Ok(()),
        Some(other) => Err(UserError::new(
            UserErrorKind::Conflict,
            "first",
            format!("The range {}–{} has these numbers, or numbers that begin so.", other.first(), other.last()),
        )),
    }
}

/// Refuses a number outside every range that begins like a number of a range, or that numbers of a range begin with. A
/// number inside a range passes, and so does an E.164 number. Against other numbers outside the ranges the caller
/// compares [`proper_prefixes`] and [`continuations`].
///
/// # Errors
/// `Conflict` at `number`, naming the range in the way.
pub fn check_outside_number(number: &Number, ranges: &[NumberRange]) -> Result<(), UserError> {
    let Some(alone) = NumberRange::single(number) else { return Ok(()) };
    if ranges.iter().any(|range| range.contains(number)) {
        return Ok(());
    }
    match ranges.iter().find(|range| range.conflicts_with(&alone)) {
        None => Ok(()),
        Some(range) => Err(UserError::new(
            UserErrorKind::Conflict,
            "number",
            format!(
                "{number} cannot stand beside the range {}–{}: one would begin with the other.",
                range.first(),
                range.last()
            ),
        )
        .rule("number.besideRange")
        .naming(number)
        .naming(range.first())
        .naming(range.last())),
    }
}

/// The shorter numbers that `number` begins with, the shortest first: none of them may be taken.
pub fn proper_prefixes(number: &Number) -> Vec<String> {
    let text = number.as_str();
    if number.is_e164() { Vec::new() } else { (1..text.len()).map(|length| text[..length].to_owned()).collect() }
}

/// The longer numbers that begin with `prefix`, as bounds of text: `after < number AND number < before`, compared byte by
/// byte. (`:` follows `9` in ASCII.) With `after <= number` it is every number that begins so: the search by prefix.
pub fn continuations(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}:"))
}

/// The digits that no number of an event may begin with: emergency and service codes.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ReservedPrefixes(Vec<String>);

impl ReservedPrefixes {
    /// The prefixes, cleaned like numbers, sorted, each once.
    ///
    /// # Errors
    /// `Invalid` at `reservedPrefixes` and the place of the first that is not 1 to 15 digits.
    pub fn new(prefixes: &[String]) -> Result<Self, UserError> {
        let mut clean = Vec::with_capacity(prefixes.len());
        for (place, prefix) in prefixes.iter().enumerate() {
            let path = || ["reservedPrefixes".to_owned(), place.to_string()];
            let number = Number::clean(prefix).map_err(|problem| problem.at(path()))?;
            if number.is_e164() {
                return Err(UserError::invalid("", WORLD).at(path()));
            }
            clean.push(number.into_string());
        }
        clean.sort();
        clean.dedup();
        Ok(Self(clean))
    }

    /// The prefixes as text.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether the number is never given out: it begins with a prefix, or a prefix begins with it. With 112 reserved, 11
    /// would ring before anybody could dial the 2. E.164 numbers are dialled otherwise and are free of it.
    pub fn forbid(&self, number: &Number) -> bool {
        let text = number.as_str();
        !number.is_e164() && self.0.iter().any(|prefix| text.starts_with(prefix.as_str()) || prefix.starts_with(text))
    }

    /// The numbers of the range that may be given out, in order, as ranges.
    pub fn allowed(&self, range: &NumberRange) -> Vec<NumberRange> {
        let forbidden = self
            .0
            .iter()
            .filter_map(|prefix| read_digits(prefix))
            .map(|(width, value)| NumberRange { width, first: value, last: value }.shadow(range.width));
        forbidden.fold(vec![*range], |allowed, hole| allowed.iter().flat_map(|part| part.without(&hole)).collect())
    }
}

const WORLD: &str = "An event's own numbers are digits without a plus sign.";

/// Length and value of an event's number; `None` for an E.164 number.
pub fn digits(number: &Number) -> Option<(usize, u64)> {
    read_digits(number.as_str())
}

/// Length and value of 1 to [`MAX_DIGITS`] ASCII digits.
pub fn read_digits(text: &str) -> Option<(usize, u64)> {
    let sound = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound { Some((text.len(), text.parse().ok()?)) } else { None }
}

/// Ten to the power `digits`, which is below [`MAX_DIGITS`]: it fits.
fn power(digits: usize) -> u64 {
    std::iter::repeat_n(10, digits).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::clean(text).unwrap()
    }

    fn range(first: &str, last: &str) -> NumberRange {
        NumberRange::new(&number(first), &number(last)).unwrap()
    }

    fn refusal(first: &str, last: &str) -> String {
        NumberRange::new(&number(first), &number(last)).unwrap_err().message
    }

    fn all(range: &NumberRange) -> Vec<Number> {
        (range.first..=range.last).map(|value| Number::padded(range.width, value)).collect()
    }

    #[test]
    fn a_range_has_two_ends_of_one_length() {
        assert_eq!(range("2000", "8999").size(), 7000);
        assert_eq!(range("0000000", "9999999").size(), MAX_RANGE_SIZE);
        assert_eq!(range("007", "007").first().as_str(), "007");
        assert_eq!(refusal("200", "2999"), "Both ends of a range have the same number of digits.");
        assert_eq!(refusal("2999", "2000"), "The last number of a range does not come before the first.");
        assert_eq!(refusal("00000000", "10000000"), "A range holds at most 10,000,000 numbers.");
        assert_eq!(refusal("+441144960123", "+441144960199"), WORLD);
        assert_eq!(range("999999999999999", "999999999999999").shadow(1).last().as_str(), "9");
    }

    #[test]
    fn a_range_contains_numbers_of_its_own_length_only() {
        let range = range("0100", "0199");
        assert!(range.contains(&number("0150")));
        for outside in ["150", "00150", "0200", "0099", "+441144960123"] {
            assert!(!range.contains(&number(outside)), "{outside}");
        }
    }

    #[test]
    fn ranges_hold_no_prefixes_of_each_other() {
        assert!(range("2000", "2999").conflicts_with(&range("20000", "29999")));
        assert!(range("2000", "2999").conflicts_with(&range("2", "2")));
        assert!(!range("2000", "2999").conflicts_with(&range("30000", "39999")));
        assert!(!range("010", "019").conflicts_with(&range("10", "19")));
        let problem =
            check_range(&range("23420", "23429"), &[range("3000", "3999"), range("2000", "2999")]).unwrap_err();
        assert_eq!(problem.message, "The range 2000–2999 has these numbers, or numbers that begin so.");
    }

    #[test]
    fn an_assignment_outside_every_range_is_compared_with_them() {
        let ranges = [range("2000", "2999"), range("30000", "39999")];
        for fine in ["2342", "4", "1000", "+441144960123"] {
            assert!(check_outside_number(&number(fine), &ranges).is_ok(), "{fine}");
        }
        for bad in ["23420", "23", "2", "39", "300001"] {
            assert_eq!(check_outside_number(&number(bad), &ranges).unwrap_err().kind, UserErrorKind::Conflict, "{bad}");
        }
        assert_eq!(proper_prefixes(&number("2342")), ["2", "23", "234"]);
        let (after, before) = continuations("2342");
        assert!(after.as_str() < "23420" && "23429" < before.as_str() && "2343" > before.as_str());
    }

    #[test]
    fn reserved_prefixes_forbid_both_ways() {
        let prefixes = ReservedPrefixes::new(&["112".into(), "99 9".into(), "112".into()]).unwrap();
        assert_eq!(prefixes.as_slice(), ["112", "999"]);
        for bad in ["112", "1123", "11", "1", "9990"] {
            assert!(prefixes.forbid(&number(bad)), "{bad}");
        }
        for fine in ["113", "12", "98", "0112", "+15551239876"] {
            assert!(!prefixes.forbid(&number(fine)), "{fine}");
        }
        let parts: Vec<_> = prefixes
            .allowed(&range("1000", "1999"))
            .iter()
            .map(|part| format!("{}-{}", part.first(), part.last()))
            .collect();
        assert_eq!(parts, ["1000-1119", "1130-1999"]);
        let problem = ReservedPrefixes::new(&["112".into(), "1x.".into()]).unwrap_err();
        assert_eq!(problem.path, ["reservedPrefixes", "1"]);
    }

    prop_compose! {
        fn small_range()(width in 1_usize..=4)(width in Just(width), a in 0..power(width), b in 0..power(width)) -> NumberRange {
            NumberRange { width, first: a.min(b), last: a.max(b) }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn conflicts_are_what_enumeration_says(a in small_range(), b in small_range()) {
            let b_texts: Vec<_> = all(&b).into_iter().map(Number::into_string).collect();
            let expected = all(&a).iter().any(|x| {
                let x = x.as_str();
                b_texts.iter().any(|y| x.starts_with(y.as_str()) || y.starts_with(x))
            });
            prop_assert_eq!(a.conflicts_with(&b), expected);
            prop_assert_eq!(b.conflicts_with(&a), expected);
        }

        #[test]
        fn allowed_parts_are_what_is_not_forbidden(range in small_range(), prefixes in prop::collection::vec("[0-3]{1,5}", 0..5)) {
            let prefixes = ReservedPrefixes::new(&prefixes).unwrap();
            let allowed: Vec<_> = prefixes.allowed(&range).iter().flat_map(all).collect();
            let expected: Vec<_> = all(&range).into_iter().filter(|number| !prefixes.forbid(number)).collect();
            prop_assert_eq!(allowed, expected);
        }
    }
}

//! Numbering plans: ranges and reserved prefixes.
//!
//! A plan is prefix-free, as overlap dialling requires: no number is a prefix of another.
//! The ranges of an event are prefix-free among themselves ([`NumberRange::conflicts_with`]), so a number inside a
//! range only has to be unique; a number outside all ranges is compared with the ranges and with the other numbers
//! outside.

use platform::error::{UserError, UserErrorKind};

use crate::number::{MAX_DIGITS, Number};

/// Maximum size of a range.
pub const MAX_RANGE_SIZE: u64 = 10_000_000;

/// A non-empty range of numbers of `width` digits from `first` to `last`, both included. No range contains E.164
/// numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberRange {
    pub width: usize,
    pub first: u64,
    pub last: u64,
}

impl NumberRange {
    /// Creates the range from `first` to `last`.
    ///
    /// # Errors
    /// `Invalid` at `first` or `last`: different lengths, `first` above `last`, more than [`MAX_RANGE_SIZE`]
    /// numbers, or an E.164 number.
    pub fn new(first: &Number, last: &Number) -> Result<Self, UserError> {
        let first = Digits::of(first).ok_or_else(|| UserError::invalid("first", E164_IN_PLAN).rule("range.world"))?;
        let last = Digits::of(last).ok_or_else(|| UserError::invalid("last", E164_IN_PLAN).rule("range.world"))?;
        if first.width != last.width {
            return Err(
                UserError::invalid("last", "Both ends of a range have the same number of digits.").rule("range.digits")
            );
        }
        if first.value > last.value {
            return Err(UserError::invalid("last", "The last number of a range does not come before the first.")
                .rule("range.order"));
        }
        if last.value - first.value >= MAX_RANGE_SIZE {
            return Err(UserError::invalid("last", "A range holds at most 10,000,000 numbers.")
                .rule("range.size")
                .with_value(MAX_RANGE_SIZE));
        }
        Ok(Self { width: first.width, first: first.value, last: last.value })
    }

    /// The range with only this number; `None` for an E.164 number.
    pub fn single(number: &Number) -> Option<Self> {
        Digits::of(number).map(Self::from)
    }

    /// The lowest number.
    pub fn first(&self) -> Number {
        Number::padded(self.width, self.first)
    }

    /// The highest number.
    pub fn last(&self) -> Number {
        Number::padded(self.width, self.last)
    }

    /// Number of digits of each number.
    pub fn digits(&self) -> usize {
        self.width
    }

    /// Number of numbers in the range.
    pub fn size(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether the range contains the number.
    pub fn contains(&self, number: &Number) -> bool {
        Digits::of(number)
            .is_some_and(|digits| digits.width == self.width && (self.first..=self.last).contains(&digits.value))
    }

    /// Whether the ranges share a number, or a number of one is a prefix of a number of the other, as with 2000–2999
    /// and 20000–29999.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let other = other.projection(self.width);
        self.first <= other.last && other.first <= self.last
    }

    /// The numbers of `width` digits that conflict with this range: the prefixes of its numbers (smaller `width`), the
    /// numbers with its numbers as prefixes (larger), or the range itself (equal). `width` is limited to
    /// [`MAX_DIGITS`]. The result may be larger than [`MAX_RANGE_SIZE`].
    #[must_use]
    pub fn projection(&self, width: usize) -> Self {
        let width = width.clamp(1, MAX_DIGITS);
        if width <= self.width {
            let scale = power(self.width - width);
            Self { width, first: self.first / scale, last: self.last / scale }
        } else {
            let scale = power(width - self.width);
            Self { width, first: self.first * scale, last: self.last * scale + (scale - 1) }
        }
    }

    /// The common numbers of both ranges; `None` if there are none.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (self.width == other.width && first <= last).then_some(Self { width: self.width, first, last })
    }

    /// The numbers of this range that are not in `removed`: up to two ranges, in order.
    pub fn without(&self, removed: &Self) -> impl Iterator<Item = Self> + use<> {
        let (below, above) = match self.intersection(removed) {
            None => (Some(*self), None),
            Some(hole) => (
                (hole.first > self.first).then(|| Self { last: hole.first - 1, ..*self }),
                (hole.last < self.last).then(|| Self { first: hole.last + 1, ..*self }),
            ),
        };
        below.into_iter().chain(above)
    }
}

/// Rejects a range that conflicts with another range of the same event.
///
/// # Errors
/// `Conflict` at `first`, with the conflicting range.
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

/// Rejects a number outside all ranges if it is a prefix of a number of a range, or the other way round. Accepts
/// numbers inside a range and E.164 numbers. The caller compares with other numbers outside the ranges by
/// [`proper_prefixes`] and [`PrefixBounds`].
///
/// # Errors
/// `Conflict` at `number`, with the conflicting range.
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
        .with_value(number)
        .with_value(range.first())
        .with_value(range.last())),
    }
}

/// The proper prefixes of a number, the shortest first; none for an E.164 number.
pub fn proper_prefixes(number: &Number) -> Vec<String> {
    let text = number.as_str();
    if number.is_e164() { Vec::new() } else { (1..text.len()).map(|length| text[..length].to_owned()).collect() }
}

/// Bounds of the numbers that begin with a prefix, for a bytewise comparison: `lower < number AND number < upper`
/// matches the longer numbers, `lower <= number` the prefix itself too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixBounds {
    /// The prefix.
    pub lower: String,
    /// The prefix and `:`, which follows `9` in ASCII.
    pub upper: String,
}

impl PrefixBounds {
    /// The bounds of `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { lower: prefix.to_owned(), upper: format!("{prefix}:") }
    }
}

/// Prefixes that no number of an event may begin with, such as emergency and service codes.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ReservedPrefixes(Vec<String>);

impl ReservedPrefixes {
    /// Parses the prefixes as [`Number::clean`] does, sorts them and removes duplicates.
    ///
    /// # Errors
    /// `Invalid` at `reservedPrefixes` and the index of the first one that is not 1 to 15 digits.
    pub fn new(prefixes: &[String]) -> Result<Self, UserError> {
        let mut clean = Vec::with_capacity(prefixes.len());
        for (index, prefix) in prefixes.iter().enumerate() {
            let path = || ["reservedPrefixes".to_owned(), index.to_string()];
            let number = Number::clean(prefix).map_err(|error| error.at(path()))?;
            if number.is_e164() {
                return Err(UserError::invalid("", E164_IN_PLAN).at(path()));
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

    /// Whether the number conflicts with a reserved prefix: one begins with the other. With 112 reserved, 11 is
    /// forbidden too, because overlap dialling would complete the call before the 2. E.164 numbers never conflict.
    pub fn forbids(&self, number: &Number) -> bool {
        let text = number.as_str();
        !number.is_e164() && self.0.iter().any(|prefix| text.starts_with(prefix.as_str()) || prefix.starts_with(text))
    }

    /// The parts of the range without forbidden numbers, in order.
    pub fn allowed_parts(&self, range: &NumberRange) -> Vec<NumberRange> {
        let forbidden = self
            .0
            .iter()
            .filter_map(|prefix| Digits::parse(prefix))
            .map(|digits| NumberRange::from(digits).projection(range.width));
        forbidden.fold(vec![*range], |allowed, hole| allowed.iter().flat_map(|part| part.without(&hole)).collect())
    }
}

const E164_IN_PLAN: &str = "An event's own numbers are digits without a plus sign.";

/// Digits as a number of digits and a numerical value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digits {
    pub(crate) width: usize,
    pub(crate) value: u64,
}

impl Digits {
    /// The digits of an event's number; `None` for an E.164 number.
    pub(crate) fn of(number: &Number) -> Option<Self> {
        Self::parse(number.as_str())
    }

    /// Parses 1 to [`MAX_DIGITS`] ASCII digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_valid = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_valid { Some(Self { width: text.len(), value: text.parse().ok()? }) } else { None }
    }
}

impl From<Digits> for NumberRange {
    fn from(digits: Digits) -> Self {
        Self { width: digits.width, first: digits.value, last: digits.value }
    }
}

/// Ten to the power of `digits`, which is below [`MAX_DIGITS`] and thus does not overflow.
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

    fn error_message(first: &str, last: &str) -> String {
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
        assert_eq!(error_message("200", "2999"), "Both ends of a range have the same number of digits.");
        assert_eq!(error_message("2999", "2000"), "The last number of a range does not come before the first.");
        assert_eq!(error_message("00000000", "10000000"), "A range holds at most 10,000,000 numbers.");
        assert_eq!(error_message("+441144960123", "+441144960199"), E164_IN_PLAN);
        assert_eq!(range("999999999999999", "999999999999999").projection(1).last().as_str(), "9");
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
    fn ranges_with_common_prefixes_conflict() {
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
        let bounds = PrefixBounds::new("2342");
        assert!(bounds.lower.as_str() < "23420" && "23429" < bounds.upper.as_str() && "2343" > bounds.upper.as_str());
    }

    #[test]
    fn reserved_prefixes_forbid_both_ways() {
        let prefixes = ReservedPrefixes::new(&["112".into(), "99 9".into(), "112".into()]).unwrap();
        assert_eq!(prefixes.as_slice(), ["112", "999"]);
        for bad in ["112", "1123", "11", "1", "9990"] {
            assert!(prefixes.forbids(&number(bad)), "{bad}");
        }
        for fine in ["113", "12", "98", "0112", "+15551239876"] {
            assert!(!prefixes.forbids(&number(fine)), "{fine}");
        }
        let parts: Vec<_> = prefixes
            .allowed_parts(&range("1000", "1999"))
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
        fn conflicts_agree_with_enumeration(a in small_range(), b in small_range()) {
            let b_texts: Vec<_> = all(&b).into_iter().map(Number::into_string).collect();
            let expected = all(&a).iter().any(|x| {
                let x = x.as_str();
                b_texts.iter().any(|y| x.starts_with(y.as_str()) || y.starts_with(x))
            });
            prop_assert_eq!(a.conflicts_with(&b), expected);
            prop_assert_eq!(b.conflicts_with(&a), expected);
        }

        #[test]
        fn allowed_parts_agree_with_enumeration(range in small_range(), prefixes in prop::collection::vec("[0-3]{1,5}", 0..5)) {
            let prefixes = ReservedPrefixes::new(&prefixes).unwrap();
            let allowed: Vec<_> = prefixes.allowed_parts(&range).iter().flat_map(all).collect();
            let expected: Vec<_> = all(&range).into_iter().filter(|number| !prefixes.forbids(number)).collect();
            prop_assert_eq!(allowed, expected);
        }
    }
}

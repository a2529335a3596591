use std::collections::HashMap;

use futures_util::FutureExt as _;
use platform::clock::{Rng, SeededRng};
use proptest::prelude::*;

use super::*;

/// A plan in memory that counts the queries.
#[derive(Default)]
struct Plan {
    taken: BTreeSet<Number>,
    /// The taken numbers of a plan too large to list, beside `taken`.
    full: Option<(NumberRange, Vec<Number>)>,
    queries: u32,
}

impl TakenNumberSource for Plan {
    async fn taken_between(&mut self, first: &Number, last: &Number) -> Result<Vec<Number>, InternalError> {
        let window = NumberRange::new(first, last).unwrap();
        assert!(window.size() <= WINDOW);
        self.queries += 1;
        let mut taken: Vec<_> = self.taken.range(first..=last).cloned().collect();
        if let Some((full, but)) = &self.full {
            let all = full.intersection(&window).into_iter().flat_map(|part| part.first..=part.last);
            taken.extend(all.map(|value| Number::padded(full.width, value)).filter(|number| !but.contains(number)));
        }
        Ok(taken)
    }

    async fn taken_among(&mut self, numbers: &[Number]) -> Result<Vec<Number>, InternalError> {
        self.queries += 1;
        let full = |number: &Number| {
            self.full.as_ref().is_some_and(|(full, but)| full.contains(number) && !but.contains(number))
        };
        Ok(numbers.iter().filter(|number| self.taken.contains(number) || full(number)).cloned().collect())
    }
}

fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("a plan in memory does not wait")
}

fn number(text: &str) -> Number {
    Number::clean(text).unwrap()
}

fn range(first: &str, last: &str) -> NumberRange {
    NumberRange::new(&number(first), &number(last)).unwrap()
}

fn free(ranges: &[NumberRange]) -> FreeNumbers {
    FreeNumbers::new(ranges, &ReservedPrefixes::new(&["112".into(), "999".into()]).unwrap())
}

fn plan(taken: &[&str]) -> Plan {
    Plan { taken: taken.iter().map(|text| number(text)).collect(), ..Plan::default() }
}

fn texts(found: Result<Vec<Number>, InternalError>) -> Vec<String> {
    found.unwrap().into_iter().map(Number::into_string).collect()
}

#[test]
fn searches_can_be_spawned() {
    fn is_send(_: impl Send) {}
    let free = free(&[range("10", "19")]);
    let (ten, rng) = (number("10"), SeededRng::new(1));
    is_send(free.near(&ten, 1, &mut plan(&[])));
    is_send(free.ascending(&ten, 1, &mut plan(&[])));
    is_send(free.like("1", 1, &mut plan(&[])));
    is_send(free.at_random(1, &rng, &mut plan(&[])));
}

#[test]
fn suggestions_are_the_nearest() {
    let free = free(&[range("2000", "2999"), range("5000", "8999")]);
    let mut plan = plan(&["2342", "2343", "2340"]);
    assert_eq!(texts(now(free.near(&number("2342"), 5, &mut plan))), ["2341", "2344", "2339", "2345", "2338"]);
    assert_eq!(plan.queries, 2);
    assert_eq!(texts(now(free.near(&number("2000"), 2, &mut plan))), ["2001", "2002"]);
    assert_eq!(texts(now(free.near(&number("4000"), 3, &mut plan))), ["5000", "2999", "5001"]);
}

#[test]
fn the_own_range_comes_first() {
    let free = free(&[range("20", "21"), range("30", "32"), range("700", "702")]);
    let mut plan = plan(&["20", "31"]);
    assert_eq!(texts(now(free.near(&number("20"), 9, &mut plan))), ["21", "30", "32", "700", "701", "702"]);
    assert_eq!(texts(now(free.near(&number("701"), 3, &mut plan))), ["700", "702", "32"]);
}

#[test]
fn ascending_starts_at_a_number() {
    let free = free(&[range("1000", "1999"), range("20000", "20009")]);
    let mut plan = plan(&["1117"]);
    assert_eq!(texts(now(free.ascending(&number("1116"), 4, &mut plan))), ["1116", "1118", "1119", "1130"]);
    assert_eq!(texts(now(free.ascending(&number("19995"), 2, &mut plan))), ["20000", "20001"]);
    assert_eq!(texts(now(free.ascending(&number("20"), 1, &mut plan))), ["20000"]);
    assert_eq!(texts(now(free.ascending(&number("3"), 1, &mut plan))), Vec::<String>::new());
    assert_eq!(now(free.ascending(&number("0"), 1000, &mut plan)).unwrap().len(), 999);
}

#[test]
fn prefix_matches_come_before_the_nearest_numbers() {
    let free = free(&[range("2000", "8999"), range("93270", "93279")]);
    let mut plan = plan(&["93272"]);
    assert_eq!(texts(now(free.like("93272", 4, &mut plan))), ["93271", "93273", "93270", "93274"]);
    assert_eq!(texts(now(free.like("234", 12, &mut plan)))[8..], ["2348", "2349", "2339", "2350"]);
    assert_eq!(texts(now(free.like("23421", 2, &mut plan))), ["93270", "93271"]);
    let four_digits = FreeNumbers::new(&[range("2000", "8999")], &ReservedPrefixes::default());
    assert_eq!(texts(now(four_digits.like("23421", 3, &mut plan))), ["2342", "2341", "2343"]);
    assert_eq!(texts(now(four_digits.like("93272", 2, &mut plan))), ["8999", "8998"]);
    assert!(now(four_digits.like("zebra", 2, &mut plan)).unwrap().is_empty());
    assert!(now(four_digits.like("", 2, &mut plan)).unwrap().is_empty());
}

#[test]
fn large_ranges_need_few_queries() {
    let large = range("0000000", "9999999");
    let free = FreeNumbers::new(&[large], &ReservedPrefixes::default());
    let rng: &dyn Rng = &SeededRng::new(7);
    let mut empty = Plan::default();
    assert_eq!(now(free.at_random(100, rng, &mut empty)).unwrap().len(), 100);
    assert_eq!(now(free.near(&number("5555555"), 5, &mut empty)).unwrap().len(), 5);
    assert!(empty.queries <= 4);

    let spare = vec![number("5000000"), number("5050000")];
    let mut full = Plan { full: Some((large, spare)), ..Plan::default() };
    assert_eq!(texts(now(free.near(&number("5000001"), 2, &mut full))), ["5000000", "5050000"]);
    assert!(full.queries <= MAX_WINDOWS);
    full.full = Some((large, Vec::new()));
    full.queries = 0;
    assert!(now(free.at_random(1, rng, &mut full)).unwrap().is_empty());
    assert!(full.queries <= MAX_WINDOWS + MAX_ROUNDS);
}

#[test]
fn a_nearly_full_plan_is_searched_completely() {
    let numbers = range("20000", "29999");
    let spare: Vec<_> = ["20001", "25000", "29998"].map(number).into();
    let mut plan = Plan { full: Some((numbers, spare)), ..Plan::default() };
    let free = FreeNumbers::new(&[numbers], &ReservedPrefixes::default());
    let mut found = texts(now(free.at_random(10, &SeededRng::new(3), &mut plan)));
    found.sort();
    assert_eq!(found, ["20001", "25000", "29998"]);
    assert_eq!(texts(now(free.near(&number("26000"), 5, &mut plan))), ["25000", "29998", "20001"]);
}

#[test]
fn random_numbers_are_spread_evenly() {
    let free = FreeNumbers::new(&[range("10", "14"), range("70", "74")], &ReservedPrefixes::default());
    let mut plan = plan(&["11", "72"]);
    let rng: &dyn Rng = &SeededRng::new(11);
    let mut seen = HashMap::<String, u32>::new();
    for _ in 0..4000 {
        *seen.entry(texts(now(free.at_random(1, rng, &mut plan))).remove(0)).or_default() += 1;
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.values().all(|count| (400..600).contains(count)), "{seen:?}");
}

prop_compose! {
    /// Ranges of a prefix-free plan, reserved prefixes and taken numbers.
    fn small_plan()(
        candidates in prop::collection::vec((1_usize..=4, 0_u64..10_000, 0_u64..400), 1..5),
        reserved in prop::collection::vec("[0-9]{1,4}", 0..3),
        taken in prop::collection::vec("[0-9]{1,4}", 0..400),
    ) -> (Vec<NumberRange>, ReservedPrefixes, Vec<String>) {
        let mut ranges: Vec<NumberRange> = Vec::new();
        for (width, first, size) in candidates {
            let end = 10_u64.pow(u32::try_from(width).unwrap()) - 1;
            let first = first.min(end);
            let range = NumberRange { width, first, last: (first + size).min(end) };
            if !ranges.iter().any(|other| other.conflicts_with(&range)) {
                ranges.push(range);
            }
        }
        (ranges, ReservedPrefixes::new(&reserved).unwrap(), taken)
    }
}

fn enumerate(ranges: &[NumberRange], reserved: &ReservedPrefixes, taken: &BTreeSet<Number>) -> Vec<Number> {
    let mut all: Vec<_> = ranges
        .iter()
        .flat_map(|range| (range.first..=range.last).map(|value| Number::padded(range.width, value)))
        .filter(|number| !reserved.forbids(number) && !taken.contains(number))
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_search_agrees_with_enumeration(
        (ranges, reserved, taken) in small_plan(),
        text in "[0-9]{1,5}",
        wanted in 0_usize..40,
        seed in any::<u64>(),
    ) {
        let taken: Vec<_> = taken.iter().map(String::as_str).collect();
        let mut plan = plan(&taken);
        let free = FreeNumbers::new(&ranges, &reserved);
        let all = enumerate(&ranges, &reserved, &plan.taken);
        let origin = number(&text);

        let from: Vec<_> = all.iter().filter(|&number| *number >= origin).take(wanted).cloned().collect();
        prop_assert_eq!(now(free.ascending(&origin, wanted, &mut plan)).unwrap(), from);

        let Digits { width, value } = Digits::of(&origin).unwrap();
        let own = ranges.iter().find(|range| range.contains(&origin));
        let center = NumberRange { width, first: value, last: value };
        let distance = |number: &Number| {
            let Digits { width: length, value } = Digits::of(number).unwrap();
            let center = center.projection(length);
            center.first.saturating_sub(value).max(value.saturating_sub(center.last))
        };
        let mut nearest: Vec<_> = all.iter().filter(|&number| distance(number) > 0).cloned().collect();
        nearest.sort_by_key(|number| {
            let length = number.as_str().len();
            (!own.is_some_and(|own| own.contains(number)), length.abs_diff(width), length, distance(number), number.clone())
        });
        nearest.truncate(wanted);
        prop_assert_eq!(now(free.near(&origin, wanted, &mut plan)).unwrap(), nearest);

        let mut like = all.clone();
        like.sort_by_key(|number| {
            let length = number.as_str().len();
            if number.as_str().starts_with(&text) { (0, length, 0, 0, number.clone()) }
            else { (1, length.abs_diff(width), length, distance(number), number.clone()) }
        });
        like.truncate(wanted);
        prop_assert_eq!(now(free.like(&text, wanted, &mut plan)).unwrap(), like);

        let drawn = now(free.at_random(wanted, &SeededRng::new(seed), &mut plan)).unwrap();
        prop_assert_eq!(drawn.len(), wanted.min(all.len()));
        prop_assert!(drawn.iter().all(|number| all.contains(number)));
        prop_assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), drawn.len());
    }
}

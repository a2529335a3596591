//! Which national numbers the countries of a calling code have (ITU-T E.164).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use phonenumber::Metadata;
use regex::Regex;

/// The general pattern of each region by its name in the metadata, compiled for the whole number. `None` for a pattern
/// that does not compile, which the metadata does not have.
static PATTERNS: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(RwLock::default);

/// Whether a country with this calling code has the national number.
///
/// The number must match the general pattern of the country from its first to its last digit; the library's own
/// predicate ignores digits behind a match. The patterns of number types (mobile, toll free …) are ignored: they lag
/// behind the assignments of regulators, and a new area code must not be rejected.
pub fn exists(country_code: u16, national: &str) -> bool {
    phonenumber::metadata::DATABASE.by_code(&country_code).is_some_and(|regions| {
        regions.iter().any(|region| general_pattern(region).is_some_and(|pattern| pattern.is_match(national)))
    })
}

fn general_pattern(region: &Metadata) -> Option<Arc<Regex>> {
    // Non-geographic entities share the name `001`.
    let key = format!("{}/{}", region.id(), region.country_code());
    if let Some(known) = PATTERNS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known.clone();
    }
    let pattern = region.descriptors().general().national_number().as_str();
    let compiled = Regex::new(&format!("(?x)^(?:{pattern})$")).ok().map(Arc::new);
    PATTERNS.write().unwrap_or_else(PoisonError::into_inner).insert(key, compiled.clone());
    compiled
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use phonenumber::Type;
    use phonenumber::metadata::DATABASE;

    use super::*;
    use crate::number::Number;

    const TYPES: [Type; 4] = [Type::FixedLine, Type::Mobile, Type::TollFree, Type::Voip];

    /// The example numbers of each region.
    fn examples() -> Vec<(u16, String)> {
        let of_region = |region: &Metadata| {
            let code = region.country_code();
            let examples: Vec<_> = TYPES
                .into_iter()
                .filter_map(|kind| region.descriptors().get(kind)?.example().map(str::to_owned))
                .collect();
            examples.into_iter().map(move |example| (code, example))
        };
        DATABASE.iter().flat_map(of_region).collect()
    }

    #[test]
    fn every_region_has_a_pattern_for_the_whole_number() {
        for region in DATABASE.iter() {
            assert!(general_pattern(region).is_some(), "{}", region.id());
        }
    }

    #[test]
    fn examples_exist_and_digits_behind_the_longest_number_are_refused() {
        // The longest number of a calling code: its patterns match texts of a bounded length.
        let mut longest = BTreeMap::<u16, usize>::new();
        for (code, example) in examples() {
            let lengths = (example.len()..=17).filter(|&length| {
                (b'0'..=b'9').any(|digit| exists(code, &padded(&example, length, char::from(digit))))
            });
            let most = lengths.max().unwrap_or(0);
            let known = longest.entry(code).or_default();
            *known = most.max(*known);
        }
        assert!(longest.len() > 200, "{}", longest.len());
        for (code, example) in examples() {
            assert!(exists(code, &example), "+{code} {example}");
            for digit in '0'..='9' {
                let extended = padded(&example, longest[&code] + 1, digit);
                assert!(!exists(code, &extended), "+{code} {extended}");
                let input = format!("+{code}{extended}");
                // A trunk `0` may be removed, but nothing else.
                if let Ok(number) = Number::clean(&input) {
                    assert!(number.as_str().len() < input.len(), "{input} became {number}");
                }
            }
        }
    }

    fn padded(example: &str, length: usize, digit: char) -> String {
        let mut text = example.to_owned();
        while text.len() < length {
            text.push(digit);
        }
        text
    }

    #[test]
    fn numbers_of_the_wrong_length_are_refused() {
        for input in [
            "+120255501234",
            "+1202555012345",
            "+4411449601239",
            "+44114496012395",
            "+3361234567890",
            "+312012345678901",
            "+353145678901234",
            "+1 202 555 0123 x5",
            "+441144960123x5",
            "+12025550123 ext 7",
        ] {
            let problem = Number::clean(input).unwrap_err();
            assert_eq!(problem.rule.unwrap().name, "number.country", "{input}");
        }
        for input in ["+12025550123", "+441144960123", "+33612345678", "+31201234567", "+35314567890", "+80012345678"] {
            assert_eq!(Number::clean(input).unwrap().as_str(), input);
        }
    }
}

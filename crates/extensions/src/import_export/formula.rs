//! Cells that a spreadsheet would evaluate as formulas, made inert by an apostrophe, and back.
//!
//! A spreadsheet may split a line at other separators than the comma: in many languages at semicolons. Therefore the
//! text behind each semicolon and tab counts as a cell too. Some spreadsheets also take the full-width signs.

/// Makes a cell inert: inserts an apostrophe in front of each part that begins like a formula. [`restore`] is the
/// inverse.
pub fn make_inert(cell: &str) -> String {
    cell.split_inclusive(is_separator).fold(String::with_capacity(cell.len()), |mut inert, part| {
        if begins_formula(part) {
            inert.push('\'');
        }
        inert + part
    })
}

/// Removes the apostrophes that [`make_inert`] inserted. A text without them is returned as it is.
pub fn restore(cell: &str) -> String {
    let original = |part| match str::strip_prefix(part, '\'') {
        Some(rest) if begins_formula(rest) => rest,
        _ => part,
    };
    cell.split_inclusive(is_separator).map(original).collect()
}

const fn is_separator(character: char) -> bool {
    matches!(character, ';' | '\t')
}

/// Whether the first character that is no white space and no quotation mark is the sign of a formula.
fn begins_formula(part: &str) -> bool {
    let first = part.chars().find(|character| !character.is_whitespace() && !matches!(character, '\'' | '"'));
    matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_begin_with_an_apostrophe() {
        for (cell, inert) in [
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("＝cmd|'/c calc'!A1", "'＝cmd|'/c calc'!A1"),
            ("x;=1+1", "x;'=1+1"),
            ("x\t@a;－b", "x\t'@a;'－b"),
            ("x;\"=1+1\"", "x;'\"=1+1\""),
            ("'=1", "''=1"),
            (" =1", "' =1"),
            ("a=1", "a=1"),
            ("'n Haus; 'tis", "'n Haus; 'tis"),
            ("", ""),
        ] {
            assert_eq!(make_inert(cell), inert);
            assert_eq!(restore(inert), cell);
        }
        assert_eq!(restore("'n Haus"), "'n Haus");
    }

    proptest! {
        #[test]
        fn every_cell_is_restored(cell in "[a;\t\"'=+@＝ -]{0,12}|\\PC{0,20}") {
            let inert = make_inert(&cell);
            prop_assert_eq!(restore(&inert), cell);
            for part in inert.split([';', '\t']) {
                let is_formula = part.trim_start_matches(['"', ' ']).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
                prop_assert!(!is_formula, "{}", inert);
            }
        }
    }
}

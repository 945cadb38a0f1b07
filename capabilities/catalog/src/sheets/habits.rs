//! Faults that people make with spreadsheets: dragging a cell down so that it counts up, writing one name twice
//! with other blanks, codes of unequal length.

use std::collections::HashMap;

/// So many rows counting up in a row are no accident.
const RUN_ROWS_MIN: usize = 3;

/// Positions whose text counts up from the row before it, in runs of at least three.
pub(super) fn dragged(texts: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut run = 0;
    for at in 1..=texts.len() {
        let counts_up = match (texts.get(at - 1), texts.get(at)) {
            (Some(before), Some(here)) => is_next(before, here),
            _ => false,
        };
        if counts_up {
            run += 1;
        } else {
            if run + 1 >= RUN_ROWS_MIN {
                found.extend(at - run..at);
            }
            run = 0;
        }
    }
    found
}

/// Positions whose text is that of an earlier one but for blanks, punctuation, width and case; with the earlier position.
pub(super) fn repeated(texts: &[&str]) -> Vec<(usize, usize)> {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let bare = bare(text);
        if bare.is_empty() {
            continue;
        }
        match first.get(&bare) {
            Some(earlier) => found.push((at, *earlier)),
            None => {
                first.insert(bare, at);
            }
        }
    }
    found
}

/// Letters and digits alone.
fn bare(text: &str) -> String {
    let fold = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(fold).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Do the two differ only in a number at the end, greater by one? Codes may end in one letter after it.
fn is_next(before: &str, here: &str) -> bool {
    let (Some((stem, number, tail)), Some((next_stem, next_number, next_tail))) = (split(before), split(here)) else {
        return false;
    };
    stem == next_stem && tail == next_tail && number.checked_add(1) == Some(next_number) && !stem.is_empty()
}

fn split(text: &str) -> Option<(&str, u64, &str)> {
    const DIGITS_MAX: usize = 15;
    let without = text.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let stem = without.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = without.get(stem.len()..)?;
    // A long number is split so that what counts up fits.
    let cut = digits.len().saturating_sub(DIGITS_MAX);
    let (head, counted) = digits.split_at_checked(cut)?;
    let stem = text.get(..stem.len() + head.len())?;
    Some((stem, counted.parse().ok()?, text.get(without.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cat_7_dragged_names_are_seen() {
        assert_eq!(dragged(&["低保信息1", "低保信息2", "低保信息3", "养老信息"]), [1, 2]);
        assert_eq!(dragged(&["一期工程1", "二期工程2", "低保信息1", "低保信息2"]), Vec::<usize>::new());
        let codes = ["11330000002480001A", "11330000002480002A", "11330000002480003A"];
        assert_eq!(dragged(&codes), [1, 2]);
    }

    #[test]
    fn cat_7_names_that_differ_in_blanks_and_signs_are_one() {
        assert_eq!(repeated(&["低保对象信息", "低保对象 信息（）", "养老", "养老。"]), [(1, 0), (3, 2)]);
    }
}

//! Chinese addresses cut after the county level.
//!
//! An address is read from the left as province, prefecture, county. Each part is a short name and
//! a suffix. What is not surely one of these is not shown: 阳光小区 ends in 区 and is no district.

use crate::HIDDEN;

/// Longest name before its suffix, in characters (autonomous counties have long names).
const NAME_CHARS_MAX: usize = 16;
/// Characters after which an address is below the county level.
const BELOW: [char; 16] =
    ['路', '街', '巷', '弄', '号', '幢', '栋', '楼', '室', '村', '组', '镇', '乡', '道', '屯', '苑'];
/// What stands before 区 when it means a compound, a park or a site and no district.
const NOT_DISTRICT: [char; 16] =
    ['小', '社', '校', '厂', '景', '院', '片', '街', '宅', '活', '舍', '属', '库', '园', '营', '场'];

/// Up to and with 区, 县, 旗 or the last 市; else what was recognised above; else hidden whole.
pub(crate) fn to_district(value: &str, out: &mut Vec<u8>) {
    let mut rest = value;
    let mut shown = 0;
    let mut cities = 0;
    while let Some((level, bytes)) = next_part(rest) {
        if level == Level::City {
            cities += 1;
        }
        shown += bytes;
        if level == Level::County || cities == 2 {
            break;
        }
        let Some((_, after)) = rest.split_at_checked(bytes) else {
            break;
        };
        rest = after;
    }
    match value.split_at_checked(shown) {
        Some((head, _)) if shown > 0 => out.extend_from_slice(head.as_bytes()),
        _ => out.extend_from_slice(HIDDEN.as_bytes()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Province or prefecture that is not called 市.
    Above,
    City,
    County,
}

/// The next administrative part at the start of `rest`, and its length in bytes.
fn next_part(rest: &str) -> Option<(Level, usize)> {
    let mut before = [' '; 2];
    let mut characters = rest.char_indices().enumerate().peekable();
    while let Some((place, (at, character))) = characters.next() {
        if place > NAME_CHARS_MAX || !is_ideograph(character) {
            return None;
        }
        let end = at + character.len_utf8();
        let following = characters.peek().map(|(_, (_, next))| *next);
        if place >= 1
            && let Some(level) = suffix(character, before, place, following)
        {
            return level.map(|level| (level, end));
        }
        // 路桥区, 新乡市: a low-level word that opens a name or stands right before the suffix is part of it.
        let inside = place >= 1 && !matches!(following, Some('市' | '县' | '区' | '旗'));
        if inside && BELOW.contains(&character) {
            return None;
        }
        let [_, last] = before;
        before = [last, character];
    }
    None
}

/// `None`: no suffix, the name goes on. `Some(None)`: looks like one and is none, stop here.
fn suffix(character: char, before: [char; 2], place: usize, following: Option<char>) -> Option<Option<Level>> {
    let [second, last] = before;
    match character {
        '省' => Some(Some(Level::Above)),
        '州' if second == '自' && last == '治' => Some(Some(Level::Above)),
        '盟' if place <= 4 => Some(Some(Level::Above)),
        '市' if following == Some('场') => Some(None),
        '市' => Some(Some(Level::City)),
        // 红旗区: here 旗 is part of a name.
        '旗' if following == Some('区') => None,
        '县' | '旗' => Some(Some(Level::County)),
        '区' if second == '自' && last == '治' => Some(Some(Level::Above)),
        '区' if (second == '行' && last == '政') || last == '地' => Some(Some(Level::Above)),
        '区' if NOT_DISTRICT.contains(&last) => Some(None),
        '区' => Some(Some(Level::County)),
        _ => None,
    }
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

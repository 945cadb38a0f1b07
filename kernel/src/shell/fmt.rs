//! How dates, numbers, ratios, deadlines and masked ids read, in HTML, DOCX, XLSX and CSV alike.

use chrono::{Datelike, NaiveDate, Timelike};

use crate::time::Timestamp;

/// A moment, owned or borrowed, so that templates need no `*`.
pub trait Moment {
    fn moment(&self) -> Timestamp;
}

impl Moment for Timestamp {
    fn moment(&self) -> Timestamp {
        *self
    }
}

impl<T: Moment + ?Sized> Moment for &T {
    fn moment(&self) -> Timestamp {
        (**self).moment()
    }
}

/// A whole number, owned or borrowed.
pub trait Whole {
    fn whole(&self) -> i128;
}

impl<T: Whole + ?Sized> Whole for &T {
    fn whole(&self) -> i128 {
        (**self).whole()
    }
}

macro_rules! whole {
    ($($int:ty),+) => {$(impl Whole for $int {
        fn whole(&self) -> i128 {
            i128::try_from(*self).unwrap_or(i128::MAX)
        }
    })+};
}

whole!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

/// `2026-11-21 14:05`: the form of tables.
pub fn minute(at: impl Moment) -> String {
    let at = at.moment().local();
    format!("{} {:02}:{:02}", iso(at.date_naive()), at.hour(), at.minute())
}

/// `2026-11-21 14:05:09`: where seconds matter, as in the audit list.
pub fn second(at: impl Moment) -> String {
    let at = at.moment().local();
    format!("{} {:02}:{:02}:{:02}", iso(at.date_naive()), at.hour(), at.minute(), at.second())
}

/// `11-21 14:05`: time lines and the side foot, where the year is plain.
pub fn short(at: impl Moment) -> String {
    let at = at.moment().local();
    format!("{:02}-{:02} {:02}:{:02}", at.month(), at.day(), at.hour(), at.minute())
}

/// `2026-11-21`.
pub fn day(at: impl Moment) -> String {
    iso(at.moment().date())
}

/// `2026-11-21` of a date.
pub fn iso(date: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// `2026年11月21日`: documents, without leading zeros.
pub fn document_day(date: NaiveDate) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

/// `11月25日`.
pub fn month_day(date: NaiveDate) -> String {
    format!("{}月{}日", date.month(), date.day())
}

/// `2,211`.
pub fn number(value: impl Whole) -> String {
    let value = value.whole();
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `10亿2165万`, `1.2 万`: big numbers as they are said; the exact value belongs into `title`.
pub fn big(value: impl Whole) -> String {
    let value = value.whole();
    let (wan, yi) = (10_000, 100_000_000);
    match value {
        v if v >= yi && v % yi / wan > 0 => format!("{}亿{}万", v / yi, v % yi / wan),
        v if v >= yi => format!("{}亿", v / yi),
        v if v >= wan && v % wan / 1000 > 0 => format!("{}.{} 万", v / wan, v % wan / 1000),
        v if v >= wan => format!("{} 万", v / wan),
        v => number(v as i64),
    }
}

/// `74/106（69.8%）`; without a denominator there is no per cent: `—`.
pub fn ratio(part: impl Whole, of: impl Whole) -> String {
    let (part, of) = (part.whole(), of.whole());
    if of <= 0 {
        return "—".to_owned();
    }
    let tenths = (part * 2000 + of) / (of * 2);
    format!("{}/{}（{}.{}%）", number(part as i64), number(of as i64), tenths / 10, tenths % 10)
}

/// `1.5 MB`.
pub fn bytes(value: impl Whole) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut tenths = value.whole().max(0) * 10;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or("B");
    while tenths >= 10_240 {
        let Some(next) = units.next() else { break };
        unit = next;
        tenths /= 1024;
    }
    if tenths % 10 == 0 || unit == "B" {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// `1 分 02 秒`.
pub fn duration_ms(value: impl Whole) -> String {
    let ms = value.whole().max(0);
    match ms / 1000 {
        0 => format!("{ms} 毫秒"),
        s if s < 60 => format!("{s} 秒"),
        s if s < 3600 => format!("{} 分 {:02} 秒", s / 60, s % 60),
        s => format!("{} 小时 {:02} 分", s / 3600, s / 60 % 60),
    }
}

/// A deadline as it stands now, counted in working days by the kernel's calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Still running: `left` of `total` working days, until the end of `until`.
    Left { left: u32, total: u32, until: NaiveDate },
    /// Passed: `over` working days ago.
    Over { over: u32, until: NaiveDate },
    /// Stopped, and why.
    Paused { why: String },
    /// Nothing to wait for.
    None,
}

impl Due {
    /// 「剩 2 个工作日」
    pub fn text(&self) -> String {
        match self {
            Self::Left { left: 0, .. } => "今日到期".to_owned(),
            Self::Left { left, .. } => format!("剩 {left} 个工作日"),
            Self::Over { over, .. } => format!("逾期 {over} 个工作日"),
            Self::Paused { .. } => "计时暂停".to_owned(),
            Self::None => "—".to_owned(),
        }
    }

    /// 「（11月25日止）」
    pub fn note(&self) -> String {
        match self {
            Self::Left { until, .. } | Self::Over { until, .. } => format!("（{}止）", month_day(*until)),
            Self::Paused { why } if !why.is_empty() => format!("（{why}）"),
            Self::Paused { .. } | Self::None => String::new(),
        }
    }

    /// Both, as exports show it.
    pub fn full(&self) -> String {
        self.text() + &self.note()
    }
}

/// `138****1234`: what is left of a telephone number.
pub fn mask_phone(value: &str) -> String {
    mask_middle(value, 3, 4)
}

/// `3325**********001X`: what is left of an identity number.
pub fn mask_id(value: &str) -> String {
    mask_middle(value, 4, 4)
}

/// `王**`: the surname only.
pub fn mask_name(value: &str) -> String {
    mask_middle(value, 1, 0)
}

/// Keeps `head` and `tail` characters; what is too short to keep anything is hidden whole.
fn mask_middle(value: &str, head: usize, tail: usize) -> String {
    let count = value.chars().count();
    let hidden = if count > head + tail { head..count - tail } else { 0..count };
    value.chars().enumerate().map(|(at, c)| if hidden.contains(&at) { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rfc: &str) -> Timestamp {
        Timestamp::from_millis(chrono::DateTime::parse_from_rfc3339(rfc).unwrap().timestamp_millis())
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn moments_read_in_beijing_time() {
        let t = at("2026-11-21T06:05:09Z");
        assert_eq!(minute(t), "2026-11-21 14:05");
        let borrowed = &t;
        assert_eq!(second(borrowed), "2026-11-21 14:05:09");
        assert_eq!(short(t), "11-21 14:05");
        assert_eq!(day(at("2026-11-21T16:30:00Z")), "2026-11-22");
        assert_eq!(document_day(date("2026-01-05")), "2026年1月5日");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(2211_u64), "2,211");
        assert_eq!(number(-1_204_551_i64), "-1,204,551");
        assert_eq!(number(0_u8), "0");
        assert_eq!(big(1_021_650_000_u64), "10亿2165万");
        assert_eq!(big(12_300_u32), "1.2 万");
        assert_eq!(big(200_000_000_u64), "2亿");
        assert_eq!(big(900_u32), "900");
    }

    #[test]
    fn a_ratio_keeps_its_parts_and_never_divides_by_nothing() {
        assert_eq!(ratio(74_u32, 106_u32), "74/106（69.8%）");
        assert_eq!(ratio(40_u32, 74_u32), "40/74（54.1%）");
        assert_eq!(ratio(1217_u32, 1217_u32), "1,217/1,217（100.0%）");
        assert_eq!(ratio(0_u32, 0_u32), "—");
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!(bytes(0_u64), "0 B");
        assert_eq!(bytes(1536_u64), "1.5 KB");
        assert_eq!(bytes(5_u64 << 30), "5 GB");
        assert_eq!(duration_ms(62_000_u64), "1 分 02 秒");
        assert_eq!(duration_ms(31_000_u64), "31 秒");
        assert_eq!(duration_ms(12_u64), "12 毫秒");
    }

    #[test]
    fn a_deadline_says_working_days_and_its_last_day() {
        let due = Due::Left { left: 2, total: 5, until: date("2026-11-25") };
        assert_eq!(due.full(), "剩 2 个工作日（11月25日止）");
        assert_eq!(Due::Over { over: 1, until: date("2026-11-20") }.full(), "逾期 1 个工作日（11月20日止）");
        assert_eq!(Due::Left { left: 0, total: 5, until: date("2026-11-25") }.text(), "今日到期");
        assert_eq!(Due::Paused { why: "待申请方补正".into() }.full(), "计时暂停（待申请方补正）");
    }

    #[test]
    fn masked_ids_show_their_ends_only() {
        assert_eq!(mask_phone("13800001234"), "138****1234");
        assert_eq!(mask_id("33250119900101001X"), "3325**********001X");
        assert_eq!(mask_name("王小明"), "王**");
        assert_eq!(mask_id("1234"), "****");
    }
}

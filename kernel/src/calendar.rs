//! Working days of the People's Republic: tables by year, and the arithmetic of deadlines upon them.
//!
//! The day something starts is not counted. A year without a table is reckoned by weekends alone
//! and says so: the deadline carries a warning that pages show.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::time::Timestamp;

/// Working days a deadline may ask for; more is a fault in a rule file.
pub const WORKDAYS_MAX: u32 = 1000;

/// The tables that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeMap<i32, Table>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    off: BTreeSet<NaiveDate>,
    work: BTreeSet<NaiveDate>,
}

/// A computed deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub date: NaiveDate,
    pub warning: Option<NoTable>,
}

impl Due {
    /// Last moment that is still in time.
    pub fn at(&self) -> Timestamp {
        Timestamp::end_of(self.date)
    }
}

/// The reckoning touched a year whose holidays are not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTable {
    pub year: i32,
}

impl std::fmt::Display for NoTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}年节假日安排尚未导入，时限暂按周末推算，请导入工作日历后核对", self.year)
    }
}

/// A calendar file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCalendar {
    #[error("calendar file is not valid TOML")]
    Toml(#[from] toml::de::Error),
    #[error("calendar {year}: `{text}` is no day or span of days of that year")]
    Span { year: i32, text: String },
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    year: i32,
    #[serde(rename = "notice")]
    _notice: String,
    off: Vec<String>,
    work: Vec<String>,
}

impl Calendar {
    /// Adds the table of one year; a later file for the same year replaces the earlier.
    pub fn add(&mut self, text: &str) -> Result<i32, BadCalendar> {
        let file: File = toml::from_str(text)?;
        let mut table = Table::default();
        for span in &file.off {
            table.off.extend(days(file.year, span)?);
        }
        for span in &file.work {
            table.work.extend(days(file.year, span)?);
        }
        self.years.insert(file.year, table);
        Ok(file.year)
    }

    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.years.keys().copied()
    }

    pub fn is_workday(&self, date: NaiveDate) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        match self.years.get(&date.year()) {
            Some(table) => table.work.contains(&date) || (!weekend && !table.off.contains(&date)),
            None => !weekend,
        }
    }

    /// The day that is `workdays` working days after `start`; with none, `start` or the first working day after it.
    pub fn after(&self, start: NaiveDate, workdays: u32) -> Due {
        let mut date = start;
        let mut left = workdays.min(WORKDAYS_MAX);
        while left > 0 || !self.is_workday(date) {
            date = next(date);
            if left > 0 && self.is_workday(date) {
                left -= 1;
            }
        }
        Due { date, warning: self.missing(start, date) }
    }

    /// Working days left after today until `due`: 0 on the day itself, negative by the working days it is late.
    pub fn remaining(&self, today: NaiveDate, due: NaiveDate) -> i64 {
        let count = |from: NaiveDate, to: NaiveDate| {
            let inside = from.iter_days().skip(1).take_while(|day| *day <= to);
            i64::try_from(inside.filter(|day| self.is_workday(*day)).count()).unwrap_or(i64::MAX)
        };
        if today <= due { count(today, due) } else { -count(due, today).max(1) }
    }

    /// The deadline after a pause: what was left when the clock stopped is left when it runs again. Lateness is not forgiven.
    pub fn resume(&self, due: NaiveDate, paused: NaiveDate, resumed: NaiveDate) -> Due {
        let left = self.remaining(paused, due);
        match u32::try_from(left) {
            Ok(left) => self.after(resumed, left),
            Err(_) => Due { date: due, warning: None },
        }
    }

    fn missing(&self, from: NaiveDate, to: NaiveDate) -> Option<NoTable> {
        (from.year()..=to.year()).find(|year| !self.years.contains_key(year)).map(|year| NoTable { year })
    }
}

fn next(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}

/// `2026-01-04` or `2026-02-15..2026-02-23`, all of one year.
fn days(year: i32, text: &str) -> Result<Vec<NaiveDate>, BadCalendar> {
    let wrong = || BadCalendar::Span { year, text: text.to_owned() };
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let parse = |day: &str| day.parse::<NaiveDate>().map_err(|_| wrong());
    let (first, last) = (parse(first)?, parse(last)?);
    if first > last || first.year() != year || last.year() != year {
        return Err(wrong());
    }
    Ok(first.iter_days().take_while(|day| *day <= last).collect())
}

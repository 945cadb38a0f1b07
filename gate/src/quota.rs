//! Calls per minute and rows per day, by grant, over all streams of this gate.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, Utc};

use crate::error::{Error, Kind, Result};
use crate::mandate::Quota;

/// China has one time zone; a quota's day begins at its midnight.
const CHINA_SECONDS_EAST: i32 = 8 * 3_600;

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    grants: Mutex<HashMap<String, Usage>>,
}

#[derive(Debug)]
struct Usage {
    calls: VecDeque<DateTime<Utc>>,
    day: NaiveDate,
    /// What was left today when this gate first saw the grant today.
    allowed: u64,
    /// What this gate has released since.
    released: u64,
}

impl Usage {
    fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.released)
    }
}

impl Limiter {
    /// Counts one call under a grant. A mandate's own figure for today may be older than what this
    /// gate has released since, so the lower of both holds.
    pub(crate) fn enter(&self, grant: &str, quota: &Quota, now: DateTime<Utc>) -> Result<()> {
        let today = china_day(now);
        let mut grants = self.lock();
        let usage = grants.entry(grant.to_owned()).or_insert_with(|| Usage {
            calls: VecDeque::new(),
            day: today,
            allowed: quota.rows_left_today,
            released: 0,
        });
        if usage.day != today {
            (usage.day, usage.allowed, usage.released) = (today, quota.rows_left_today, 0);
        }
        if quota.rows_left_today > usage.allowed {
            // Only a raised quota leaves more than there was: begin anew with it.
            (usage.allowed, usage.released) = (quota.rows_left_today, 0);
        }
        let minute_ago = now - Duration::minutes(1);
        while usage.calls.front().is_some_and(|call| *call <= minute_ago) {
            usage.calls.pop_front();
        }
        if usage.calls.len() >= usize::try_from(quota.calls_per_minute).unwrap_or(usize::MAX) {
            return Err(Error::new(Kind::Quota, "GATE-RATE", format!("授权 {grant} 每分钟调用次数已用完，请稍后再试")));
        }
        if usage.left() == 0 || quota.rows_left_today == 0 {
            return Err(day_used_up(grant));
        }
        usage.calls.push_back(now);
        Ok(())
    }

    /// Takes up to `rows` rows from every grant at once and says how many were to be had.
    pub(crate) fn take(&self, grants: &[String], rows: u64) -> u64 {
        let mut usages = self.lock();
        let left = grants.iter().map(|grant| usages.get(grant).map_or(0, Usage::left)).min();
        let taken = left.map_or(rows, |left| left.min(rows));
        for grant in grants {
            if let Some(usage) = usages.get_mut(grant) {
                usage.released += taken;
            }
        }
        taken
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Usage>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn day_used_up(grant: &str) -> Error {
    Error::new(Kind::Quota, "GATE-ROWS-PER-DAY", format!("授权 {grant} 今日可取行数已用完"))
}

fn china_day(now: DateTime<Utc>) -> NaiveDate {
    match FixedOffset::east_opt(CHINA_SECONDS_EAST) {
        Some(zone) => now.with_timezone(&zone).date_naive(),
        None => now.date_naive(),
    }
}

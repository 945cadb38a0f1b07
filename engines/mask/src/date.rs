//! Dates and times cut to the year or the month.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, ArrowTimestampType, DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use chrono::{Datelike, NaiveDate};

use crate::HIDDEN;
use crate::error::{MaskError, Result};

const SECONDS_PER_DAY: i64 = 86_400;
const MILLIS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000;
/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_FROM_CE: i64 = 719_163;

pub(crate) fn fits(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}

/// First day of the value's year, or of its month, in the column's own time zone.
/// A value outside the calendar that chrono knows becomes null.
pub(crate) fn truncate(array: &ArrayRef, to_month: bool) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            Ok(Arc::new(
                days.unary_opt::<_, Date32Type>(|day| i32::try_from(first_day(i64::from(day), to_month)?).ok()),
            ))
        }
        DataType::Date64 => {
            let millis = array.as_primitive::<Date64Type>();
            Ok(Arc::new(millis.unary_opt::<_, Date64Type>(|value| {
                first_day(value.div_euclid(MILLIS_PER_DAY), to_month)?.checked_mul(MILLIS_PER_DAY)
            })))
        }
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_deref();
            match unit {
                TimeUnit::Second => timestamps::<TimestampSecondType>(array, zone, 1, to_month),
                TimeUnit::Millisecond => timestamps::<TimestampMillisecondType>(array, zone, 1_000, to_month),
                TimeUnit::Microsecond => timestamps::<TimestampMicrosecondType>(array, zone, 1_000_000, to_month),
                TimeUnit::Nanosecond => timestamps::<TimestampNanosecondType>(array, zone, 1_000_000_000, to_month),
            }
        }
        _ => Err(MaskError::Kernel),
    }
}

/// `1990` or `1990-06` from `1990-06-15…`, `1990/6/15`, `1990年6月15日` or `19900615`.
/// What is no date is hidden whole.
pub(crate) fn text(value: &str, to_month: bool, out: &mut Vec<u8>) {
    use std::io::Write as _;
    match year_and_month(value.trim()) {
        // Writing into a vector cannot fail.
        Some((year, Some(month))) if to_month => drop(write!(out, "{year:04}-{month:02}")),
        Some((year, _)) => drop(write!(out, "{year:04}")),
        None => out.extend_from_slice(HIDDEN.as_bytes()),
    }
}

fn timestamps<T>(array: &ArrayRef, zone: Option<&str>, per_second: i64, month: bool) -> Result<ArrayRef>
where
    T: ArrowTimestampType + ArrowPrimitiveType<Native = i64>,
{
    let values: &PrimitiveArray<T> = array.as_primitive::<T>();
    let offset = zone.map_or(0, offset_seconds);
    let truncated = values.unary_opt::<_, T>(|value| {
        let local = value.div_euclid(per_second).checked_add(offset)?;
        let day = first_day(local.div_euclid(SECONDS_PER_DAY), month)?;
        day.checked_mul(SECONDS_PER_DAY)?.checked_sub(offset)?.checked_mul(per_second)
    });
    Ok(Arc::new(truncated.with_data_type(array.data_type().clone())))
}

/// Days since 1970 of the first day of the year or month that `day` lies in.
fn first_day(day: i64, of_month: bool) -> Option<i64> {
    let date = NaiveDate::from_num_days_from_ce_opt(i32::try_from(day + EPOCH_FROM_CE).ok()?)?;
    let month = if of_month { date.month() } else { 1 };
    let first = NaiveDate::from_ymd_opt(date.year(), month, 1)?;
    Some(i64::from(first.num_days_from_ce()) - EPOCH_FROM_CE)
}

/// `+08:00`, `+0800`, `+08` and the names of China's one zone; anything else counts as UTC.
fn offset_seconds(zone: &str) -> i64 {
    if matches!(zone, "Asia/Shanghai" | "Asia/Chongqing" | "Asia/Harbin" | "PRC") {
        return 8 * 3_600;
    }
    let (sign, rest) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return 0,
    };
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or((&digits, ""));
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    sign * (number(hours) * 3_600 + number(minutes) * 60)
}

fn year_and_month(value: &str) -> Option<(u16, Option<u8>)> {
    let (year, rest) = value.split_at_checked(4)?;
    if !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: u16 = year.parse().ok()?;
    if rest.is_empty() || rest == "年" {
        return Some((year, None));
    }
    let month = match rest.strip_prefix(['-', '/', '.', '年']) {
        Some(after) => after.split(|c: char| !c.is_ascii_digit()).next()?,
        // Without separators only 199006 and 19900615 (with a time behind) are dates.
        None => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits != 2 && digits != 4 && digits != 10 {
                return None;
            }
            rest.get(..2)?
        }
    };
    let month: u8 = month.parse().ok()?;
    (1..=12).contains(&month).then_some((year, Some(month)))
}
